/// Reads calls written in another family's markup, byte by byte, from their first `<` on.
///
/// Everything read is kept, and is text in the end unless it was well-formed, named declared tools only, and nothing
/// but markup stood behind it on its line. Time is linear: no byte is looked at twice but those of one tag.
struct ForeignCalls {
    enum Verdict {
        case undecided
        /// All of it up to `end` is text.
        case text
        /// All of it up to `end` is calls.
        case calls
    }

    /// Each with the place where it began.
    enum State {
        /// Between tags.
        case between
        case tag(Int)
        case json(Int)
        /// The value of a parameter, or the text of `<exec>`.
        case value(Int)
        /// A word right behind `<tool_call>`.
        case word(Int)
        /// Behind the last close tag: what else is on the line?
        case after
        case afterTag(Int)
    }

    /// Everything read.
    private(set) var bytes: [UInt8] = []
    /// The calls found so far.
    var found: [ForeignCall] = []
    /// With a verdict: what is behind this place in `bytes` is for others to read.
    var end = 0
    var state = State.between
    /// Open tags around calls.
    var wrappers: [String] = []
    /// The call being read, what closes it, and the parameter being read.
    var call: ForeignCall.Draft?
    var closer = ""
    var key = ""
    /// Words behind `<tool_call>` that are the beginnings of names.
    var words = 0
    var extent = JSONExtent()
    let tools: ToolCatalogue
    let declared: DeclaredTools
    let repairs: RepairSet

    init(_ declared: DeclaredTools, _ repairs: RepairSet) {
        self.declared = declared
        tools = declared.catalogue
        self.repairs = repairs
    }

    var isAtLimit: Bool { bytes.count >= Limits.foreignCalls }

    /// Takes the next byte; the one that brings a verdict belongs to what follows.
    mutating func take(_ byte: UInt8) -> Verdict {
        let at = bytes.count
        if isAtLimit, byte & 0xC0 != 0x80 || at > Limits.foreignCalls + 4 { return text(upTo: at) }
        bytes.append(byte)
        let verdict = follow(byte, at)
        if verdict != .undecided { bytes.removeLast() }
        return verdict
    }

    /// No more bytes come.
    mutating func atEnd() -> Verdict {
        switch state {
        case .after: return .calls
        case .word(let start) where isName(start..<bytes.count): break
        case .between where words > 0 && bytes.last == 0x3E: break
        default: return text(upTo: bytes.count)
        }
        guard repairs.contains(.leftovers) else { return text(upTo: bytes.count) }
        end = bytes.count
        return .calls
    }

    private mutating func text(upTo end: Int) -> Verdict {
        self.end = end
        return .text
    }

    // MARK: - States

    private mutating func follow(_ byte: UInt8, _ at: Int) -> Verdict {
        switch state {
        case .between: return between(byte, at)
        case .tag(let start): return tag(byte, start, at)
        case .json(let start): return json(byte, start, at)
        case .value(let start):
            return byte != 0x3E || endValue(start) ? .undecided : text(upTo: at)
        case .word(let start): return word(byte, start, at)
        case .after: return after(byte, at)
        case .afterTag(let start): return afterTag(start)
        }
    }

    private mutating func between(_ byte: UInt8, _ at: Int) -> Verdict {
        let isBehindTag = at > 0 && bytes[at - 1] == 0x3E
        if byte == 0x3C, words == 0 {
            state = .tag(at)
        } else if byte == 0x7B || byte == 0x5B, words == 0, call?.isEmpty ?? !wrappers.isEmpty {
            state = .json(at)
            extent = JSONExtent()
            return json(byte, at, at)
        } else if call == nil, found.isEmpty, wrappers == ["tool_call"], isBehindTag, ForeignCall.isNameByte(byte) {
            state = .word(at)
        } else if !isBlank(byte) || words > 0 {
            return text(upTo: at)
        }
        return .undecided
    }

    private mutating func tag(_ byte: UInt8, _ start: Int, _ at: Int) -> Verdict {
        if byte == 0x3E, act(on: ForeignTag(bytes[(start + 1)..<at])) { return .undecided }
        // The first tag may have been cut before it could be told from others.
        if start == 0, at < 24, !bytes.withUnsafeBytes({ ForeignTag.mayBegin($0, at: 0) }) { return text(upTo: at) }
        // `<|` is never one of these tags, but a marker.
        let isLong = at - start > ForeignTag.limit && byte & 0xC0 != 0x80
        let isOver = byte == 0x3E || byte == 0x3C || byte == 0x7C || isLong
        return isOver ? text(upTo: start == 0 ? at : start) : .undecided
    }

    private mutating func json(_ byte: UInt8, _ start: Int, _ at: Int) -> Verdict {
        switch extent.take(byte) {
        case .inside: return .undecided
        case .broken: return text(upTo: at)
        case .complete:
            state = .between
            return takeJSON(Array(bytes[start...])) ? .undecided : text(upTo: at)
        }
    }

    private mutating func word(_ byte: UInt8, _ start: Int, _ at: Int) -> Verdict {
        if byte == 0x3C, isName(start..<at) {
            words += 1
            state = .tag(at)
            return .undecided
        }
        return ForeignCall.isNameByte(byte) && at - start < ForeignCall.longestName ? .undecided : text(upTo: at)
    }

    private mutating func after(_ byte: UInt8, _ at: Int) -> Verdict {
        switch byte {
        case 0x20, 0x09, 0x0D: return .undecided
        case 0x0A: return .calls
        case 0x3C:
            state = .afterTag(at)
            return .undecided
        default: return text(upTo: at)
        }
    }

    /// More calls, markers and the ends of thoughts may follow on the line; other tags mean that this is an example.
    private mutating func afterTag(_ start: Int) -> Verdict {
        let rest = bytes[start...]
        if ForeignCall.lostClosers.contains(where: { rest.elementsEqual($0.utf8) }) {
            state = .after
            end = bytes.count
            return .undecided
        }
        if ForeignCall.followers.contains(where: { rest.elementsEqual($0.utf8) }) { return .calls }
        let known = ForeignCall.followers + ForeignCall.lostClosers
        return known.contains { $0.utf8.starts(with: rest) } ? .undecided : text(upTo: bytes.count - 1)
    }
}
