import WireJSON

/// Replacements in a text; everything between them keeps its bytes.
struct SpanEdits {
    private struct Edit {
        var range: Range<Int>
        var text: Range<Int>
    }

    private var edits: [Edit] = []
    private let texts = ByteWriter(capacity: 1024)
    private var isSorted = true

    var isEmpty: Bool { edits.isEmpty }

    /// Replaces `range`, which no other edit touches, by what `write` writes. An empty range inserts; what is inserted
    /// at one place keeps the order of the calls.
    mutating func replace(_ range: Range<Int>, _ write: (ByteWriter) -> Void) {
        if let last = edits.last, last.range.upperBound > range.lowerBound { isSorted = false }
        let start = texts.count
        write(texts)
        edits.append(Edit(range: range, text: start..<texts.count))
    }

    /// Writes `range` of `source` with its edits, all of which must lie in it.
    func write(_ range: Range<Int>, of source: Bytes, to output: ByteWriter) {
        var position = range.lowerBound
        for edit in sorted where edit.range.lowerBound >= position && edit.range.upperBound <= range.upperBound {
            output.append(bytes: source.slice(position..<edit.range.lowerBound))
            output.append(bytes: texts.unsafeBytes.slice(edit.text))
            position = edit.range.upperBound
        }
        output.append(bytes: source.slice(position..<range.upperBound))
    }

    private var sorted: [Edit] {
        if isSorted { return edits }
        // What is written first comes first, so the start of its text tells those at one place apart.
        return edits.sorted {
            ($0.range.lowerBound, $0.text.lowerBound) < ($1.range.lowerBound, $1.text.lowerBound)
        }
    }
}
