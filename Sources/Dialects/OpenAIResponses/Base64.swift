import WireJSON

/// Base64 (RFC 4648): with the URL alphabet and no padding, which needs no escape anywhere, unless said otherwise.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    private static let standardAlphabet = Array(alphabet.dropLast(2)) + Array("+/".utf8)

    /// The standard alphabet with padding, as `data:` URLs have it.
    static func writeStandard(_ bytes: UnsafeRawBufferPointer, to out: ByteWriter) {
        write(bytes, standardAlphabet, to: out)
        for _ in 0..<((3 - bytes.count % 3) % 3) { out.append("=") }
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to out: ByteWriter) { write(bytes, alphabet, to: out) }

    private static func write(_ bytes: UnsafeRawBufferPointer, _ alphabet: [UInt8], to out: ByteWriter) {
        out.reserve(bytes.count / 3 * 4 + 4)
        var position = 0
        while position < bytes.count {
            let left = min(3, bytes.count - position)
            var group: UInt32 = 0
            for offset in 0..<3 {
                group = group << 8 | (offset < left ? UInt32(bytes[position + offset]) : 0)
            }
            for digit in 0...left {
                out.append(byte: alphabet[Int(group >> UInt32(18 - 6 * digit)) & 63])
            }
            position += left
        }
    }

    /// Nil for text with other characters, padding apart, or of an impossible length.
    static func read(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 4 * 3 + 3)
        var group: UInt32 = 0
        var bits = 0
        for byte in text where byte != UInt8(ascii: "=") {
            guard let value = value(byte) else { return nil }
            group = group << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        return bits == 6 ? nil : result
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"), UInt8(ascii: "+"): 62
        case UInt8(ascii: "_"), UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
