/// Writes text as the inside of a JSON string. Bytes that are no UTF-8 stay, so that no cut can change them.
enum JSONEscape {
    @inline(__always)
    static func isNeeded(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

    static func append(_ text: Bytes, to output: inout [UInt8]) {
        output.reserveCapacity(output.count + text.count + 8)
        for byte in text {
            if isNeeded(byte) { escape(byte, &output) } else { output.append(byte) }
        }
    }

    private static func escape(_ byte: UInt8, _ output: inout [UInt8]) {
        output.append(0x5C)
        switch byte {
        case 0x22, 0x5C: output.append(byte)
        case 0x0A: output.append(0x6E)
        case 0x0D: output.append(0x72)
        case 0x09: output.append(0x74)
        default: output.append(contentsOf: [0x75, 0x30, 0x30, digit(byte >> 4), digit(byte & 15)])
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
