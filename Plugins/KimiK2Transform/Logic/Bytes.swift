typealias Bytes = UnsafeRawBufferPointer

/// ASCII whitespace as JSON and Markdown know it.
@inline(__always)
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

@inline(__always)
func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

/// `byte` in each of eight lanes.
@inline(__always)
private func lanes(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

/// The top bit of the lowest lane that is zero, and perhaps of lanes above it; 0 if none is.
@inline(__always)
private func zeroBytes(_ word: UInt64) -> UInt64 { (word &- lanes(1)) & ~word & lanes(0x80) }

extension UnsafeRawBufferPointer {
    /// The bytes of `range` of this buffer, borrowed.
    @inline(__always)
    func slice(_ range: Range<Int>) -> Bytes { Bytes(rebasing: self[range]) }

    /// Index of the first of the bytes from `start` on that can matter to running text: `<`, a backtick, a
    /// tilde, the first byte of `◁`. `count` if there is none.
    ///
    /// Eight bytes at a time, in one register: `any` of a SIMD mask is a loop over its lanes.
    func firstTextSpecial(from start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let block = UInt64(littleEndian: loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found =
                zeroBytes(block ^ lanes(0x3C)) | zeroBytes(block ^ lanes(0x60)) | zeroBytes(block ^ lanes(0xE2))
                | zeroBytes(block ^ lanes(0x7E))
            // The lowest flag is exact; those above it may be the borrow's.
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < count {
            let byte = self[index]
            if byte == 0x3C || byte == 0x60 || byte == 0xE2 || byte == 0x7E { return index }
            index += 1
        }
        return count
    }

    /// Index of the first byte from `start` on that matters inside a JSON string: its quote, a backslash, a control
    /// character. `count` if there is none.
    @inline(__always)
    func firstStringSpecial(from start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let word = Word(loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = word.equal(to: 0x22) | word.equal(to: 0x5C) | word.below(0x20)
            if found != 0 { return index + found.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < count {
            let byte = self[index]
            if byte == 0x22 || byte == 0x5C || byte < 0x20 { return index }
            index += 1
        }
        return count
    }

    /// Index of the first quote, backslash or `<` from `start` on; `count` if there is none.
    @inline(__always)
    func firstStringEnd(quote: UInt8, from start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let word = Word(loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = word.equal(to: quote) | word.equal(to: 0x5C) | word.equal(to: 0x3C)
            if found != 0 { return index + found.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < count {
            let byte = self[index]
            if byte == quote || byte == 0x5C || byte == 0x3C { return index }
            index += 1
        }
        return count
    }

    /// The range without blanks at its two ends.
    func trimmedRange() -> Range<Int> {
        var low = 0
        var high = count
        while low < high, isBlank(self[low]) { low += 1 }
        while high > low, isBlank(self[high - 1]) { high -= 1 }
        return low..<high
    }
}

extension [UInt8] {
    /// The array without blanks at its two ends.
    var trimmed: ArraySlice<UInt8> {
        withUnsafeBytes { self[$0.trimmedRange()] }
    }
}

/// Eight bytes looked at together. The lowest bit found is in the first byte that fits; higher ones may be wrong.
private struct Word {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    private let bytes: UInt64

    @inline(__always)
    init(_ bytes: UInt64) { self.bytes = UInt64(littleEndian: bytes) }

    @inline(__always)
    func equal(to byte: UInt8) -> UInt64 {
        let zeros = bytes ^ (UInt64(byte) &* Self.ones)
        return (zeros &- Self.ones) & ~zeros & Self.tops
    }

    /// Bytes smaller than `limit`, which is at most 128.
    @inline(__always)
    func below(_ limit: UInt8) -> UInt64 { (bytes &- UInt64(limit) &* Self.ones) & ~bytes & Self.tops }
}
