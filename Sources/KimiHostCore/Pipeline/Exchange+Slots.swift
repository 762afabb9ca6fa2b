import CanonicalModel
import NIOCore
import PluginABI

/// An exchange's wait for a route that has all hands full.
struct RouteWait {
    let waiter: RouteSlots.Waiter
    let slots: [RouteSlots]
    let timeout: Scheduled<Void>
}

/// Routes that take so many requests at once.
extension Exchange {
    /// Takes a slot on the chosen route. False: the exchange waits for one.
    func enterRoute() throws(ExchangeError) -> Bool {
        if slot != nil { return true }
        if route.slots.acquire() {
            slot = route.slots
            return true
        }
        try waitForRoute()
        return false
    }

    /// Gives the slot back and waits no more. May be called again.
    func leaveRoute() {
        endWait()
        slot?.release()
        slot = nil
    }

    private func waitForRoute() throws(ExchangeError) {
        let state = planner.order.state
        isPausing = true  // There is no attempt that could fail.
        guard state.beginWait() else { throw busy("found the queue full (limits.max_queued)") }
        let loop = services.eventLoop
        let waiter = RouteSlots.Waiter(on: loop)
        let places = candidates
        let slots = places.map { planner.order[$0].slots }
        let timeout = loop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(state.queue.queueMs))) { [weak self] in
            if let self { self.waitedTooLong(waiter) }
        }
        routeWait = RouteWait(waiter: waiter, slots: slots, timeout: timeout)
        clock.turned(state.queue.queueMs)
        waiter.admission.assumeIsolated().whenSuccess { [weak self] place in
            guard let self, self.routeWait?.waiter === waiter, !self.reply.isOver else {
                // The client has gone meanwhile.
                if let index = places.firstIndex(of: place) { slots[index].release() }
                return
            }
            self.admitted(to: place)
        }
        for (place, slots) in zip(places, slots) { slots.enqueue(waiter, place: place) }
    }

    /// Any that is well, while nothing was tried; then the one that was chosen.
    private var candidates: [Int] {
        guard failures.isEmpty else { return [choice.route] }
        let now = Self.milliseconds(.now())
        return (0..<planner.order.count)
            .filter { $0 == choice.route || planner.order.health(ofRoute: $0).isOpen(now) }
    }

    private func admitted(to place: Int) {
        endWait()
        slot = planner.order[place].slots
        if failures.isEmpty {
            // Much may have happened meanwhile: keys went cold, probes were made.
            abandonProbes()
            isJudged = false
            take(planner.admitted(to: place, Self.milliseconds(.now())))
        }
        beginChosen()
    }

    private func waitedTooLong(_ waiter: RouteSlots.Waiter) {
        guard routeWait?.waiter === waiter, waiter.cancel() else { return }
        let ms = planner.order.state.queue.queueMs
        endWait()
        fail(busy("waited \(ms) ms for its turn (timeouts.queue)"))
    }

    private func endWait() {
        guard let wait = routeWait else { return }
        routeWait = nil
        planner.order.state.endWait()
        wait.timeout.cancel()
        _ = wait.waiter.cancel()
        for slots in wait.slots { slots.remove(wait.waiter) }
    }

    private func busy(_ words: String) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_OVERLOADED,
            "the model's upstreams have all hands full (models[].max_concurrent), and this request \(words); try again",
            code: Self.busyCode, retryAfterMs: Self.busyRetryMs)
    }

    static let busyCode = "overloaded"
    private static let busyRetryMs = 1_000
}
