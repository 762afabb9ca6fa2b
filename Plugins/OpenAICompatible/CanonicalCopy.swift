internal import WireJSON

/// Copies the text of a value with changes, which must come in the text's order. All else keeps its bytes.
///
/// Nothing is written before the first change, so a copy without changes costs nothing.
struct CanonicalCopy {
    private let source: UnsafeRawBufferPointer
    let out: ByteWriter
    private var copied = 0
    private(set) var isChanged = false

    init(of value: JSONSpan, to out: ByteWriter) {
        source = value.raw
        self.out = out
    }

    /// Where a value inside the copied one is.
    func range(_ value: JSONSpan) -> Range<Int> {
        guard let base = source.baseAddress, let start = value.raw.baseAddress else { return copied..<copied }
        return start - base..<start - base + value.raw.count
    }

    /// Where a member is.
    func range(_ key: JSONSpan, _ value: JSONSpan) -> Range<Int> {
        range(key).lowerBound..<range(value).upperBound
    }

    mutating func remove(_ range: Range<Int>) {
        out.append(bytes: UnsafeRawBufferPointer(rebasing: source[copied..<range.lowerBound]))
        copied = range.upperBound
        isChanged = true
    }

    mutating func replace(_ value: JSONSpan, with text: StaticString) {
        remove(range(value))
        out.append(text)
    }

    /// What is written to `out` next stands there.
    mutating func insert(at position: Int) {
        remove(position..<position)
    }

    /// Writes the rest; false if nothing was changed, and nothing written.
    mutating func finish() -> Bool {
        guard isChanged else { return false }
        out.append(bytes: UnsafeRawBufferPointer(rebasing: source[copied...]))
        copied = source.count
        return true
    }

    /// Writes the rest, or all if nothing was changed.
    mutating func finishWhole() {
        if !finish() { out.append(bytes: source) }
    }
}

/// Takes elements or members out of one list of a copy, each with one comma. Each is told in order, before changes
/// inside it.
struct CanonicalCut {
    private var hasKept = false
    /// The end of the one before.
    private var end = 0
    /// Where those begin that are removed before the first that stays.
    private var opening: Int?

    mutating func keep(_ range: Range<Int>, in copy: inout CanonicalCopy) {
        if let opening { copy.remove(opening..<range.lowerBound) }
        opening = nil
        hasKept = true
        end = range.upperBound
    }

    mutating func remove(_ range: Range<Int>, in copy: inout CanonicalCopy) {
        if hasKept {
            copy.remove(end..<range.upperBound)
        } else if opening == nil {
            opening = range.lowerBound
        }
        end = range.upperBound
    }

    mutating func finish(in copy: inout CanonicalCopy) {
        if let opening { copy.remove(opening..<end) }
        opening = nil
    }
}
