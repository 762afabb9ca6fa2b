import CanonicalModel
import NIOCore
import NIOPosix
import PluginABI

/// Whoever waits for replies of a child. Event loop only.
protocol IsolatedCaller: AnyObject {
    var instance: RemoteInstance { get }
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
    private enum State { case idle, starting, up, burying, retired }

    private struct Expected {
        let id: UInt32
        let operation: IsolationWire.Operation
        let sent: NIODeadline
        let bytes: Int
    }

    private struct Exchange {
        /// Nil: it is over, and replies that are still to come are thrown away.
        var caller: (any IsolatedCaller)?
        var outstanding = 0
    }

    private weak var plugin: IsolatedPlugin?
    private let eventLoop: any EventLoop
    private var state = State.idle
    private var restUntil = NIODeadline.uptimeNanoseconds(0)

    // MARK: The child there is or will be

    private var pid: Int32 = 0
    private var channel: (any Channel)?
    private var handler: LinkHandler?
    /// HELLO is sent, or was answered already.
    private var hasHello = false
    private var created: Set<UInt32> = []
    private var calls: [UInt32: Exchange] = [:]
    private var freeIDs: [UInt32] = []
    private var lastID: UInt32 = 0
    private var expected = CircularBuffer<Expected>()
    private var lastReply = NIODeadline.now()
    private var queuedBytes = 0
    private var cutter = MessageCutter()
    private var touched: [any IsolatedCaller] = []

    private let out = WireWriter()
    private var isFlushScheduled = false
    private var isWatching = false
    private var instances: [UInt32: WeakInstance] = [:]

    private struct WeakInstance { weak var instance: RemoteInstance? }

    init(plugin: IsolatedPlugin, eventLoop: any EventLoop) {
        self.plugin = plugin
        self.eventLoop = eventLoop
    }

    private var isolated: NIOIsolatedEventLoop { eventLoop.assumeIsolated() }
    private static func milliseconds(_ time: NIODeadline) -> Int64 { Int64(time.uptimeNanoseconds / 1_000_000) }

    // MARK: Calls

    /// Begins an exchange with the child. Its number, to be given back with `end`.
    func begin(_ caller: any IsolatedCaller, bytes: Int, _ payload: (WireWriter) -> Void) throws(ExchangeError) -> UInt32 {
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
        calls[id] = Exchange(caller: caller, outstanding: 1)
        out.message(id, .begin, payload)
        expect(id, .begin, bytes)
        return id
    }

    private func nextID() -> UInt32 {
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

    private func free(_ id: UInt32) {
        calls[id] = nil
        freeIDs.append(id)
    }

    private func expect(_ id: UInt32, _ operation: IsolationWire.Operation, _ bytes: Int) {
        queuedBytes += bytes
        expected.append(Expected(id: id, operation: operation, sent: .now(), bytes: bytes))
        scheduleFlush()
        watch()
    }

    private func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        isolated.execute { [self] in flush() }
    }

    private func flush() {
        isFlushScheduled = false
        guard let channel, out.count > 0 else { return }
        var buffer = channel.allocator.buffer(capacity: out.count)
        buffer.writeBytes(out.content)
        out.removeAll()
        channel.writeAndFlush(buffer, promise: nil)
    }

    /// No child will need this instance any more.
    func destroy(_ instance: UInt32) {
        instances[instance] = nil
        guard created.remove(instance) != nil, state == .up || state == .starting else { return }
        out.message(instance, .destroy) { _ in }
        scheduleFlush()
    }

    // MARK: The child

    private func prepare(_ now: NIODeadline) {
        guard !hasHello else { return }
        hasHello = true
        if state == .idle, restUntil <= now, let spare = plugin?.takeSpare() {
            created = spare.created
            let child = spare.giveAway()
            state = .starting
            return connect(child)
        }
        out.message(0, .hello) { to in
            to.put(IsolationWire.magic)
            to.put(IsolationWire.version)
            to.put(UInt32(KIMI_ABI_MINOR))
        }
        expect(0, .hello, 0)
        if state == .idle { startLater(now) }
    }

    private func startLater(_ now: NIODeadline) {
        state = .starting
        guard restUntil > now else { return start() }
        isolated.scheduleTask(deadline: restUntil) { [weak self] in
            guard let self, self.state == .starting else { return }
            self.start()
        }
    }

    private func start() {
        guard let command = plugin?.command else { return retire() }
        let arguments: [String]
        do {
            arguments = try command.arguments()
        } catch {
            return failToStart(error)
        }
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        ChildProcessTable.start(arguments) { result in
            eventLoop.execute { this.value.started(result) }
        }
    }

    private func started(_ result: Result<ChildProcessTable.Child, StepFailure>) {
        switch result {
        case .failure(let problem): failToStart(problem)
        case .success(let child):
            guard state == .starting else {
                close(child)
                return
            }
            connect(child)
        }
    }

    private func close(_ child: ChildProcessTable.Child) {
        ChildProcessTable.end(child.pid, graceMs: 0) { _ in }
        ChildProcessTable.close(child.descriptor)
    }

    private func connect(_ child: ChildProcessTable.Child) {
        pid = child.pid
        state = .up
        lastReply = .now()
        let handler = LinkHandler(link: self)
        self.handler = handler
        let bound = NIOLoopBound(handler, eventLoop: eventLoop)
        ClientBootstrap(group: eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .withConnectedSocket(child.descriptor)
            .assumeIsolated()
            .whenComplete { [weak self] result in
                guard let self, self.handler === handler else {
                    if case .success(let channel) = result { channel.close(promise: nil) }
                    return
                }
                switch result {
                case .success(let channel):
                    self.channel = channel
                    self.flush()
                case .failure(let error): self.die("could not be connected: \(error)")
                }
            }
    }

    // MARK: Replies

    fileprivate func received(_ bytes: UnsafeRawBufferPointer) {
        var cutter = cutter
        self.cutter = MessageCutter()
        cutter.append(bytes)
        var problem: String?
        reading: while problem == nil {
            switch cutter.next({ problem = handle($0) }) {
            case .message: continue
            case .incomplete: break reading
            case .malformed: problem = "sent a message that makes no sense"
            }
        }
        self.cutter = cutter
        let settled = touched
        touched.removeAll(keepingCapacity: true)
        for caller in settled { caller.settled() }
        if let problem { die(problem) }
    }

    /// Nil, or what was wrong with the message.
    private func handle(_ message: WireMessage) -> String? {
        guard message.operation & 0xC0 == IsolationWire.replyBit else {
            if let instance = instances[message.id]?.instance, let answer = plugin?.services.answer(message, instance) {
                out.append(answer)
                flush()
            } else if message.operation == IsolationWire.Unasked.get.rawValue {
                return "asked for the memory of an instance that is not there"
            }
            return nil
        }
        guard let first = expected.first, first.id == message.id,
            first.operation.rawValue == message.operation & ~IsolationWire.replyBit
        else { return "answered a call that was not made" }
        expected.removeFirst()
        queuedBytes -= first.bytes
        lastReply = .now()
        switch first.operation {
        case .hello: return hello(message)
        case .create: return nil  // Its failure shows when an exchange is begun.
        default: break
        }
        calls[first.id]?.outstanding -= 1
        guard let call = calls[first.id] else { return nil }
        guard let caller = call.caller else {
            if call.outstanding == 0 { free(first.id) }
            return nil
        }
        if touched.last !== caller { touched.append(caller) }
        caller.answered(first.operation, CallReply(message), bytes: first.bytes)
        return nil
    }

    private func hello(_ message: WireMessage) -> String? {
        do throws(StepFailure) {
            let answer = try ChildHello(message)
            guard answer.manifest == plugin?.manifest else { return "has another manifest than before" }
            return nil
        } catch {
            return "did not start: \(error.message)"
        }
    }

    // MARK: The end

    private func watch() {
        guard !isWatching else { return }
        isWatching = true
        isolated.scheduleTask(in: .milliseconds(IsolationLimits.watchMs)) { [weak self] in self?.look() }
    }

    private func look() {
        isWatching = false
        guard let first = expected.first else { return }
        watch()
        guard state == .up else { return }
        let limit = first.operation == .hello ? IsolationLimits.startMs : IsolationLimits.callMs
        guard NIODeadline.now() - max(first.sent, lastReply) > .milliseconds(limit) else { return }
        die("gave no answer to '\(first.operation)' for \(limit) ms and was killed")
    }

    fileprivate func closed() { die(nil) }

    private func failToStart(_ problem: StepFailure) {
        state = .burying
        buried(abandon(), "could not be started: \(problem.message)")
    }

    /// The child is killed, if it still is there. `words`: what it did; nil: how it ended tells.
    private func die(_ words: String?) {
        guard state == .up else { return }
        state = .burying
        let lost = abandon()
        let (this, eventLoop) = (NIOLoopBound((self, lost), eventLoop: eventLoop), eventLoop)
        ChildProcessTable.end(pid, graceMs: 0) { ended in
            eventLoop.execute {
                let (link, lost) = this.value
                link.buried(lost, words ?? ended)
            }
        }
    }

    /// Forgets the child; whoever waits for it.
    private func abandon() -> [any IsolatedCaller] {
        let lost = calls.values.compactMap(\.caller)
        handler?.link = nil
        handler = nil
        channel?.close(promise: nil)
        channel = nil
        out.removeAll()
        expected.removeAll()
        (calls, freeIDs, lastID, created) = ([:], [], 0, [])
        (hasHello, queuedBytes, cutter) = (false, 0, MessageCutter())
        return lost
    }

    private func buried(_ lost: [any IsolatedCaller], _ words: String) {
        guard state != .retired, let plugin else { return }
        let now = NIODeadline.now()
        let pause = plugin.died(words, now: Self.milliseconds(now))
        restUntil = now + .milliseconds(pause)
        let name = instances.values.compactMap(\.instance).first?.name ?? plugin.file
        let line = "the process of plugin '\(name)' \(words)"
        instances.values.compactMap(\.instance).first?.context.note(
            "its process \(words); \(lost.count) exchanges failed; the next one may start in \(pause) ms")
        let waiting = hasHello
        state = .idle
        if let refusal = plugin.quarantine(name, now: Self.milliseconds(now)) {
            let late = abandon()
            for caller in late { caller.lost(refusal) }
        } else if waiting {
            startLater(now)
        }
        let error = ExchangeError(KIMI_CAT_INTERNAL, line, code: "plugin_died")
        for caller in lost { caller.lost(error) }
    }

    /// The plugin is not used any more: its child ends.
    func retire() {
        guard state != .retired else { return }
        let hadChild = state == .up
        state = .retired
        _ = abandon()
        if hadChild { ChildProcessTable.end(pid, graceMs: IsolationLimits.graceMs) { _ in } }
    }
}

/// The socket's end of a link.
private final class LinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    weak var link: IsolatedLink?

    init(link: IsolatedLink) { self.link = link }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        buffer.withUnsafeReadableBytes { link?.received($0) }
    }

    func channelInactive(context: ChannelHandlerContext) { link?.closed() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
