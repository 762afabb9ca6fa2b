#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

extension UnsafeRawBufferPointer {
    /// Index of the first line feed or carriage return at or behind `start`.
    func firstLineEnd(from start: Int) -> Int? {
        guard start < count, let feed = firstIndex(of: 0x0A, from: start, to: count) else {
            return start < count ? firstIndex(of: 0x0D, from: start, to: count) : nil
        }
        return firstIndex(of: 0x0D, from: start, to: feed) ?? feed
    }

    /// Index of `byte` in `start..<end`, by memchr.
    func firstIndex(of byte: UInt8, from start: Int, to end: Int) -> Int? {
        guard start < end, let base = baseAddress, let found = memchr(base + start, Int32(byte), end - start) else {
            return nil
        }
        return UnsafeRawPointer(found) - base
    }
}
