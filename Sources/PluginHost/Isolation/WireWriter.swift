import CanonicalModel
import PluginABI

/// Numbers of the protocol between host and `kimi-plugin-host`; docs/plugins-isolation.md is the specification.
package enum IsolationWire {
    static let magic: UInt32 = 0x494D_494B
    static let version: UInt32 = 1
    /// Size, id, operation, flags and two zero bytes.
    static let headBytes = 12
    /// The longest message that a child may send: one call's reply.
    package static let maxReplyBytes = (64 << 20) + (1 << 20)
    /// The longest request that is handed to an isolated plugin.
    package static let maxRequestBytes = 256 << 20

    enum Operation: UInt8 {
        case hello = 1
        case create, destroy, begin, next, result, feed, flush, end, keyValue
    }

    /// Set in an operation: this is its reply.
    static let replyBit: UInt8 = 0x80

    enum Unasked: UInt8 {
        case log = 0xC0
        case put, forget, get
    }

    enum Item: UInt8 {
        case events = 1
        case note, put, field, step, fail
    }

    enum Kind: UInt8 {
        case provider = 1
        case transform, auth
    }

    /// Flags of a reply.
    static let noExchange: UInt8 = 1
    static let skipped: UInt8 = 2
    /// An exception that the plugin did not mean to raise; also of a log line about one.
    static let raised: UInt8 = 4
    /// After the status comes a number, what the plugin's code took in nanoseconds.
    static let timed: UInt8 = 8

    /// Which members of an event follow its head.
    enum Bit {
        static let choice: UInt16 = 1
        static let index: UInt16 = 2
        static let text: UInt16 = 4
        static let number: UInt16 = 32
        static let flags: UInt16 = 512
        static let known: UInt16 = 1023
    }
}

/// Bytes on their way to a child: little-endian, unaligned. One thread at a time.
final class WireWriter {
    private(set) var count = 0
    private var capacity: Int
    private var bytes: UnsafeMutableRawPointer

    init(capacity: Int = 4096) {
        self.capacity = capacity
        bytes = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { bytes.deallocate() }

    /// Valid until the next change.
    var content: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: count) }

    /// Forgets the content; a large buffer is given back.
    func removeAll() {
        count = 0
        guard capacity > 1 << 20 else { return }
        bytes.deallocate()
        capacity = 4096
        bytes = .allocate(byteCount: capacity, alignment: 16)
    }

    private func room(_ wanted: Int) -> UnsafeMutableRawPointer {
        if wanted > capacity - count {
            let larger = max(capacity * 2, count + wanted)
            let grown = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
            grown.copyMemory(from: bytes, byteCount: count)
            bytes.deallocate()
            (bytes, capacity) = (grown, larger)
        }
        return bytes + count
    }

    @inline(__always)
    func put<Number: FixedWidthInteger>(_ number: Number) {
        room(MemoryLayout<Number>.size).storeBytes(of: number.littleEndian, as: Number.self)
        count += MemoryLayout<Number>.size
    }

    func put(_ text: UnsafeRawBufferPointer) {
        put(UInt32(text.count))
        guard let start = text.baseAddress, !text.isEmpty else { return }
        room(text.count).copyMemory(from: start, byteCount: text.count)
        count += text.count
    }

    func put(_ text: kimi_bytes) { put(text.buffer) }
    func put(_ text: [UInt8]) { text.withUnsafeBytes { put($0) } }

    func put(_ text: String) {
        var text = text
        text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    /// One message; `payload` writes what follows the head.
    @inline(__always)
    func message(_ id: UInt32, _ operation: IsolationWire.Operation, _ payload: (WireWriter) -> Void) {
        let start = count
        put(UInt32(0))
        put(id)
        put(UInt32(operation.rawValue))
        payload(self)
        (bytes + start).storeBytes(of: UInt32(count - start - 4).littleEndian, as: UInt32.self)
    }

    /// Everything that `other` holds, as it is.
    func append(_ other: WireWriter) {
        guard let start = other.content.baseAddress else { return }
        room(other.count).copyMemory(from: start, byteCount: other.count)
        count += other.count
    }

    func put(events: UnsafeBufferPointer<kimi_event>) {
        put(UInt32(events.count))
        for event in events { put(event) }
    }

    private func put(_ event: kimi_event) {
        typealias Bit = IsolationWire.Bit
        var bits: UInt16 = 0
        if event.choice != 0 { bits |= Bit.choice }
        if event.index != 0 { bits |= Bit.index }
        if event.a.len > 0 { bits |= Bit.text }
        if event.b.len > 0 { bits |= Bit.text << 1 }
        if event.c.len > 0 { bits |= Bit.text << 2 }
        if event.i0 != 0 { bits |= Bit.number }
        if event.i1 != 0 { bits |= Bit.number << 1 }
        if event.i2 != 0 { bits |= Bit.number << 2 }
        if event.i3 != 0 { bits |= Bit.number << 3 }
        if event.flags != 0 { bits |= Bit.flags }
        put(UInt16(truncatingIfNeeded: event.type))
        put(bits)
        if event.choice != 0 { put(event.choice) }
        if event.index != 0 { put(event.index) }
        if event.a.len > 0 { put(event.a) }
        if event.b.len > 0 { put(event.b) }
        if event.c.len > 0 { put(event.c) }
        guard bits >= Bit.number else { return }
        if event.i0 != 0 { put(event.i0) }
        if event.i1 != 0 { put(event.i1) }
        if event.i2 != 0 { put(event.i2) }
        if event.i3 != 0 { put(event.i3) }
        if event.flags != 0 { put(event.flags) }
    }
}
