import LogModel

/// Frames that are read together: bodies in it may be told by what they share with one in front of them.
///
/// A header of four numbers of 32 bits, little-endian: `magic`, bytes of the whole, frames at the beginning that are no
/// records any more, 0. The frames follow.
struct FrameGroup {
    /// "KMG" and the layout's version.
    static let magic: UInt32 = 0x3147_4D4B
    static let header = 16

    let count: Int
    let skipped: Int

    /// The group that begins at `offset`; nil if none does.
    init?(in bytes: UnsafeRawBufferPointer, at offset: Int) {
        func number(_ place: Int) -> Int {
            Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + place, as: UInt32.self)))
        }
        guard bytes.count - offset >= Self.header, number(0) == Self.magic, number(4) >= Self.header else { return nil }
        (count, skipped) = (number(4), number(8))
    }
}

/// A record as bytes: `magic`, the payload's length (32 bits each, little-endian), the payload.
enum Frame {
    /// "KML" and the layout's version.
    static let magic: UInt32 = 0x324C_4D4B
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
