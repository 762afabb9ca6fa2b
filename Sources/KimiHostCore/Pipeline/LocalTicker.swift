import NIOCore

/// The clock of a provider that answers by itself. Event loop only.
final class LocalTicker {
    private let eventLoop: any EventLoop
    private let milliseconds: Int
    /// Does one tick; false pauses until `resume`.
    private let tick: () -> Bool
    private var isRunning = false
    private var isStopped = false

    init(eventLoop: any EventLoop, milliseconds: Int, tick: @escaping () -> Bool) {
        self.eventLoop = eventLoop
        self.milliseconds = milliseconds
        self.tick = tick
    }

    func start() { resume() }

    func resume() {
        guard !isRunning, !isStopped else { return }
        isRunning = true
        schedule()
    }

    func stop() { isStopped = true }

    private func schedule() {
        // Also with a pace of 0 each tick is a turn of the loop, so that a long reply starves nobody.
        let task: () -> Void = { [weak self] in
            guard let self, !isStopped else { return }
            if tick() { schedule() } else { isRunning = false }
        }
        if milliseconds == 0 {
            eventLoop.assumeIsolated().execute(task)
        } else {
            eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds)), task)
        }
    }
}
