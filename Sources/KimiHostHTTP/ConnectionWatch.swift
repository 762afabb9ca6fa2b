import NIOCore

/// Looks after one event loop's client connections, with one timer for all of them. Event loop only.
final class ConnectionWatch {
    private static let periodMs: Int64 = 1_000

    private let eventLoop: any EventLoop
    /// In no order; each knows its place.
    private var handlers: [LLMHandler] = []
    private var isTicking = false

    init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func add(_ handler: LLMHandler) {
        guard handler.watchPlace == nil else { return }
        handler.watchPlace = handlers.count
        handlers.append(handler)
        schedule()
    }

    func remove(_ handler: LLMHandler) {
        guard let place = handler.watchPlace, let last = handlers.last else { return }
        handler.watchPlace = nil
        if last !== handler {
            handlers[place] = last
            last.watchPlace = place
        }
        handlers.removeLast()
    }

    private func schedule() {
        guard !isTicking else { return }
        isTicking = true
        eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Self.periodMs)) { [weak self] in self?.tick() }
    }

    private func tick() {
        isTicking = false
        let now = NIODeadline.now()
        for handler in handlers { handler.checkClock(now) }
        if !handlers.isEmpty { schedule() }
    }
}
