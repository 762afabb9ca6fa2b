import LogModel

/// The frames of some records behind each other, as they are written to the spool: `Frame.magic`, the payload's length
/// (32 bits each, little-endian), the payload.
///
/// Grows under the lock of ``LogState``; nothing changes it once it is sealed, so the writer reads it without one.
final class FrameChunk: @unchecked Sendable {
    /// A chunk with as much in it is sealed.
    static let size = 1 << 20
    static let maxFrames = 1_024

    struct Entry {
        /// Where the frame ends.
        let end: Int
        /// What its record counts for in the queue.
        let cost: Int
        let mask: (any RecordMask)?
    }

    private var writer = FrameWriter(memory: FrameMemory(capacity: size + size / 4))
    private(set) var entries: [Entry] = []

    deinit { writer.memory.free() }

    var isFull: Bool { count >= Self.size || entries.count >= Self.maxFrames }
    var count: Int { writer.memory.count }

    /// Nothing is appended if the frame would be longer than a frame may be.
    func append(_ record: inout ExchangeRecord, cost: Int) {
        let start = count
        Frame.write(&record, to: &writer)
        guard count - start <= Frame.maxBytes else { return writer.memory.removeAll(from: start) }
        entries.append(Entry(end: count, cost: cost, mask: record.mask))
    }

    /// Frames of `range`, with their headers.
    func reading<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let start = range.lowerBound == 0 ? 0 : entries[range.lowerBound - 1].end
        let end = range.isEmpty ? start : entries[range.upperBound - 1].end
        return try body(UnsafeRawBufferPointer(rebasing: writer.memory.bytes[start..<end]))
    }

    /// May be used anew; a chunk that grew for one large record is not kept.
    func clear() -> Bool {
        guard writer.memory.capacity <= 2 * Self.size else { return false }
        writer.memory.removeAll()
        entries.removeAll(keepingCapacity: true)
        return true
    }
}

/// A record as bytes.
enum Frame {
    /// "KML" and the layout's version.
    static let magic: UInt32 = 0x314C_4D4B
    static let header = 8
    static let maxBytes = 1 << 30

    static func write(_ record: inout ExchangeRecord, to writer: inout FrameWriter) {
        let start = writer.memory.count
        writer.memory.reserve(header)
        for _ in 0..<header { writer.memory.put(0) }
        // A writer has nothing to throw.
        try? record.code(with: &writer)
        writer.memory.overwrite(magic, at: start)
        writer.memory.overwrite(UInt32(truncatingIfNeeded: writer.memory.count - start - header), at: start + 4)
    }

    /// The payload's length if a frame begins at `offset`; nil if none does.
    static func length(in bytes: UnsafeRawBufferPointer, at offset: Int) -> Int? {
        guard bytes.count - offset >= header,
            UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) == magic
        else { return nil }
        let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
        return length <= maxBytes ? Int(length) : nil
    }
}
