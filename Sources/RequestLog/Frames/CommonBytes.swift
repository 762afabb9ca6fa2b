#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What two texts have in common at their ends: in blocks, then in smaller ones, then byte by byte.
enum CommonBytes {
    private static let blocks = [4_096, 256, 16]

    static func before(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer, most: Int) -> Int {
        guard let first = one.baseAddress, let second = other.baseAddress else { return 0 }
        var count = 0
        for block in blocks {
            while count + block <= most, memcmp(first + count, second + count, block) == 0 { count += block }
        }
        while count < most, one[count] == other[count] { count += 1 }
        return count
    }

    static func after(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer, most: Int) -> Int {
        guard let first = one.baseAddress, let second = other.baseAddress else { return 0 }
        let (end, otherEnd) = (first + one.count, second + other.count)
        var count = 0
        for block in blocks {
            while count + block <= most, memcmp(end - count - block, otherEnd - count - block, block) == 0 {
                count += block
            }
        }
        while count < most, one[one.count - count - 1] == other[other.count - count - 1] { count += 1 }
        return count
    }
}
