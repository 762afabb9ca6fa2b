#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

/// Names of members are short, so up to 16 bytes are compared in place: two words that may overlap.
@inlinable @inline(__always)
func equalBytes(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    guard let left = a.baseAddress, let right = b.baseAddress else { return true }
    return equalSameLength(left, right, a.count)
}

@usableFromInline
func equalSameLength(_ left: UnsafeRawPointer, _ right: UnsafeRawPointer, _ count: Int) -> Bool {
    if count > 16 { return memcmp(left, right, count) == 0 }
    if count >= 8 { return equalEnds(left, right, count, UInt64.self) }
    if count >= 4 { return equalEnds(left, right, count, UInt32.self) }
    if count >= 2 { return equalEnds(left, right, count, UInt16.self) }
    return count == 0 || left.load(as: UInt8.self) == right.load(as: UInt8.self)
}

private func equalEnds<Word: FixedWidthInteger & BitwiseCopyable>(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int, _ word: Word.Type
) -> Bool {
    let last = count - MemoryLayout<Word>.size
    let first = a.loadUnaligned(as: word) ^ b.loadUnaligned(as: word)
    let second = a.loadUnaligned(fromByteOffset: last, as: word) ^ b.loadUnaligned(fromByteOffset: last, as: word)
    return first | second == 0
}

/// Eight bytes at a time: each function marks, in the top bit of a byte, that the byte has a property.
/// Only the lowest mark is exact, which is all that "where is the first?" needs.
enum Swar {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let tops: UInt64 = 0x8080_8080_8080_8080

    static func equal(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (ones &* UInt64(byte))
        return (difference &- ones) & ~difference & tops
    }

    /// Bytes that end the plain part of a JSON string: a quote, a backslash, a control character.
    static func special(_ word: UInt64) -> UInt64 {
        let control = (word &- ones &* 0x20) & ~word & tops
        return control | equal(word, UInt8(ascii: "\"")) | equal(word, UInt8(ascii: "\\"))
    }

    /// The offset of the first marked byte.
    static func first(_ marks: UInt64) -> Int {
        marks.trailingZeroBitCount >> 3
    }
}

/// The offset from `from` of the first byte that a JSON string cannot hold as it is, or the count.
func scanPlain(_ bytes: UnsafeRawBufferPointer, from: Int) -> Int {
    var position = from
    guard let base = bytes.baseAddress else { return 0 }
    while position + 8 <= bytes.count {
        let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        let marks = Swar.special(word)
        if marks != 0 { return position + Swar.first(marks) }
        position += 8
    }
    while position < bytes.count {
        let byte = bytes[position]
        if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return position }
        position += 1
    }
    return position
}

/// The same, which also stops at a byte that is not ASCII.
func scanPlainASCII(_ bytes: UnsafeRawBufferPointer, from: Int) -> Int {
    var position = from
    guard let base = bytes.baseAddress else { return 0 }
    while position + 8 <= bytes.count {
        let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
        let marks = Swar.special(word) | (word & Swar.tops)
        if marks != 0 { return position + Swar.first(marks) }
        position += 8
    }
    while position < bytes.count {
        let byte = bytes[position]
        if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return position }
        position += 1
    }
    return position
}

/// The length of the well-formed UTF-8 sequence that starts at `at` with a byte of 0x80 or more; 0 if malformed.
func sequenceLength(_ bytes: UnsafeRawBufferPointer, at: Int) -> Int {
    func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
        at + offset < bytes.count && range.contains(bytes[at + offset])
    }
    switch bytes[at] {
    case 0xC2...0xDF: return continues(1) ? 2 : 0
    case 0xE0: return continues(1, 0xA0...0xBF) && continues(2) ? 3 : 0
    case 0xED: return continues(1, 0x80...0x9F) && continues(2) ? 3 : 0
    case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
    case 0xF0: return continues(1, 0x90...0xBF) && continues(2) && continues(3) ? 4 : 0
    case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
    case 0xF4: return continues(1, 0x80...0x8F) && continues(2) && continues(3) ? 4 : 0
    default: return 0
    }
}
