import CanonicalModel
import PluginABI

/// Copies of events that have to wait, bounded.
struct HeldEvents {
    /// Bytes of events that wait for the end of a call; what comes beyond is left out, and counted.
    static let maxBytes = 4 << 20

    private let limit: Int
    private var events: [HeldEvent] = []
    private var bytes = 0

    init(maxBytes: Int = Self.maxBytes) {
        limit = maxBytes
    }

    var isEmpty: Bool { events.isEmpty }

    /// False if there is no room.
    mutating func add(_ event: CanonicalEvent) -> Bool {
        let size = event.a.len + event.b.len + MemoryLayout<CanonicalEvent>.size
        guard size <= limit - bytes else { return false }
        bytes += size
        events.append(HeldEvent(event))
        return true
    }

    /// All of them, in order.
    mutating func take() -> [HeldEvent] {
        defer { self = HeldEvents(maxBytes: limit) }
        return events
    }
}

/// An event with bytes of its own, except slice c, which no encoder of ours reads.
struct HeldEvent {
    private var event: CanonicalEvent
    private let a: [UInt8]
    private let b: [UInt8]

    init(_ event: CanonicalEvent) {
        self.event = event
        a = Array(event.a.buffer)
        b = Array(event.b.buffer)
    }

    func withEvent(_ body: (CanonicalEvent) -> Void) {
        a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in
                var event = event
                event.a = kimi_bytes(a)
                event.b = kimi_bytes(b)
                event.c = kimi_bytes()
                body(event)
            }
        }
    }
}
