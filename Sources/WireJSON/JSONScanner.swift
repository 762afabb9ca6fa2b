/// Walks over JSON text without building anything: finds where values begin and end.
///
/// Checks the grammar as it goes (RFC 8259, except that UTF-8 is taken on trust); linear in the text.
struct JSONScanner {
    let bytes: UnsafeRawBufferPointer
    let maxDepth: Int
    var position = 0

    init(_ bytes: UnsafeRawBufferPointer, maxDepth: Int = JSONSpans.maxDepth) {
        self.bytes = bytes
        self.maxDepth = maxDepth
    }

    /// The byte at the position, or 0 at the end: no token of JSON begins with a NUL.
    var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// Nothing but white space may follow.
    mutating func expectEnd() throws(JSONError) {
        skipSpace()
        guard position == bytes.count else { throw structure("something follows the end of the JSON value") }
    }

    mutating func expect(_ byte: UInt8, _ trouble: StaticString) throws(JSONError) {
        guard current == byte else { throw structure(trouble) }
        position += 1
    }

    /// Skips the value at the position, which must not be white space, and tells its kind.
    mutating func skipValue(depth: Int) throws(JSONError) -> JSONKind {
        switch current {
        case UInt8(ascii: "\""):
            _ = try skipString()
            return .string
        case UInt8(ascii: "{"):
            try skipObject(depth: depth + 1)
            return .object
        case UInt8(ascii: "["):
            try skipArray(depth: depth + 1)
            return .array
        case UInt8(ascii: "t"): return try skipWord("true", .bool)
        case UInt8(ascii: "f"): return try skipWord("false", .bool)
        case UInt8(ascii: "n"): return try skipWord("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try skipNumber()
        default: throw structure(position < bytes.count ? "a value is expected" : "the text ends in the middle")
        }
    }

    /// Skips a string; true if it has escapes.
    mutating func skipString() throws(JSONError) -> Bool {
        try expect(UInt8(ascii: "\""), "a string is expected")
        var escaped = false
        while true {
            position = scanPlain(bytes, from: position)
            switch current {
            case UInt8(ascii: "\""):
                position += 1
                return escaped
            case UInt8(ascii: "\\"):
                escaped = true
                try skipEscape()
            default:
                guard position < bytes.count else { throw string("a string is not closed") }
                throw string("a string has a control character that is not escaped")
            }
        }
    }

    private mutating func skipEscape() throws(JSONError) {
        position += 1
        switch current {
        case UInt8(ascii: "u"):
            for offset in 1...4 where position + offset >= bytes.count || hexValue(bytes[position + offset]) == nil {
                throw string("an escape \\u lacks its four hexadecimal digits")
            }
            position += 5
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 1
        default: throw string("a string has an escape that does not exist")
        }
    }

    private mutating func skipObject(depth: Int) throws(JSONError) {
        try enter(depth)
        if closes(UInt8(ascii: "}")) { return }
        while true {
            _ = try skipString()
            try colon()
            _ = try skipValue(depth: depth)
            if try endsList(UInt8(ascii: "}")) { return }
        }
    }

    private mutating func skipArray(depth: Int) throws(JSONError) {
        try enter(depth)
        if closes(UInt8(ascii: "]")) { return }
        while true {
            _ = try skipValue(depth: depth)
            if try endsList(UInt8(ascii: "]")) { return }
        }
    }

    /// Past an opening bracket and the white space behind it.
    mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= maxDepth else {
            throw JSONError(
                .tooDeep, "The JSON text is nested deeper than \(maxDepth) levels at byte \(position).",
                offset: position)
        }
        position += 1
        skipSpace()
    }

    mutating func closes(_ bracket: UInt8) -> Bool {
        guard current == bracket else { return false }
        position += 1
        return true
    }

    /// Between a key and its value.
    mutating func colon() throws(JSONError) {
        skipSpace()
        try expect(UInt8(ascii: ":"), "a colon is expected after a member's name")
        skipSpace()
    }

    /// After a value in a list: true at the closing bracket, false past a comma.
    mutating func endsList(_ bracket: UInt8) throws(JSONError) -> Bool {
        skipSpace()
        if closes(bracket) { return true }
        try expect(
            UInt8(ascii: ","),
            position < bytes.count ? "a comma or a bracket is expected" : "the text ends in the middle")
        skipSpace()
        return false
    }

    private mutating func skipWord(_ word: StaticString, _ kind: JSONKind) throws(JSONError) -> JSONKind {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count,
            UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]).matches(word)
        else {
            throw JSONError(
                .badLiteral, "The JSON text has a word that is not true, false or null at byte \(position).",
                offset: position)
        }
        position += count
        return kind
    }

    func structure(_ trouble: StaticString) -> JSONError {
        JSONError(.badStructure, "The text is not JSON: \(trouble), at byte \(position).", offset: position)
    }

    func string(_ trouble: StaticString) -> JSONError {
        JSONError(.badString, "The text is not JSON: \(trouble), at byte \(position).", offset: position)
    }
}

func hexValue(_ byte: UInt8) -> UInt16? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
    default: nil
    }
}
