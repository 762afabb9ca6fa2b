/// A growing byte buffer that JSON is printed into.
///
/// Reusable, for one thread at a time. Storage doubles as needed and is kept by
/// `removeAll(keepingCapacity: true)`, so that a writer of a stream allocates a few times only.
public final class ByteWriter {
    private var storage: UnsafeMutableRawPointer
    private var capacity: Int
    /// How many bytes have been written.
    public private(set) var count = 0

    /// Makes an empty writer with room for that many bytes.
    public init(capacity: Int = 256) {
        self.capacity = max(capacity, 16)
        storage = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        storage.deallocate()
    }

    /// Forgets the content.
    public func removeAll(keepingCapacity: Bool = true) {
        count = 0
        guard !keepingCapacity, capacity > 256 else { return }
        storage.deallocate()
        capacity = 256
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    /// Shortens the content to its first bytes, for taking back what was just written.
    public func truncate(to length: Int) {
        if length >= 0, length < count { count = length }
    }

    /// Makes room for that many further bytes.
    @inline(__always)
    public func reserve(_ more: Int) {
        if more > capacity - count { grow(more) }
    }

    @inline(never)
    private func grow(_ more: Int) {
        let wanted = max(capacity * 2, count + more)
        let grown = UnsafeMutableRawPointer.allocate(byteCount: wanted, alignment: 16)
        grown.copyMemory(from: storage, byteCount: count)
        storage.deallocate()
        storage = grown
        capacity = wanted
    }

    /// Writes one byte.
    public func append(byte: UInt8) {
        if count == capacity { reserve(1) }
        storage.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// Writes bytes as they are.
    public func append(bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        reserve(bytes.count)
        (storage + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    /// The bytes between quotes, for what needs no escape.
    func appendQuoted(_ bytes: UnsafeRawBufferPointer) {
        let total = bytes.count + 2
        reserve(total)
        let place = storage + count
        place.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
        if let source = bytes.baseAddress { (place + 1).copyMemory(from: source, byteCount: bytes.count) }
        place.storeBytes(of: UInt8(ascii: "\""), toByteOffset: total - 1, as: UInt8.self)
        count += total
    }

    /// Literal text, such as punctuation or a member's name.
    public func append(_ text: StaticString) {
        guard text.hasPointerRepresentation else { return append(utf8: text.description) }
        append(bytes: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Writes bytes as they are.
    public func append(bytes: [UInt8]) {
        bytes.withUnsafeBytes { append(bytes: $0) }
    }

    /// A string's UTF-8 as it is, without quotes or escapes.
    public func append(utf8 text: String) {
        var text = text
        text.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Writes a number in decimal.
    public func append(int: Int64) {
        if int < 0 { append(byte: UInt8(ascii: "-")) }
        append(uint: int.magnitude)
    }

    /// Writes a number in decimal.
    public func append(uint: UInt64) {
        reserve(20)
        var digits = 1
        var rest = uint
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        rest = uint
        var position = count + digits
        count = position
        repeat {
            position -= 1
            storage.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10), toByteOffset: position, as: UInt8.self)
            rest /= 10
        } while rest > 0
    }

    /// The shortest text that reads back as the same number; `null` for what JSON has no number for.
    public func append(double: Double) {
        if double.isFinite { append(utf8: double.description) } else { append("null") }
    }

    /// The content, borrowed: valid until the closure returns, which must not write.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(unsafeBytes)
    }

    /// The content, borrowed: valid until the next write, or the writer's release.
    public var unsafeBytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: storage, count: count)
    }

    /// A copy of the content.
    public var bytes: [UInt8] {
        [UInt8](unsafeBytes)
    }
}
