/// A 64-bit hash without a key: the same in every process and on every machine. Not for secrets, and not against anybody
/// who wants two texts to meet.
package struct StableHash: Sendable {
    private static let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var state: UInt64

    package init(seed: UInt64 = 0) { state = seed ^ Self.factor }

    package var value: UInt64 { Self.mixed(state) }

    package mutating func combine(_ number: UInt64) { state = Self.mixed(state ^ number) &* Self.factor }

    /// The bytes and how many there are.
    package mutating func combine(bytes: UnsafeRawBufferPointer) {
        combine(UInt64(bytes.count))
        var place = 0
        while place + 8 <= bytes.count {
            combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)))
            place += 8
        }
        var rest: UInt64 = 0
        for byte in bytes[place...] { rest = rest << 8 | UInt64(byte) }
        combine(rest)
    }

    /// Nil differs from an empty text.
    package mutating func combine(_ text: String?) {
        guard var text else { return combine(.max) }
        text.withUTF8 { combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    private static func mixed(_ number: UInt64) -> UInt64 {
        var mixed = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
