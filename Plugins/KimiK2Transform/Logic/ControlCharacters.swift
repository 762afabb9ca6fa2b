/// Raw control characters as the escapes that JSON wants in their place.
enum ControlCharacters {
    static func escape(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case 0x0A: [0x5C, 0x6E]
        case 0x0D: [0x5C, 0x72]
        case 0x09: [0x5C, 0x74]
        default: Array("\\u00".utf8) + [hexDigit(byte >> 4), hexDigit(byte & 15)]
        }
    }

    /// A whole text with all of them escaped.
    static func escaped(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count + 8)
        for byte in text {
            if byte < 0x20 { result += escape(byte) } else { result.append(byte) }
        }
        return result
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
