/// A member of an object, as positions in the text that was searched.
public struct JSONMember: Sendable, Equatable {
    /// The decoded name. Swift compares strings by what they look like; where two spellings of an accent
    /// must differ, compare `key.utf8`.
    public let key: String
    /// The name in the text, with its quotes.
    public let keyRange: Range<Int>
    /// The value in the text, without white space around it.
    public let valueRange: Range<Int>
    /// What the value is.
    public let kind: JSONKind
}

/// An element of an array, as a position in the text that was searched.
public struct JSONElement: Sendable, Equatable {
    /// The value in the text, without white space around it.
    public let valueRange: Range<Int>
    /// What the value is.
    public let kind: JSONKind
}

/// Where the parts of a JSON text are, so that parts can be passed on or replaced byte for byte.
///
/// The grammar is checked in one linear pass (UTF-8 is not: parse the text first if it comes from outside).
/// Ranges count from the start of the bytes given, so nested parts are found by slicing with
/// `UnsafeRawBufferPointer(rebasing: bytes[range])`.
public enum JSONSpans {
    /// How deep a text may be nested.
    public static let maxDepth = 512

    /// The members of the object that the text is, in order; a name that is there twice comes twice.
    public static func members(of text: UnsafeRawBufferPointer) throws(JSONError) -> [JSONMember] {
        var result: [JSONMember] = []
        try scanMembers(of: text) { key, escaped, value, kind in
            result.append(
                JSONMember(
                    key: String(decoding: decodedKey(text, key, escaped: escaped), as: UTF8.self), keyRange: key,
                    valueRange: value, kind: kind))
        }
        return result
    }

    /// The elements of the array that the text is.
    public static func elements(of text: UnsafeRawBufferPointer) throws(JSONError) -> [JSONElement] {
        var scanner = JSONScanner(text)
        scanner.skipSpace()
        guard scanner.current == UInt8(ascii: "[") else {
            throw JSONError(.notAnArray, "The JSON text is not an array.", offset: scanner.position)
        }
        var result: [JSONElement] = []
        try scanner.enter(1)
        if !scanner.closes(UInt8(ascii: "]")) {
            repeat {
                let start = scanner.position
                let kind = try scanner.skipValue(depth: 1)
                result.append(JSONElement(valueRange: start..<scanner.position, kind: kind))
            } while try !scanner.endsList(UInt8(ascii: "]"))
        }
        try scanner.expectEnd()
        return result
    }

    /// What the text is, and where, without the white space around it; checks the whole text.
    public static func value(of text: UnsafeRawBufferPointer) throws(JSONError) -> JSONElement {
        var scanner = JSONScanner(text)
        scanner.skipSpace()
        let start = scanner.position
        let kind = try scanner.skipValue(depth: 0)
        let range = start..<scanner.position
        try scanner.expectEnd()
        return JSONElement(valueRange: range, kind: kind)
    }

    static func scanMembers(
        of text: UnsafeRawBufferPointer,
        _ visit: (_ key: Range<Int>, _ escaped: Bool, _ value: Range<Int>, _ kind: JSONKind) -> Void
    ) throws(JSONError) {
        var scanner = JSONScanner(text)
        scanner.skipSpace()
        guard scanner.current == UInt8(ascii: "{") else {
            throw JSONError(.notAnObject, "The JSON text is not an object.", offset: scanner.position)
        }
        try scanner.enter(1)
        if !scanner.closes(UInt8(ascii: "}")) {
            repeat {
                let keyStart = scanner.position
                let escaped = try scanner.skipString()
                let key = keyStart..<scanner.position
                try scanner.colon()
                let start = scanner.position
                let kind = try scanner.skipValue(depth: 1)
                visit(key, escaped, start..<scanner.position, kind)
            } while try !scanner.endsList(UInt8(ascii: "}"))
        }
        try scanner.expectEnd()
    }

    /// The UTF-8 of the name whose quotes are the ends of the range.
    static func decodedKey(_ text: UnsafeRawBufferPointer, _ range: Range<Int>, escaped: Bool) -> [UInt8] {
        let inner = UnsafeRawBufferPointer(rebasing: text[range.lowerBound + 1..<range.upperBound - 1])
        return escaped ? unescape(inner) : [UInt8](inner)
    }
}
