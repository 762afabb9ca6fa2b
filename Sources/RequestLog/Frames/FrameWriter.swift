import LogModel

/// Writes frames of a group to memory that grows as needed.
struct FrameWriter: FrameCoder {
    /// Bodies from this size on are told by what they share with one in front of them.
    private static let minShared = 1 << 10
    /// Bodies that a new one is compared with.
    private static let maxBases = 4

    /// A body that stands in the group byte by byte.
    private struct Base {
        let offset: Int
        let count: Int
        let mask: Int
    }

    var memory: FrameMemory
    /// The one that was used last comes last.
    private var bases: [Base] = []
    private var place = 0
    private var mask: (any RecordMask)?

    init(memory: FrameMemory) { self.memory = memory }

    /// A new group.
    mutating func begin() {
        memory.removeAll()
        bases.removeAll(keepingCapacity: true)
        // A chunk that waits to be used again holds on to no plugin.
        mask = nil
        memory.reserve(FrameGroup.header)
        for _ in 0..<FrameGroup.header { memory.put(0) }
        memory.overwrite(FrameGroup.magic, at: 0)
    }

    mutating func seal(skipping skipped: Int) {
        memory.overwrite(UInt32(truncatingIfNeeded: memory.count), at: 4)
        memory.overwrite(UInt32(truncatingIfNeeded: skipped), at: 8)
    }

    /// What follows has this mask. Only bodies with the same share bytes, so that a secret is found where they stand.
    mutating func group(_ place: Int, _ mask: (any RecordMask)?) { (self.place, self.mask) = (place, mask) }

    mutating func takeBack(to start: Int) {
        memory.removeAll(from: start)
        bases.removeAll { $0.offset >= start }
    }

    private mutating func put(_ number: UInt64) {
        memory.reserve(10)
        var rest = number
        while rest >= 0x80 {
            memory.put(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        memory.put(UInt8(rest))
    }

    private mutating func put(_ number: Int) { put(UInt64(number)) }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        put(bytes.count)
        memory.append(bytes)
    }

    mutating func code(_ value: inout Int64) { put(UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

    mutating func count(_ count: Int) -> Int {
        put(count)
        return count
    }

    mutating func code(_ value: inout String) {
        value.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    mutating func code(_ value: inout [UInt8]) { value.withUnsafeBytes { put($0) } }

    mutating func code(_ value: inout RecordedBody) {
        put(value.total)
        let isShared = value.kept >= Self.minShared && value.isOnePiece && value.readingWhole { putShared($0) }
        guard !isShared else { return }
        put(0)
        put(value.kept)
        let start = memory.count
        value.reading { memory.append($0) }
        guard value.kept >= Self.minShared else { return }
        if bases.count == Self.maxBases { bases.removeFirst() }
        bases.append(Base(offset: start, count: value.kept, mask: place))
    }

    /// Tells `body` by a base and the bytes between what it shares with that at its two ends; false: by none.
    private mutating func putShared(_ body: UnsafeRawBufferPointer) -> Bool {
        var best: (place: Int, before: Int, after: Int)?
        for place in bases.indices.reversed() where bases[place].mask == self.place {
            let (before, after) = common(body, bases[place])
            if before + after > (best.map { $0.before + $0.after } ?? 0) { best = (place, before, after) }
            // Others can hardly be better.
            if let best, best.before + best.after >= body.count / 8 * 7 { break }
        }
        guard let best else { return false }
        // A secret that begins in the one part and ends in the other stands in the own bytes, too.
        let margin = max(best.before, best.after) == body.count ? 0 : mask?.longest ?? 0
        let (before, after) = (max(0, best.before - margin), max(0, best.after - margin))
        guard before + after >= Self.minShared / 2 else { return false }
        let base = bases.remove(at: best.place)
        bases.append(base)
        put(1)
        for number in [base.offset, base.count, before, after] { put(number) }
        put(UnsafeRawBufferPointer(rebasing: body[before..<(body.count - after)]))
        return true
    }

    private func common(_ body: UnsafeRawBufferPointer, _ base: Base) -> (before: Int, after: Int) {
        let other = UnsafeRawBufferPointer(rebasing: memory.bytes[base.offset..<(base.offset + base.count)])
        let most = min(body.count, other.count)
        let before = CommonBytes.before(body, other, most: most)
        return (before, CommonBytes.after(body, other, most: most - before))
    }
}
