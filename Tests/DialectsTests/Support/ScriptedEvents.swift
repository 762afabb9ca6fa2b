import CanonicalModel
import PluginABI

/// Events with bytes of their own, to be handed over in batches of any size.
struct ScriptedEvents {
    struct Entry {
        var event = kimi_event()
        var a: [UInt8] = []
        var b: [UInt8] = []
        var c: [UInt8] = []
    }

    private(set) var entries: [Entry] = []

    mutating func add(
        _ type: kimi_event_type, a: [UInt8] = [], b: [UInt8] = [], c: [UInt8] = [], choice: UInt32 = 0,
        index: UInt32 = 0, numbers: [Int64] = [0, 0, 0, 0]
    ) {
        var event = kimi_event()
        event.type = type.rawValue
        (event.choice, event.index) = (choice, index)
        (event.i0, event.i1, event.i2, event.i3) = (numbers[0], numbers[1], numbers[2], numbers[3])
        entries.append(Entry(event: event, a: a, b: b, c: c))
    }

    /// Hands over all events; `size` tells the batches' sizes. The first status that is not KIMI_OK, or KIMI_OK.
    func send(to receiver: any EventReceiver, size: () -> Int) -> kimi_status {
        var position = 0
        while position < entries.count {
            let end = min(entries.count, position + max(1, size()))
            let status = Self.send(entries[position..<end], to: receiver)
            if status != kimi_status(KIMI_OK) { return status }
            position = end
        }
        return kimi_status(KIMI_OK)
    }

    private static func send(_ slice: ArraySlice<Entry>, to receiver: any EventReceiver) -> kimi_status {
        let bytes = slice.flatMap { $0.a + $0.b + $0.c }
        return bytes.withUnsafeBytes { bytes in
            var offset = 0
            func next(_ count: Int) -> kimi_bytes {
                defer { offset += count }
                return kimi_bytes(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
            }
            let events = slice.map { entry in
                var event = entry.event
                event.a = next(entry.a.count)
                event.b = next(entry.b.count)
                event.c = next(entry.c.count)
                return event
            }
            return events.withUnsafeBufferPointer { receiver.receive($0) }
        }
    }
}
