import CanonicalModel
import NIOCore
import PluginABI

/// Whoever waits for replies of a child. Event loop only.
protocol IsolatedCaller: AnyObject {
    var instance: RemoteInstance { get }
    /// Are its calls an auth machine's?
    var isAuth: Bool { get }
    /// `bytes`: what was given as the call's size.
    func answered(_ operation: IsolationWire.Operation, _ reply: CallReply, bytes: Int)
    /// Everything of one read was handed over.
    func settled()
    /// The child is gone, and this exchange with it. Comes once, and nothing after it.
    func lost(_ error: ExchangeError)
}

/// One event loop's way to its child of one plugin: calls are gathered and leave with one write at the end of a wake-up,
/// replies come back in order. Starts the child when there is something to say, and again after it died. Event loop only.
final class IsolatedLink {
    enum State { case idle, starting, up, burying, retired }

    struct Expected {
        let id: UInt32
        let operation: IsolationWire.Operation
        let sent: NIODeadline
        let bytes: Int
    }

    struct Exchange {
        /// Nil: it is over, and replies that are still to come are thrown away.
        var caller: (any IsolatedCaller)?
        let isAuth: Bool
        var outstanding = 0
    }

    weak var plugin: IsolatedPlugin?
    let eventLoop: any EventLoop
    let mark: PluginMark
    var state = State.idle
    var restUntil = NIODeadline.uptimeNanoseconds(0)

    // MARK: The child there is or will be

    var pid: Int32 = 0
    var channel: (any Channel)?
    var handler: LinkHandler?
    /// HELLO is sent, or was answered already.
    var hasHello = false
    var created: Set<UInt32> = []
    var calls: [UInt32: Exchange] = [:]
    var freeIDs: [UInt32] = []
    var lastID: UInt32 = 0
    var expected = CircularBuffer<Expected>()
    var lastReply = NIODeadline.now()
    var queuedBytes = 0
    var cutter = MessageCutter()
    var touched: [any IsolatedCaller] = []

    let out = WireWriter()
    var isFlushScheduled = false
    /// An answer to `get` is on its way: the child waits for it and asks nothing else meanwhile.
    var isAnswering = false
    var isWatching = false
    var instances: [UInt32: WeakInstance] = [:]

    struct WeakInstance { weak var instance: RemoteInstance? }

    init(plugin: IsolatedPlugin, eventLoop: any EventLoop) {
        self.plugin = plugin
        self.eventLoop = eventLoop
        mark = plugin.mark
    }

    var isolated: NIOIsolatedEventLoop { eventLoop.assumeIsolated() }
    static func milliseconds(_ time: NIODeadline) -> Int64 { Int64(time.uptimeNanoseconds / 1_000_000) }

    // MARK: Calls

    /// Begins an exchange with the child. Its number, to be given back with `end`.
    func begin(
        _ caller: any IsolatedCaller, bytes: Int, _ payload: (WireWriter) -> Void
    ) throws(ExchangeError) -> UInt32 {
        let instance = caller.instance
        let now = NIODeadline.now()
        if let refusal = plugin?.quarantine(instance.name, now: Self.milliseconds(now)) { throw refusal }
        guard queuedBytes + bytes <= IsolationLimits.maxQueuedBytes, calls.count < IsolationLimits.maxExchanges - 2
        else {
            throw ExchangeError(
                KIMI_CAT_OVERLOADED,
                "plugin '\(instance.name)' (isolation: process) has \(queuedBytes) bytes waiting for it already")
        }
        prepare(now)
        if created.insert(instance.id).inserted {
            instance.write(to: out)
            expect(instance.id, .create, 0)
        }
        instances[instance.id] = WeakInstance(instance: instance)
        let id = freeIDs.popLast() ?? nextID()
        calls[id] = Exchange(caller: caller, isAuth: caller.isAuth, outstanding: 1)
        out.message(id, .begin, payload)
        expect(id, .begin, bytes)
        return id
    }

    func nextID() -> UInt32 {
        lastID += 1
        return lastID
    }

    /// One call of an exchange; ignored when its child is gone.
    func call(
        _ id: UInt32, of caller: any IsolatedCaller, _ operation: IsolationWire.Operation, bytes: Int,
        _ payload: (WireWriter) -> Void
    ) {
        guard calls[id]?.caller === caller else { return }
        calls[id]?.outstanding += 1
        out.message(id, operation, payload)
        expect(id, operation, bytes)
    }

    /// The exchange is over. Replies that are still to come are thrown away.
    func end(_ id: UInt32, of caller: any IsolatedCaller, _ why: kimi_why) {
        guard let call = calls[id], call.caller === caller else { return }
        out.message(id, .end) { $0.put(why.rawValue) }
        calls[id]?.caller = nil
        if call.outstanding == 0 { free(id) }
        scheduleFlush()
    }

    func free(_ id: UInt32) {
        calls[id] = nil
        freeIDs.append(id)
    }

    func expect(_ id: UInt32, _ operation: IsolationWire.Operation, _ bytes: Int) {
        queuedBytes += bytes
        expected.append(Expected(id: id, operation: operation, sent: .now(), bytes: bytes))
        scheduleFlush()
        watch()
    }

    func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        isolated.execute { [self] in flush() }
    }

    /// `promise`: when all of it has been taken by the system.
    func flush(_ promise: EventLoopPromise<Void>? = nil) {
        isFlushScheduled = false
        guard let channel, out.count > 0 else {
            promise?.succeed()
            return
        }
        var buffer = channel.allocator.buffer(capacity: out.count)
        buffer.writeBytes(out.content)
        out.removeAll()
        channel.writeAndFlush(buffer, promise: promise)
    }

    /// No child will need this instance any more.
    func destroy(_ instance: UInt32) {
        instances[instance] = nil
        guard created.remove(instance) != nil, state == .up || state == .starting else { return }
        out.message(instance, .destroy) { _ in }
        scheduleFlush()
    }
}
