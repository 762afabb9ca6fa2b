import CanonicalModel
package import PluginABI

/// Reads what a child sent. Every length is checked: after the first read past the end everything is empty, and
/// `isBad` says so. Slices point into the message and live as long as it.
package struct WireReader {
    private let bytes: UnsafeRawBufferPointer
    private var place = 0
    package private(set) var isBad = false

    package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    package var isAtEnd: Bool { isBad || place == bytes.count }
    var left: Int { bytes.count - place }

    package mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number {
        let size = MemoryLayout<Number>.size
        guard !isBad, left >= size else {
            isBad = true
            return 0
        }
        defer { place += size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Number.self))
    }

    package mutating func text() -> kimi_bytes {
        let count = Int(number(UInt32.self))
        guard !isBad, left >= count else {
            isBad = true
            return kimi_bytes()
        }
        defer { place += count }
        guard count > 0 else { return kimi_bytes() }
        return kimi_bytes(UnsafeRawBufferPointer(rebasing: bytes[place..<place + count]))
    }

    /// The number that comes next, left where it is; 0 at the end.
    var nextCount: Int {
        var ahead = self
        return Int(ahead.number(UInt32.self))
    }

    /// The events of one item. Empty and `isBad` if there are fewer than it says.
    package mutating func events(_ body: (UnsafeBufferPointer<kimi_event>) -> Void) {
        let count = Int(number(UInt32.self))
        guard !isBad, count <= left / 4 else {  // An event has four bytes at least.
            isBad = true
            return
        }
        guard count != 1 else {
            let event = event()
            guard !isBad else { return }
            return withUnsafePointer(to: event) { body(UnsafeBufferPointer(start: $0, count: 1)) }
        }
        var events: [kimi_event] = []
        events.reserveCapacity(count)
        for _ in 0..<count { events.append(event()) }
        guard !isBad, count > 0 else { return }
        events.withUnsafeBufferPointer(body)
    }

    private mutating func event() -> kimi_event {
        typealias Bit = IsolationWire.Bit
        var event = kimi_event()
        event.type = UInt32(number(UInt16.self))
        let bits = number(UInt16.self)
        guard bits & ~Bit.known == 0 else {
            isBad = true
            return event
        }
        if bits & Bit.choice != 0 { event.choice = number() }
        if bits & Bit.index != 0 { event.index = number() }
        if bits & Bit.text != 0 { event.a = text() }
        if bits & Bit.text << 1 != 0 { event.b = text() }
        if bits & Bit.text << 2 != 0 { event.c = text() }
        guard bits >= Bit.number else { return event }
        if bits & Bit.number != 0 { event.i0 = number() }
        if bits & Bit.number << 1 != 0 { event.i1 = number() }
        if bits & Bit.number << 2 != 0 { event.i2 = number() }
        if bits & Bit.number << 3 != 0 { event.i3 = number() }
        if bits & Bit.flags != 0 { event.flags = number() }
        return event
    }
}

/// A child's message without its size.
package struct WireMessage {
    package let id: UInt32
    package let operation: UInt8
    package let flags: UInt8
    package var payload: WireReader

    /// Nil if it is too short to be one.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= IsolationWire.headBytes - 4 else { return nil }
        var head = WireReader(bytes)
        id = head.number()
        operation = head.number()
        flags = head.number()
        _ = head.number(UInt16.self)
        payload = WireReader(UnsafeRawBufferPointer(rebasing: bytes[8...]))
    }
}

/// Cuts a stream of bytes into messages. Holds the unfinished one.
package struct MessageCutter {
    private var bytes: [UInt8] = []
    private var place = 0

    package init() {}

    package mutating func append(_ more: UnsafeRawBufferPointer) {
        if place == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
            place = 0
        } else if place > 1 << 16, place > bytes.count / 2 {
            bytes.removeSubrange(..<place)
            place = 0
        }
        bytes.append(contentsOf: more)
    }

    package enum Outcome: Equatable { case message, incomplete, malformed }

    /// Calls `body` with the next whole message, if there is one. `body` leaves the cutter alone.
    package mutating func next(_ body: (WireMessage) -> Void) -> Outcome {
        let start = place + 4
        guard bytes.count >= start else { return .incomplete }
        let from = place
        let size = bytes.withUnsafeBytes { all in
            Int(UInt32(littleEndian: all.loadUnaligned(fromByteOffset: from, as: UInt32.self)))
        }
        guard size <= IsolationWire.maxReplyBytes else { return .malformed }
        guard bytes.count - start >= size else { return .incomplete }
        place = start + size
        let isMessage = bytes.withUnsafeBytes { all in
            guard let message = WireMessage(UnsafeRawBufferPointer(rebasing: all[start..<start + size])) else {
                return false
            }
            body(message)
            return true
        }
        return isMessage ? .message : .malformed
    }
}
