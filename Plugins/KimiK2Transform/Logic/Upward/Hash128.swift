import WireJSON

/// 128 bits that stand for a text: two of them are equal by chance never in practice.
///
/// Not a cryptographic hash. Who can choose texts freely can make two equal, and gains nothing by that: what is filed
/// under such a key is found by everybody who sends the same conversation anyway.
struct Hash128: Hashable, Sendable {
    var low: UInt64
    var high: UInt64

    init(_ low: UInt64, _ high: UInt64) { (self.low, self.high) = (low, high) }

    init(_ text: Bytes) {
        var hash = Hashing128()
        hash.add(text)
        self = hash.value
    }
}

/// Adds up a `Hash128`. Two lanes of multiplying and rotating, each of which loses nothing of a word it takes, feed
/// each other. What is added is framed: ("a", "bc") and ("ab", "c") differ.
struct Hashing128 {
    private var a: UInt64 = 0x6C62_272E_07BB_0142
    private var b: UInt64 = 0x62B8_2175_6295_C58D

    mutating func add(_ word: UInt64) {
        a = Self.rotated((a ^ word) &* 0x9FB2_1C65_1E98_DF25, 29) &+ b
        b = Self.rotated((b &+ word) &* 0xD6E8_FEB8_6659_FD93, 35) ^ a
    }

    mutating func add(_ hash: Hash128) {
        add(hash.low)
        add(hash.high)
    }

    mutating func add(_ text: Bytes) {
        var index = 0
        while index + 8 <= text.count {
            add(UInt64(littleEndian: text.loadUnaligned(fromByteOffset: index, as: UInt64.self)))
            index += 8
        }
        var tail: UInt64 = 0
        for offset in index..<text.count { tail = tail << 8 | UInt64(text[offset]) }
        add(tail)
        add(UInt64(text.count))
    }

    /// The hash of what was added so far.
    var value: Hash128 {
        let first = Self.scrambled(a &+ Self.rotated(b, 17))
        let second = Self.scrambled(b ^ first)
        return Hash128(first ^ second, second &+ Self.scrambled(a))
    }

    private static func rotated(_ word: UInt64, _ bits: UInt64) -> UInt64 { word << bits | word >> (64 - bits) }

    private static func scrambled(_ word: UInt64) -> UInt64 {
        var word = word ^ word >> 31
        word = word &* 0x7FB5_D329_728E_A185
        word ^= word >> 27
        word = word &* 0x81DA_DEF4_BC2D_D44D
        return word ^ word >> 33
    }
}
