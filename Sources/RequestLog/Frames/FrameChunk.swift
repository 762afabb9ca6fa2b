import LogModel

/// The frames of some records behind each other, as they are written to the spool: a ``FrameGroup``'s header, then frames.
///
/// Grows under the lock of ``LogState``; nothing changes it once it is sealed but its header, which is the writer's.
final class FrameChunk: @unchecked Sendable {
    /// A chunk with as much in it is sealed.
    static let size = 1 << 20
    static let maxFrames = 256
    /// Of the records in full, which whoever reads them has in memory.
    static let maxCost = 8 << 20
    /// Different masks that are told apart.
    private static let maxMasks = 16

    struct Entry {
        /// Where the frame ends.
        let end: Int
        /// Bytes that it counts for in the queue.
        let held: Int
        /// The place of its mask in `masks`.
        let mask: Int
    }

    private var writer = FrameWriter(memory: FrameMemory(capacity: size + size / 4))
    private(set) var entries: [Entry] = []
    private var masks: [(any RecordMask)?] = []
    private(set) var cost = 0

    init() { writer.begin() }

    deinit { writer.memory.free() }

    var isFull: Bool { count >= Self.size || entries.count >= Self.maxFrames || cost >= Self.maxCost }
    var count: Int { writer.memory.count }

    /// Answers the bytes that it takes; nil if the frame would be longer than a frame may be, and nothing is appended.
    func append(_ record: inout ExchangeRecord) -> Int? {
        let start = count
        let ownCost = record.cost
        guard ownCost <= Frame.maxBytes else { return nil }
        let mask = place(of: record.mask)
        writer.group(mask, record.mask)
        Frame.write(&record, to: &writer)
        guard count - start <= Frame.maxBytes else {
            writer.takeBack(to: start)
            return nil
        }
        cost += ownCost
        let held = count - start + MemoryLayout<Entry>.stride
        entries.append(Entry(end: count, held: held, mask: mask))
        return held
    }

    /// The latest are looked at first.
    private func place(of mask: (any RecordMask)?) -> Int {
        let known = masks.indices.suffix(Self.maxMasks).reversed().first { place in
            switch (masks[place], mask) {
            case (nil, nil): true
            case (let one?, let other?): one.isSame(as: other)
            default: false
            }
        }
        if let known { return known }
        masks.append(mask)
        return masks.count - 1
    }

    /// All of it; the first `skipped` frames are not to be taken for records any more. One thread at a time.
    func readingGroup(skipping skipped: Int, _ body: (UnsafeRawBufferPointer) throws -> Void) rethrows {
        writer.seal(skipping: skipped)
        try body(writer.memory.bytes)
    }

    /// Whether a mask finds something in its own records.
    var hasSecret: Bool {
        var start = 0
        while start < entries.count {
            let mask = entries[start].mask
            let end = entries[start...].firstIndex { $0.mask != mask } ?? entries.count
            if let mask = masks[mask], mask.finds(in: frames(start..<end)) { return true }
            start = end
        }
        return false
    }

    func mask(of index: Int) -> (any RecordMask)? { masks[entries[index].mask] }

    func record(_ index: Int) throws(FrameError) -> ExchangeRecord {
        let start = index == 0 ? FrameGroup.header : entries[index - 1].end
        return try FrameReader.record(in: writer.memory.bytes, start + Frame.header..<entries[index].end)
    }

    private func frames(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        // What a secret in it may share with what stands in front of it is the same mask's.
        let start = range.lowerBound == 0 ? FrameGroup.header : entries[range.lowerBound - 1].end
        return UnsafeRawBufferPointer(rebasing: writer.memory.bytes[start..<entries[range.upperBound - 1].end])
    }

    /// May be used anew; a chunk that grew for one large record is not kept.
    func clear() -> Bool {
        guard writer.memory.capacity <= 2 * Self.size else { return false }
        writer.begin()
        entries.removeAll(keepingCapacity: true)
        masks.removeAll(keepingCapacity: true)
        cost = 0
        return true
    }
}
