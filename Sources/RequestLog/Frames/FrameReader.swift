import LogModel

/// Reads a frame's payload; bytes may be any.
struct FrameReader: FrameCoder {
    static let writes = false

    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    /// `bytes` must live as long as this.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The record that is all of `bytes`.
    static func record(in bytes: UnsafeRawBufferPointer) throws(FrameError) -> ExchangeRecord {
        var reader = FrameReader(bytes)
        var record = ExchangeRecord(id: "", began: 0, dialect: "", model: "")
        try record.code(with: &reader)
        guard reader.place == bytes.count else { throw FrameError(reason: "it goes on behind its end") }
        return record
    }

    private mutating func number() throws(FrameError) -> UInt64 {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while place < bytes.count, shift < 64 {
            let byte = bytes[place]
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
        guard count <= UInt64(bytes.count - place) || count <= 1 else {
            throw FrameError(reason: "a list is longer than the rest")
        }
        return Int(count)
    }

    private mutating func run() throws(FrameError) -> UnsafeRawBufferPointer {
        let count = try number()
        guard count <= UInt64(bytes.count - place) else { throw FrameError(reason: "a text is longer than the rest") }
        let start = place
        place += Int(count)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<place])
    }

    mutating func code(_ value: inout String) throws(FrameError) { value = String(decoding: try run(), as: UTF8.self) }

    mutating func code(_ value: inout [UInt8]) throws(FrameError) { value = Array(try run()) }

    mutating func code(_ value: inout RecordedBody, like other: RecordedBody?) throws(FrameError) {
        let total = Int(clamping: Int64(bitPattern: try number()))
        guard try count(0) != 0 else {
            value = RecordedBody(Array(try run()), total: total)
            return
        }
        let (before, after) = (try number(), try number())
        let own = try run()
        guard let whole = other?.bytes, before <= UInt64(whole.count), after <= UInt64(whole.count) else {
            throw FrameError(reason: "a body has more in common with another than there is of that")
        }
        var all: [UInt8] = []
        all.reserveCapacity(Int(before) + own.count + Int(after))
        all += whole[..<Int(before)]
        all += own
        all += whole[(whole.count - Int(after))...]
        value = RecordedBody(all, total: total)
    }
}
