/// A text that is not the JSON it should be: one sentence and the place.
package struct ConfigParseError: Error, Sendable, Equatable {
    package var message: String
    package var mark: Mark

    package init(message: String, mark: Mark) {
        self.message = message
        self.mark = mark
    }
}

extension ConfigNode {
    /// Parses one JSON document of configuration size, with marks. A key written twice is an error.
    package init(parsingJSON text: String) throws(ConfigParseError) {
        try self.init(parsingJSON: Array(text.utf8))
    }

    /// Parses one JSON document of configuration size (at most ``ConfigParser/maxBytes``), with marks.
    package init(parsingJSON bytes: [UInt8]) throws(ConfigParseError) {
        var parser = ConfigParser(bytes: bytes)
        self = try parser.document()
    }
}

/// A strict JSON parser (RFC 8259) that keeps the place of every value. For manifests and schemas: simple, not fast.
package struct ConfigParser {
    package static let maxBytes = 4 << 20
    package static let maxDepth = 128

    let bytes: [UInt8]
    var position = 0
    var line = 1
    var depth = 0
    // The column of `countedTo`, so that a long line is not counted again for every mark.
    private var countedTo = 0
    private var countedColumn = 1

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    var mark: Mark {
        // Columns count characters, not bytes: continuation bytes do not advance.
        Mark(line: line, column: countedColumn + bytes[countedTo..<position].count { $0 & 0xC0 != 0x80 })
    }

    /// The current mark, remembered as the point to count on from.
    private mutating func markHere() -> Mark {
        let here = mark
        countedTo = position
        countedColumn = here.column
        return here
    }

    func failure(_ message: String) -> ConfigParseError {
        ConfigParseError(message: message, mark: mark)
    }

    mutating func document() throws(ConfigParseError) -> ConfigNode {
        guard bytes.count <= Self.maxBytes else {
            throw failure("the document has \(bytes.count) bytes; at most \(Self.maxBytes) are read")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw failure("the document is not valid UTF-8") }
        let node = try parseValue()
        skipSpace()
        guard position == bytes.count else { throw failure("something follows the end of the JSON value") }
        return node
    }

    mutating func parseValue() throws(ConfigParseError) -> ConfigNode {
        skipSpace()
        let start = markHere()
        guard let byte = peek else { throw failure("the document ends where a value should be") }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else { throw failure("nested deeper than \(Self.maxDepth) levels") }
        switch byte {
        case UInt8(ascii: "{"): return ConfigNode(try parseObject(), mark: start)
        case UInt8(ascii: "["): return ConfigNode(try parseArray(), mark: start)
        case UInt8(ascii: "\""): return ConfigNode(.string(try parseString()), mark: start)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return ConfigNode(try parseNumber(), mark: start)
        default: return ConfigNode(try parseWord(), mark: start)
        }
    }

    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = peek {
            switch byte {
            case 0x20, 0x09, 0x0D: position += 1
            case 0x0A:
                position += 1
                line += 1
                countedTo = position
                countedColumn = 1
            default: return
            }
        }
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipSpace()
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func parseObject() throws(ConfigParseError) -> ConfigValue {
        position += 1
        var members: [ConfigObject.Member] = []
        var seen: Set<String> = []
        if take("}") { return .object(ConfigObject()) }
        repeat {
            skipSpace()
            let keyMark = markHere()
            guard peek == UInt8(ascii: "\"") else { throw failure("a key in double quotes should be here") }
            let key = try parseString()
            guard seen.insert(key).inserted else {
                throw ConfigParseError(message: "the key \"\(key)\" is here twice; remove one", mark: keyMark)
            }
            guard take(":") else { throw failure("':' should follow the key \"\(key)\"") }
            members.append(.init(key: key, keyMark: keyMark, value: try parseValue()))
        } while take(",")
        guard take("}") else { throw failure("',' or '}' should be here") }
        return .object(ConfigObject(members))
    }

    private mutating func parseArray() throws(ConfigParseError) -> ConfigValue {
        position += 1
        var elements: [ConfigNode] = []
        if take("]") { return .array([]) }
        repeat {
            elements.append(try parseValue())
        } while take(",")
        guard take("]") else { throw failure("',' or ']' should be here") }
        return .array(elements)
    }

    private mutating func parseWord() throws(ConfigParseError) -> ConfigValue {
        let words: [(StaticString, ConfigValue)] = [("true", .bool(true)), ("false", .bool(false)), ("null", .null)]
        for (word, value) in words where bytes[position...].starts(with: word.description.utf8) {
            position += word.utf8CodeUnitCount
            return value
        }
        throw failure("this is not a JSON value")
    }
}
