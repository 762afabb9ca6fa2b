extension ConfigParser {
    mutating func parseNumber() throws(ConfigParseError) -> ConfigValue {
        let start = position
        if peek == UInt8(ascii: "-") { position += 1 }
        let leadingZero = peek == UInt8(ascii: "0")
        let whole = skipDigits()
        guard whole > 0, !(leadingZero && whole > 1) else { throw failure("this is not a JSON number") }
        var isInteger = true
        if peek == UInt8(ascii: ".") {
            isInteger = false
            position += 1
            guard skipDigits() > 0 else { throw failure("digits should follow the decimal point") }
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            isInteger = false
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            guard skipDigits() > 0 else { throw failure("digits should follow the exponent") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let number = Int64(text) { return .int(number) }
        guard let number = Double(text), number.isFinite else { throw failure("the number \(text) is too large") }
        return .double(number)
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        return position - start
    }

    /// Reads a string whose opening quote is at `position`. The document is known to be valid UTF-8.
    mutating func parseString() throws(ConfigParseError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                text += String(try parseEscape()).utf8
            case 0..<0x20: throw failure("a control character in a string must be written as an escape")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw failure("the string has no closing quote")
    }

    private mutating func parseEscape() throws(ConfigParseError) -> Unicode.Scalar {
        guard let byte = peek else { throw failure("the string has no closing quote") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape()
        default: throw failure("this is not an escape JSON knows")
        }
    }

    private mutating func parseUnicodeEscape() throws(ConfigParseError) -> Unicode.Scalar {
        let first = try parseHex4()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let pairFollows = first < 0xDC00 && bytes[position...].starts(with: #"\u"#.utf8)
        guard pairFollows else { throw failure("half a surrogate pair in a \\u escape") }
        position += 2
        let second = try parseHex4()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("half a surrogate pair in a \\u escape") }
        return scalar
    }

    private mutating func parseHex4() throws(ConfigParseError) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        let isHex = digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        guard digits.count == 4, isHex, let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else {
            throw failure("four hexadecimal digits should follow \\u")
        }
        position += 4
        return unit
    }
}
