import LogModel

/// Reads a frame's payload; bytes may be any.
struct FrameReader: FrameCoder {
    private let group: UnsafeRawBufferPointer
    private let end: Int
    private var place: Int
    /// Bytes that bodies may still take from others.
    private var room = Frame.maxBytes

    /// `group` must live as long as this; the payload is `range` of it.
    init(_ group: UnsafeRawBufferPointer, _ range: Range<Int>) {
        self.group = group
        (place, end) = (range.lowerBound, range.upperBound)
    }

    /// The record that is all of `range`.
    static func record(in group: UnsafeRawBufferPointer, _ range: Range<Int>) throws(FrameError) -> ExchangeRecord {
        var reader = FrameReader(group, range)
        var record = ExchangeRecord(id: "", began: 0, dialect: "", model: "")
        try record.code(with: &reader)
        guard reader.place == reader.end else { throw FrameError(reason: "it goes on behind its end") }
        return record
    }

    private mutating func number() throws(FrameError) -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while place < end, shift < 64 {
            let byte = group[place]
            place += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return value }
            shift += 7
        }
        throw FrameError(reason: "a number has no end")
    }

    mutating func code(_ value: inout Int64) throws(FrameError) {
        let number = try number()
        value = Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
    }

    /// An element takes a byte at least.
    mutating func count(_ count: Int) throws(FrameError) -> Int {
        let count = try number()
        guard count <= UInt64(end - place) || count <= 1 else {
            throw FrameError(reason: "a list is longer than the rest")
        }
        return Int(count)
    }

    private mutating func run() throws(FrameError) -> UnsafeRawBufferPointer {
        let count = try number()
        guard count <= UInt64(end - place) else { throw FrameError(reason: "a text is longer than the rest") }
        let start = place
        place += Int(count)
        return UnsafeRawBufferPointer(rebasing: group[start..<place])
    }

    mutating func code(_ value: inout String) throws(FrameError) { value = String(decoding: try run(), as: UTF8.self) }

    mutating func code(_ value: inout [UInt8]) throws(FrameError) { value = Array(try run()) }

    mutating func code(_ value: inout RecordedBody) throws(FrameError) {
        let total = Int(clamping: Int64(bitPattern: try number()))
        guard try count(0) != 0 else {
            value = RecordedBody(Array(try run()), total: total)
            return
        }
        let base = try base()
        let (before, after) = (try number(), try number())
        let own = try run()
        guard before <= UInt64(base.count), after <= UInt64(base.count) else {
            throw FrameError(reason: "a body shares more with another than there is of that")
        }
        let shared = Int(before) + Int(after)
        guard shared <= room else { throw FrameError(reason: "its bodies are longer than any record's") }
        room -= shared
        var all: [UInt8] = []
        all.reserveCapacity(shared + own.count)
        all += base.prefix(Int(before))
        all += own
        all += base.suffix(Int(after))
        value = RecordedBody(all, total: total)
    }

    /// Bytes of the group in front of this.
    private mutating func base() throws(FrameError) -> UnsafeRawBufferPointer {
        let (offset, count) = (try number(), try number())
        guard offset <= UInt64(place), count <= UInt64(place) - offset else {
            throw FrameError(reason: "a body that another shares bytes with is not in front of it")
        }
        return UnsafeRawBufferPointer(rebasing: group[Int(offset)..<Int(offset + count)])
    }
}
