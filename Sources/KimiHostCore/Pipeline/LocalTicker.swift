import NIOCore

/// The clock of a provider that answers by itself. Event loop only.
final class LocalTicker {
    /// What one tick came to.
    enum Outcome { case brought, silent, pause }

    /// Ticks without a pause of a provider that wants none, before sockets are looked at again.
    private static let burst = 64
    /// Milliseconds until the next tick after one that brought nothing, for a provider that wants no pause.
    private static let silenceMs = 5

    private let eventLoop: any EventLoop
    private let milliseconds: Int
    /// Does one tick; `pause` stops until `resume`.
    private let tick: () -> Outcome
    private var isRunning = false
    private var isStopped = false
    private var inBurst = 0

    init(eventLoop: any EventLoop, milliseconds: Int, tick: @escaping () -> Outcome) {
        self.eventLoop = eventLoop
        self.milliseconds = milliseconds
        self.tick = tick
    }

    func start() { resume() }

    func resume(afterSilence isSilent: Bool = false) {
        guard !isRunning, !isStopped else { return }
        isRunning = true
        schedule(isSilent ? max(milliseconds, Self.silenceMs) : milliseconds)
    }

    func stop() { isStopped = true }

    private func run() {
        guard !isStopped else { return }
        switch tick() {
        case .pause: isRunning = false
        case .silent: schedule(max(milliseconds, Self.silenceMs))
        case .brought: schedule(milliseconds)
        }
    }

    /// The loop runs everything that is ready before it looks at its sockets, so "at once" has to end now and then.
    private func schedule(_ milliseconds: Int) {
        inBurst += 1
        if milliseconds == 0, inBurst < Self.burst {
            return eventLoop.assumeIsolated().execute { [weak self] in self?.run() }
        }
        inBurst = 0
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(max(milliseconds, 1)))) { [weak self] in
            self?.run()
        }
    }
}
