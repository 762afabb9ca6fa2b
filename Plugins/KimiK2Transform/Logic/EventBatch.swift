import PluginABI
import PluginKit

/// Gathers events for the host: one `emit` for all that one `feed` brings, in order.
///
/// When the host refuses events, the rest is swallowed and the refusal is kept for `end`.
package struct EventBatch: NormalisedOutput {
    /// Events gathered before they are handed over.
    private static let limit = 512

    private let sink: Sink
    private let arena: ByteArena
    private var events: [kimi_event]
    private var failure: PluginFailure?
    /// The choice that text and calls are of.
    var choice: UInt32 = 0
    /// Listens to what goes out of choice 0.
    private let recorder: ThoughtRecorder?

    /// `events` is storage to use again; it is given back by `end`.
    init(_ sink: Sink, _ arena: ByteArena, _ events: [kimi_event], _ recorder: ThoughtRecorder? = nil) {
        self.sink = sink
        self.arena = arena
        self.events = events
        self.recorder = recorder
    }

    /// An event whose slices live until `feed` returns.
    mutating func pass(_ event: kimi_event) {
        events.append(event)
        if events.count >= Self.limit { handOver() }
    }

    /// Hands everything over; returns the storage. Throws what the host answered.
    mutating func end() throws(PluginFailure) -> [kimi_event] {
        handOver()
        if let failure { throw failure }
        let storage = events
        events = []
        return storage
    }

    func copy(_ text: String) -> kimi_bytes {
        var text = text
        return text.withUTF8 { kimi_bytes(arena.copy(UnsafeRawBufferPointer($0))) }
    }

    private mutating func handOver() {
        if failure == nil {
            do throws(PluginFailure) {
                try events.withUnsafeBufferPointer { events throws(PluginFailure) in try sink.emit(events) }
            } catch {
                failure = error
            }
        }
        events.removeAll(keepingCapacity: true)
        arena.reset()
    }

    // MARK: - NormalisedOutput

    package mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        if choice == 0 { recorder?.text(channel, bytes) }
        put(channel == .content ? KIMI_EVENT_TEXT : KIMI_EVENT_REASONING, 0, bytes, transient)
    }

    package mutating func toolBegin(_ index: UInt32, id: String, name: String) {
        if choice == 0 { recorder?.toolBegin(index, id: id, name: name) }
        var event = kimi_event(KIMI_EVENT_TOOL_BEGIN, choice: choice, index: index)
        event.a = copy(id)
        event.b = copy(name)
        pass(event)
    }

    package mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
        if choice == 0 { recorder?.toolArguments(index, bytes) }
        put(KIMI_EVENT_TOOL_ARGS, index, bytes, transient)
    }

    package mutating func toolEnd(_ index: UInt32) {
        pass(kimi_event(KIMI_EVENT_TOOL_END, choice: choice, index: index))
    }

    private mutating func put(
        _ type: kimi_event_type, _ index: UInt32, _ bytes: UnsafeRawBufferPointer, _ transient: Bool
    ) {
        var event = kimi_event(type, choice: choice, index: index)
        event.a = kimi_bytes(transient ? arena.copy(bytes) : bytes)
        pass(event)
    }
}
