/// Decodes the escapes of a JSON string byte by byte.
struct StringDecoder {
    private var escape = false
    private var hexDigitsLeft = 0
    private var unit: UInt32 = 0
    /// First half of a surrogate pair.
    private var high: UInt32 = 0

    var isInEscape: Bool { escape || hexDigitsLeft > 0 }

    /// Takes the next byte of the string and appends what it stands for.
    mutating func take(_ byte: UInt8, into output: inout [UInt8]) {
        if hexDigitsLeft > 0 {
            if let digit = Self.hexDigit(byte) { return takeHex(digit, into: &output) }
            giveBackEscape(&output)
        }
        if high != 0, escape ? byte != 0x75 : byte != 0x5C { endPair(&output) }
        if escape {
            escape = false
            takeEscape(byte, into: &output)
        } else if byte == 0x5C {
            escape = true
        } else {
            output.append(byte)
        }
    }

    private mutating func takeEscape(_ byte: UInt8, into output: inout [UInt8]) {
        switch byte {
        case 0x6E: output.append(0x0A)
        case 0x74: output.append(0x09)
        case 0x72: output.append(0x0D)
        case 0x62: output.append(0x08)
        case 0x66: output.append(0x0C)
        case 0x75:
            hexDigitsLeft = 4
            unit = 0
        default: output.append(byte)
        }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 0x30
        case 0x41...0x46, 0x61...0x66: UInt32(byte | 0x20) - 0x57
        default: nil
        }
    }

    /// An escape that breaks off is no escape: it stays as it was written.
    private mutating func giveBackEscape(_ output: inout [UInt8]) {
        if high != 0 { endPair(&output) }
        output += [0x5C, 0x75]
        for place in (hexDigitsLeft..<4).reversed() {
            let digit = UInt8(truncatingIfNeeded: unit >> UInt32(4 * (place - hexDigitsLeft)) & 15)
            output.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
        hexDigitsLeft = 0
    }

    private mutating func takeHex(_ digit: UInt32, into output: inout [UInt8]) {
        unit = unit << 4 | digit
        hexDigitsLeft -= 1
        guard hexDigitsLeft == 0 else { return }
        let isLow = unit & 0xFC00 == 0xDC00
        if high != 0, !isLow { endPair(&output) }
        if unit & 0xFC00 == 0xD800 {
            high = unit
            return
        }
        let value = isLow && high != 0 ? 0x10000 + (high & 0x3FF) << 10 + (unit & 0x3FF) : unit
        high = 0
        output.append(contentsOf: Array(String(UnicodeScalar(value).map(Character.init) ?? "\u{FFFD}").utf8))
    }

    /// The first half of a pair that is none.
    private mutating func endPair(_ output: inout [UInt8]) {
        high = 0
        output += [0xEF, 0xBF, 0xBD]
    }
}
