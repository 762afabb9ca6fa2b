/// Decodes the escapes of a string that a scanner accepted; half a surrogate pair becomes U+FFFD.
func unescape(_ text: UnsafeRawBufferPointer) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    var position = 0
    while position < text.count {
        let byte = text[position]
        guard byte == UInt8(ascii: "\\"), position + 1 < text.count else {
            result.append(byte)
            position += 1
            continue
        }
        switch text[position + 1] {
        case UInt8(ascii: "u"):
            let (scalar, length) = escapedScalar(text, at: position)
            result.append(contentsOf: Array(String(Character(scalar)).utf8))
            position += length
            continue
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case let other: result.append(other)
        }
        position += 2
    }
    return result
}

private func escapedScalar(_ text: UnsafeRawBufferPointer, at: Int) -> (Unicode.Scalar, length: Int) {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    guard let high = escapedUnit(text, at: at) else { return (replacement, 2) }
    if let scalar = Unicode.Scalar(high) { return (scalar, 6) }
    guard high < 0xDC00, let low = escapedUnit(text, at: at + 6), (0xDC00...0xDFFF).contains(low) else {
        return (replacement, 6)
    }
    let value = 0x10000 + (UInt32(high) - 0xD800) << 10 + (UInt32(low) - 0xDC00)
    return (Unicode.Scalar(value) ?? replacement, 12)
}

private func escapedUnit(_ text: UnsafeRawBufferPointer, at: Int) -> UInt16? {
    guard at + 6 <= text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") else { return nil }
    var unit: UInt16 = 0
    for offset in 2..<6 {
        guard let digit = hexValue(text[at + offset]) else { return nil }
        unit = unit << 4 | digit
    }
    return unit
}
