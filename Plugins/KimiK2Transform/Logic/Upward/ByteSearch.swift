/// Searching eight bytes at a time. Comparing `SIMD16` lane by lane is what this compiler makes a loop of.
private enum Word {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// Marks the top bits of bytes that are `byte`; the lowest mark is exact.
    @inline(__always)
    static func marks(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (ones &* UInt64(byte))
        return (difference &- ones) & ~difference & tops
    }
}

extension UnsafeRawBufferPointer {
    /// Index of the next `"` or backslash; the count if there is none.
    func firstQuoteOrBackslash(from start: Int) -> Int { first(of: 0x22, 0x5C, 0x5C, from: start) }

    /// Index of the next `<`, backslash or first byte of `◁`; the count if there is none.
    func firstMarkupByte(from start: Int) -> Int { first(of: 0x3C, 0x5C, 0xE2, from: start) }

    /// Index of the next `$` or `O`; the count if there is none.
    func firstReferenceByte(from start: Int) -> Int { first(of: 0x24, 0x4F, 0x4F, from: start) }

    @inline(__always)
    private func first(of one: UInt8, _ two: UInt8, _ three: UInt8, from start: Int) -> Int {
        guard let base = baseAddress, start < count else { return count }
        var index = start
        while index &+ 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let marks = Word.marks(word, one) | Word.marks(word, two) | Word.marks(word, three)
            if marks != 0 { return index &+ marks.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count {
            let byte = base.load(fromByteOffset: index, as: UInt8.self)
            if byte == one || byte == two || byte == three { return index }
            index &+= 1
        }
        return count
    }
}
