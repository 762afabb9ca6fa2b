import LogModel

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Writes a frame's payload to memory that grows as needed.
struct FrameWriter: FrameCoder {
    static let writes = true

    /// Bodies from this size on are told by what they do not share with another.
    private static let minShared = 64 << 10
    /// So much of what is shared is written all the same on each side, so that a secret that begins in the one part and
    /// ends in the other is found. Keys, tokens and PEM files are shorter.
    private static let margin = 16 << 10

    var memory: FrameMemory

    private mutating func put(_ number: UInt64) {
        memory.reserve(10)
        var rest = number
        while rest >= 0x80 {
            memory.put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        memory.put(UInt8(rest))
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        put(UInt64(bytes.count))
        memory.append(bytes)
    }

    mutating func code(_ value: inout Int64) { put(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

    mutating func count(_ count: Int) -> Int {
        put(UInt64(count))
        return count
    }

    mutating func code(_ value: inout String) {
        value.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    mutating func code(_ value: inout [UInt8]) { value.withUnsafeBytes { put($0) } }

    mutating func code(_ value: inout RecordedBody, like other: RecordedBody?) {
        put(UInt64(value.total))
        if value.kept >= Self.minShared, let other, let common = Self.common(value, other) {
            put(1)
            put(UInt64(common.before))
            put(UInt64(common.after))
            value.readingWhole {
                put(UnsafeRawBufferPointer(rebasing: $0[common.before..<($0.count - common.after)]))
            }
            return
        }
        put(0)
        put(UInt64(value.kept))
        value.reading { memory.append($0) }
    }

    /// How many bytes at the beginning and at the end need not be written; nil: it is not worth it.
    private static func common(_ one: RecordedBody, _ other: RecordedBody) -> (before: Int, after: Int)? {
        guard other.kept >= minShared else { return nil }
        return one.readingWhole { one in
            other.readingWhole { other in
                let most = min(one.count, other.count)
                let same = CommonBytes.before(one, other, most: most)
                let rest = CommonBytes.after(one, other, most: most - same)
                let (before, after) = (max(0, same - margin), max(0, rest - margin))
                return before + after >= minShared / 2 ? (before, after) : nil
            }
        }
    }
}

/// What two texts have in common at their ends: in blocks, then eight bytes at a time.
enum CommonBytes {
    private static let block = 4_096

    static func before(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer, most: Int) -> Int {
        var count = 0
        while count + block <= most, isSame(one, count, other, count) { count += block }
        while count + 8 <= most, word(one, count) == word(other, count) { count += 8 }
        while count < most, one[count] == other[count] { count += 1 }
        return count
    }

    static func after(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer, most: Int) -> Int {
        var count = 0
        let (end, otherEnd) = (one.count, other.count)
        while count + block <= most, isSame(one, end - count - block, other, otherEnd - count - block) {
            count += block
        }
        while count + 8 <= most, word(one, end - count - 8) == word(other, otherEnd - count - 8) { count += 8 }
        while count < most, one[end - count - 1] == other[otherEnd - count - 1] { count += 1 }
        return count
    }

    /// A block from each.
    private static func isSame(
        _ one: UnsafeRawBufferPointer, _ start: Int, _ other: UnsafeRawBufferPointer, _ otherStart: Int
    ) -> Bool {
        guard let one = one.baseAddress, let other = other.baseAddress else { return false }
        return memcmp(one + start, other + otherStart, block) == 0
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }
}
