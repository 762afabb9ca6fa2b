import CanonicalModel
import PluginABI

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Behind `kimi_ctx`.
final class ContextRecord: HandleRecord, @unchecked Sendable {
    override class var word: String { "ctx" }
}

/// Behind `kimi_error`.
final class ErrorNote: HandleRecord, @unchecked Sendable {
    override class var word: String { "error" }
    var status: kimi_status?
    var category: UInt32 = 0
    var retryAfterMs: UInt64 = 0
    var message: [UInt8] = []
}

/// Behind `kimi_out`.
final class EditNote: HandleRecord, @unchecked Sendable {
    override class var word: String { "out" }
    static let maxBytes = 256 << 20
    var how: UInt32?
    var data: [UInt8] = []

    func put(_ how: UInt32, _ bytes: UnsafeRawBufferPointer) -> kimi_status_code {
        if run.behaviour.putFails { return KIMI_E_LIMIT }
        guard how == KIMI_PUT_REPLACE.rawValue || how == KIMI_PUT_MERGE_PATCH.rawValue else {
            run.breach(.edit, "put was called with how \(how), which is no kimi_put")
            return KIMI_E_ARG
        }
        guard self.how == nil || self.how == how else {
            run.breach(.edit, "put was called with a replacement and a merge patch within one call")
            return KIMI_E_ARG
        }
        guard data.count + bytes.count <= Self.maxBytes else { return KIMI_E_LIMIT }
        self.how = how
        data.append(contentsOf: bytes)
        return KIMI_OK
    }
}

/// Behind `kimi_sink`: checks what comes, and keeps it.
final class SinkNote: HandleRecord, @unchecked Sendable {
    override class var word: String { "sink" }
    /// The bound on one call's scratch memory, as in the host.
    static let maxScratchBytes = 16 << 20

    private let stream: EventStream
    private var isStopped = false
    private var scratchBytes = 0
    private var blocks: [UnsafeMutableRawBufferPointer] = []

    init(run: KitRun, stream: EventStream) {
        self.stream = stream
        super.init(run: run)
    }

    deinit {
        // The plugin's scratch memory died with the call: whoever kept it finds rubbish.
        for block in blocks { block.deallocate() }
    }

    func take(_ events: UnsafePointer<kimi_event>, _ count: Int) -> kimi_status {
        if isStopped {
            run.breach(.stop, "emit was called again in the call in which it had answered \(stream.stopWord) (S16)")
            return run.behaviour.emitAnswer
        }
        let number = run.with { state in
            state.emits += 1
            return state.emits
        }
        if let from = run.behaviour.emitAnswersFrom, number >= from {
            isStopped = true
            stream.wasRefused = true
            return run.behaviour.emitAnswer
        }
        for index in 0..<count { stream.take(events[index], run) }
        return KIMI_OK.rawValue
    }

    func scratch(_ count: Int) -> UnsafeMutableRawPointer? {
        guard !run.behaviour.scratchFails, count >= 0, count <= Self.maxScratchBytes - scratchBytes else { return nil }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 16)
        block.initializeMemory(as: UInt8.self, repeating: 0xA5)
        scratchBytes += count
        blocks.append(block)
        return block.baseAddress
    }

    /// Overwrites what the plugin may not use any more.
    func poison() {
        for block in blocks { block.initializeMemory(as: UInt8.self, repeating: 0xDD) }
    }
}

/// What an exchange emitted, over all its calls.
final class EventStream {
    private(set) var events: [Event] = []
    private var order = EventOrder()
    private let checksOrder: Bool
    /// More events than this of one exchange are a runaway, not memory.
    static let maxEvents = 2_000_000
    /// "KIMI_STOP" or "a failure".
    var stopWord = "KIMI_STOP"
    var wasRefused = false
    private(set) var hasFinish = false
    private(set) var hasError = false

    /// `checksOrder`: false where the input itself is out of order.
    init(checksOrder: Bool = true) { self.checksOrder = checksOrder }

    var isComplete: Bool { order.isComplete }
    var isEmpty: Bool { events.isEmpty }

    func take(_ event: kimi_event, _ run: KitRun) {
        guard events.count < Self.maxEvents else {
            if events.count == Self.maxEvents { run.breach(.state, "more than \(Self.maxEvents) events were emitted") }
            return
        }
        if checksOrder, let sentence = order.violation(event) { run.breach(.order, sentence + " (S11)") }
        if event.type == KIMI_EVENT_FINISH.rawValue { hasFinish = true }
        if event.type == KIMI_EVENT_ERROR.rawValue { hasError = true }
        if let sentence = EventValues.fault(event) { run.breach(.value, sentence) }
        events.append(Event(event))
    }
}
