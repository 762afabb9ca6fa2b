import Crypto

/// Cuts bodies where their own bytes say so, so that two bodies with a common beginning, such as two turns of one
/// conversation, have common pieces, whatever was inserted before.
enum Pieces {
    static let minBytes = 2 << 10
    static let maxBytes = 32 << 10
    /// A cut every so many bytes beyond `minBytes`, on average: 4 kB.
    private static let mask: UInt64 = 0xFFF0_0000_0000_0000

    /// One random number per byte value; by the same seed for ever, or else old pieces are not found again.
    private static let gear: [UInt64] = {
        var state: UInt64 = 0x4B69_6D69_204B_3221
        return (0..<256).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }()

    /// Calls `body` with each piece, in order.
    static func each(in bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        var start = 0
        while start < bytes.count {
            let end = cut(bytes, from: start)
            try body(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
            start = end
        }
    }

    private static func cut(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        let limit = min(bytes.count, start + maxBytes)
        guard bytes.count - start > minBytes else { return bytes.count }
        return gear.withUnsafeBufferPointer { gear in
            var hash: UInt64 = 0
            // The hash sees 64 bytes; those before a cut are enough.
            for index in (start + minBytes - 64)..<limit {
                hash = (hash << 1) &+ gear[Int(bytes[index])]
                if index >= start + minBytes, hash & mask == 0 { return index + 1 }
            }
            return limit
        }
    }

    /// The name of a piece: the first half of its SHA-256.
    static func name(of piece: UnsafeRawBufferPointer) -> [UInt8] {
        var hasher = SHA256()
        hasher.update(bufferPointer: piece)
        return Array(hasher.finalize().prefix(16))
    }

    /// Numbers as LEB128, each but the first as the difference to the one before: pieces of one body mostly follow each
    /// other.
    static func encode(_ numbers: [Int64]) -> [UInt8] {
        var bytes: [UInt8] = []
        var before: Int64 = 0
        for number in numbers {
            let difference = number &- before
            before = number
            var rest = UInt64(bitPattern: (difference << 1) ^ (difference >> 63))
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(rest))
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8]) -> [Int64] {
        var numbers: [Int64] = []
        var before: Int64 = 0
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            guard byte & 0x80 == 0 else { continue }
            before &+= Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
            numbers.append(before)
            (value, shift) = (0, 0)
        }
        return numbers
    }
}
