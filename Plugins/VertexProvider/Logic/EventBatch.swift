internal import PluginABI
internal import PluginKit
internal import WireJSON

/// The events of one call, with bytes of their own until they are emitted.
final class EventBatch {
    private enum Slot { case a, b, c }

    private var events: [kimi_event] = []
    private var slices: [(event: Int, slot: Slot, range: Range<Int>)] = []
    private let text = ByteWriter(capacity: 1024)

    /// Adds an event; what its slices hold is copied.
    func add(_ event: kimi_event, a: [UInt8] = [], b: [UInt8] = [], c: [UInt8] = []) {
        a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in c.withUnsafeBytes { add(event, a, b, $0) } }
        }
    }

    func add(
        _ event: kimi_event, _ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer? = nil,
        _ c: UnsafeRawBufferPointer? = nil
    ) {
        events.append(event)
        keep(a, .a)
        if let b { keep(b, .b) }
        if let c { keep(c, .c) }
    }

    /// A JSON event.
    func json(_ name: String, _ value: UnsafeRawBufferPointer, _ scope: kimi_scope, choice: UInt32 = 0) {
        var event = kimi_event(KIMI_EVENT_JSON, choice: choice)
        event.i0 = Int64(scope.rawValue)
        Array(name.utf8).withUnsafeBytes { add(event, value, $0) }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, _ slot: Slot) {
        guard !bytes.isEmpty else { return }
        let start = text.count
        text.append(bytes: bytes)
        slices.append((events.count - 1, slot, start..<text.count))
    }

    /// Hands all events to the sink. After it there are none, also if it throws.
    func emit(to sink: Sink) throws(PluginFailure) {
        defer { reset() }
        let base = text.unsafeBytes
        for slice in slices {
            let bytes = kimi_bytes(UnsafeRawBufferPointer(rebasing: base[slice.range]))
            switch slice.slot {
            case .a: events[slice.event].a = bytes
            case .b: events[slice.event].b = bytes
            case .c: events[slice.event].c = bytes
            }
        }
        try events.withUnsafeBufferPointer { buffer throws(PluginFailure) in try sink.emit(buffer) }
    }

    private func reset() {
        events.removeAll(keepingCapacity: true)
        slices.removeAll(keepingCapacity: true)
        text.removeAll(keepingCapacity: text.count < 1 << 16)
    }
}
