import KimiK2TransformLogic
import PluginABI
import PluginKit

/// A host's table whose sink writes down what it is given.
final class FakeHost {
    /// An event, copied.
    struct Event: Equatable, CustomStringConvertible {
        var type: UInt32
        var choice: UInt32
        var index: UInt32
        var a: String
        var b: String

        var description: String { "\(type)/\(choice)/\(index) \(a.debugDescription) \(b.debugDescription)" }
    }

    private(set) var events: [Event] = []
    private(set) var calls = 0
    /// Answer KIMI_STOP from this call on.
    var stopsAt = Int.max
    /// Only count, for measuring.
    var isCounting = false
    /// Counts told through `kimi.host.notes/1`, by kind, and how often it was called.
    var notes: [String: Int] = [:]
    var noteCalls = 0
    /// What is filed through `kimi.host.kv/1`.
    var memory: [[UInt8]: [UInt8]] = [:]
    private let table = UnsafeMutablePointer<kimi_host>.allocate(capacity: 1)

    /// `hasTables`: does it offer notes and memory?
    init(hasTables: Bool = true) {
        var host = kimi_host()
        host.struct_size = UInt32(MemoryLayout<kimi_host>.size)
        host.emit = { sink, events, count in
            guard let sink else { return -1 }
            let host = Unmanaged<FakeHost>.fromOpaque(UnsafeRawPointer(sink)).takeUnretainedValue()
            return host.take(UnsafeBufferPointer(start: events, count: count))
        }
        if hasTables {
            host.extension = { _, id in id.flatMap { FakeTables.shared.table(String(cString: $0)) } }
        } else {
            host.extension = { _, _ in nil }
        }
        host.random = { _, target, count in
            for offset in 0..<count { target?[offset] = UInt8(truncatingIfNeeded: offset &* 37 &+ 11) }
            return 0
        }
        table.initialize(to: host)
    }

    /// What a plugin instance would be given.
    var context: PluginContext {
        PluginContext(host: table, ctx: OpaquePointer(Unmanaged.passUnretained(self).toOpaque()))
    }

    deinit { table.deallocate() }

    var sink: Sink { Sink(host: table, sink: OpaquePointer(Unmanaged.passUnretained(self).toOpaque())) }

    private func take(_ batch: UnsafeBufferPointer<kimi_event>) -> kimi_status {
        calls += 1
        if calls >= stopsAt { return kimi_status(KIMI_STOP.rawValue) }
        if isCounting { return 0 }
        for event in batch {
            events.append(
                Event(type: event.type, choice: event.choice, index: event.index, a: event.a.text, b: event.b.text))
        }
        return 0
    }

    /// The answer of one choice put together.
    func answer(choice: UInt32 = 0) -> Answer {
        var output = Collector()
        var reason = ""
        for event in events where event.choice == choice {
            var a = event.a
            a.withUTF8 { utf8 in
                let bytes = UnsafeRawBufferPointer(utf8)
                switch event.type {
                case KIMI_EVENT_TEXT.rawValue: output.text(.content, bytes, transient: false)
                case KIMI_EVENT_REASONING.rawValue where !bytes.isEmpty:
                    output.text(.reasoning, bytes, transient: false)
                case KIMI_EVENT_TOOL_BEGIN.rawValue: output.toolBegin(event.index, id: event.a, name: event.b)
                case KIMI_EVENT_TOOL_ARGS.rawValue: output.toolArguments(event.index, bytes, transient: false)
                case KIMI_EVENT_TOOL_END.rawValue: output.toolEnd(event.index)
                case KIMI_EVENT_FINISH.rawValue: reason = event.a
                default: break
                }
            }
        }
        return output.finished(reason).answer
    }
}

/// Events to feed, with storage of their own.
final class EventScript {
    private var storage: [UnsafeMutableRawBufferPointer] = []
    private(set) var events: [kimi_event] = []

    deinit { for bytes in storage { bytes.deallocate() } }

    @discardableResult
    func add(_ type: kimi_event_type, _ a: String = "", _ b: String = "", choice: UInt32 = 0, index: UInt32 = 0) -> Self
    {
        var event = kimi_event(type, choice: choice, index: index)
        event.a = store(a)
        event.b = store(b)
        events.append(event)
        return self
    }

    private func store(_ text: String) -> kimi_bytes {
        guard !text.isEmpty else { return kimi_bytes() }
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 1)
        copy.copyBytes(from: text.utf8)
        storage.append(copy)
        return kimi_bytes(UnsafeRawBufferPointer(copy))
    }
}
