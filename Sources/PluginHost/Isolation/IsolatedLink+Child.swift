import CanonicalModel
import NIOCore
import NIOPosix
import PluginABI

/// How the child of a link begins and ends.
extension IsolatedLink {
    // MARK: The child

    func prepare(_ now: NIODeadline) {
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

    func startLater(_ now: NIODeadline) {
        state = .starting
        guard restUntil > now else { return start() }
        isolated.scheduleTask(deadline: restUntil) { [weak self] in
            guard let self, self.state == .starting else { return }
            self.start()
        }
    }

    func start() {
        guard let command = plugin?.command else { return retire() }
        let arguments: [String]
        do {
            arguments = try command.arguments()
        } catch {
            // Later: whoever asks for the child has not queued its call yet, and is to hear of it.
            return isolated.execute { [weak self] in self?.failToStart(error) }
        }
        let this = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        ChildProcessTable.start(arguments) { result in
            eventLoop.execute { this.value.started(result) }
        }
    }

    func started(_ result: Result<ChildProcessTable.Child, StepFailure>) {
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

    func close(_ child: ChildProcessTable.Child) {
        ChildProcessTable.end(child.pid, graceMs: 0) { _ in }
        ChildProcessTable.close(child.descriptor)
    }

    func connect(_ child: ChildProcessTable.Child) {
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

    // MARK: The end

    func watch() {
        guard !isWatching else { return }
        isWatching = true
        isolated.scheduleTask(in: .milliseconds(IsolationLimits.watchMs)) { [weak self] in self?.look() }
    }

    func look() {
        isWatching = false
        guard let first = expected.first else { return }
        watch()
        let isCall = state == .up && first.operation != .hello
        let limit = isCall ? IsolationLimits.callMs : IsolationLimits.startMs
        guard NIODeadline.now() - max(first.sent, lastReply) > .milliseconds(limit) else { return }
        let words = "gave no answer to '\(first.operation)' for \(limit) ms and was killed"
        switch state {
        case .up: die(words)
        case .idle, .starting:
            failToStart(StepFailure(message: "not within \(limit) ms", cure: "see what it waits for"))
        case .burying, .retired: tell(abandon(), "the process before it has not ended for \(limit) ms")
        }
    }

    func closed() { die(nil) }

    func failToStart(_ problem: StepFailure) {
        guard state == .starting || state == .idle else { return }
        state = .burying
        buried(abandon(), "could not be started: \(problem.message)")
    }

    /// The child is killed, if it still is there. `words`: what it did; nil: how it ended tells.
    func die(_ words: String?) {
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
    func abandon() -> [any IsolatedCaller] {
        let lost = calls.values.compactMap(\.caller)
        handler?.link = nil
        handler = nil
        channel?.close(promise: nil)
        channel = nil
        out.removeAll()
        expected.removeAll()
        (calls, freeIDs, lastID, created) = ([:], [], 0, [])
        (hasHello, queuedBytes, cutter, isAnswering) = (false, 0, MessageCutter(), false)
        return lost
    }

    func buried(_ lost: [any IsolatedCaller], _ words: String) {
        guard state != .retired, let plugin else { return }
        let now = NIODeadline.now()
        let pause = plugin.died(words, now: Self.milliseconds(now))
        restUntil = now + .milliseconds(pause)
        let name = shownName
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
        tell(lost, words)
    }

    private var shownName: String { instances.values.compactMap(\.instance).first?.name ?? plugin?.file ?? "plugin" }

    private func tell(_ lost: [any IsolatedCaller], _ words: String) {
        guard !lost.isEmpty else { return }
        let line = "the process of plugin '\(shownName)' \(words)"
        let error = ExchangeError(KIMI_CAT_INTERNAL, line, code: "plugin_died")
        for caller in lost { caller.lost(error) }
    }

    /// The plugin is not used any more: its child ends.
    func retire() {
        guard state != .retired else { return }
        let hadChild = state == .up
        state = .retired
        tell(abandon(), "is not used any more")
        if hadChild { ChildProcessTable.end(pid, graceMs: IsolationLimits.graceMs) { _ in } }
    }
}

/// The socket's end of a link.
final class LinkHandler: ChannelInboundHandler {
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
