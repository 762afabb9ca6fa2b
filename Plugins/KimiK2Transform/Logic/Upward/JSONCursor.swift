import WireJSON

/// A value in the request's text.
struct Span {
    // Many of these are kept for every message, hence the small numbers.
    private var low: UInt32
    private var high: UInt32
    /// A string with escapes in it.
    var isEscaped: Bool

    /// `range`: below `JSONCursor.longest`.
    init(range: Range<Int>, isEscaped: Bool = false) {
        low = UInt32(truncatingIfNeeded: range.lowerBound)
        high = UInt32(truncatingIfNeeded: range.upperBound)
        self.isEscaped = isEscaped
    }

    /// Without blanks around it; a string's with its quotes.
    var range: Range<Int> { Int(low)..<Int(high) }

    /// A string's text without its quotes, as it is written.
    var inner: Range<Int> { range.lowerBound + 1..<range.upperBound - 1 }
}

/// Walks once over JSON text that the host has checked, and tells where things are.
///
/// Nothing is recursive, so depth costs nothing. Text that is no JSON after all makes it `isBroken`; it never reads
/// beyond the end.
struct JSONCursor {
    /// Longer texts are not looked at; the host takes none that long.
    static let longest = 1 << 31

    let bytes: Bytes
    private(set) var position: Int
    private(set) var isBroken = false

    init(_ bytes: Bytes, at position: Int = 0) {
        self.bytes = bytes.count < Self.longest ? bytes : bytes.slice(0..<0)
        self.position = position
    }

    /// The byte here; 0 at the end, which begins nothing.
    var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    /// Steps into an object or array, if one with this bracket is here.
    mutating func enter(_ bracket: UInt8) -> Bool {
        skipSpace()
        guard current == bracket, !isBroken else { return false }
        position += 1
        return true
    }

    /// The name of an object's next member, whose value must be taken next; nil behind the last one.
    mutating func nextKey(_ isFirst: inout Bool) -> Span? {
        guard hasNext(UInt8(ascii: "}"), &isFirst), current == UInt8(ascii: "\""), let key = value() else {
            return nil
        }
        skipSpace()
        guard current == UInt8(ascii: ":") else { return broken() }
        position += 1
        return key
    }

    /// Is there a further element in the array, whose value must be taken next?
    mutating func nextElement(_ isFirst: inout Bool) -> Bool { hasNext(UInt8(ascii: "]"), &isFirst) }

    /// Takes the value here, whatever it is.
    mutating func value() -> Span? {
        skipSpace()
        let start = position
        var isEscaped = false
        switch current {
        case UInt8(ascii: "\""): isEscaped = skipString()
        case UInt8(ascii: "{"), UInt8(ascii: "["): skipCompound()
        default: skipScalar()
        }
        guard !isBroken, position > start else { return broken() }
        return Span(range: start..<position, isEscaped: isEscaped)
    }

    mutating func skipSpace() {
        while position < bytes.count, isBlank(bytes[position]) { position += 1 }
    }

    // MARK: - Parts

    private mutating func hasNext(_ close: UInt8, _ isFirst: inout Bool) -> Bool {
        skipSpace()
        if current == close {
            position += 1
            return false
        }
        if !isFirst {
            guard current == UInt8(ascii: ",") else { return broken() != nil }
            position += 1
            skipSpace()
        }
        isFirst = false
        return position < bytes.count || broken() != nil
    }

    private mutating func broken() -> Span? {
        isBroken = true
        position = bytes.count
        return nil
    }

    /// Skips a string; has it escapes?
    private mutating func skipString() -> Bool {
        var isEscaped = false
        position += 1
        while true {
            position = bytes.firstQuoteOrBackslash(from: position)
            guard position < bytes.count else { return broken() != nil }
            if bytes[position] == UInt8(ascii: "\"") { break }
            isEscaped = true
            position += 2
        }
        position += 1
        return isEscaped
    }

    private mutating func skipCompound() {
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                _ = skipString()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            position += 1
            if depth == 0 { return }
        }
        _ = broken()
    }

    private mutating func skipScalar() {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"), UInt8(ascii: ":"): return
            case let byte where isBlank(byte): return
            default: position += 1
            }
        }
    }
}
