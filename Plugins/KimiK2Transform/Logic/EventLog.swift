/// Output that waits until it is known whether the text in it is thought or answer.
struct EventLog {
    private enum Entry {
        case text(Range<Int>)
        case junction
        case begin(UInt32, id: String, name: String)
        case arguments(UInt32, Range<Int>)
        case end(UInt32)
    }

    private var entries: [Entry] = []
    private var bytes: [UInt8] = []
    /// Is there text that is not blank?
    private(set) var hasText = false

    /// What is held, all kinds together. Bytes.
    var size: Int { bytes.count + overhead }
    /// What the entries cost that are no text. Bytes.
    private var overhead = 0

    mutating func text(_ text: Bytes) {
        if !hasText { hasText = text.contains { !isBlank($0) } }
        let range = store(text)
        if case .text(let last) = entries.last {
            entries[entries.count - 1] = .text(last.lowerBound..<range.upperBound)
        } else {
            entries.append(.text(range))
        }
    }

    mutating func junction() {
        if case .junction = entries.last { return }
        entries.append(.junction)
        overhead += MemoryLayout<Entry>.stride
    }

    mutating func toolBegin(_ index: UInt32, id: String, name: String) {
        entries.append(.begin(index, id: id, name: name))
        overhead += 2 * MemoryLayout<Entry>.stride + id.utf8.count + name.utf8.count
    }

    mutating func toolArguments(_ index: UInt32, _ text: Bytes) {
        let range = store(text)
        if case .arguments(index, let last) = entries.last {
            entries[entries.count - 1] = .arguments(index, last.lowerBound..<range.upperBound)
        } else {
            entries.append(.arguments(index, range))
        }
    }

    mutating func toolEnd(_ index: UInt32) { entries.append(.end(index)) }

    /// The last word, if text is what came last; nothing if it is too long for the head of a call.
    var lastWord: ArraySlice<UInt8> {
        guard case .text(let range) = entries.last else { return [] }
        let text = bytes[range].suffix(CallHeader.limit)
        guard let end = text.lastIndex(where: { !isBlank($0) }) else { return [] }
        if let blank = text[...end].lastIndex(where: isBlank) { return bytes[blank + 1...end] }
        return text.count == range.count ? text[...end] : []
    }

    /// Takes `lastWord` out again.
    mutating func dropLastWord() {
        let start = lastWord.startIndex
        while case .text(let range) = entries.last, range.lowerBound >= start { entries.removeLast() }
        if case .text(let range) = entries.last, range.upperBound > start {
            entries[entries.count - 1] = .text(range.lowerBound..<start)
        }
        bytes.removeSubrange(start...)
        hasText = entries.contains { entry in
            if case .text(let range) = entry { bytes[range].contains { !isBlank($0) } } else { false }
        }
    }

    /// Plays everything back in order; texts and junctions go through `edges`.
    func replay(as channel: TextChannel, edges: inout EdgeTrim, to output: inout some NormalisedOutput) {
        bytes.withUnsafeBytes { all in
            for entry in entries {
                switch entry {
                case .text(let range):
                    edges.text(all.slice(range), transient: true) { output.text(channel, $0, transient: $1) }
                case .junction:
                    edges.junction { output.text(channel, $0, transient: $1) }
                case .begin(let index, let id, let name): output.toolBegin(index, id: id, name: name)
                case .arguments(let index, let range):
                    output.toolArguments(index, all.slice(range), transient: true)
                case .end(let index): output.toolEnd(index)
                }
            }
        }
    }

    private mutating func store(_ text: Bytes) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: text)
        return start..<bytes.count
    }
}
