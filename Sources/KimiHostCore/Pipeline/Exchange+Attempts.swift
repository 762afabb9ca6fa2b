import CanonicalModel
import Dialects
import NIOCore
import PluginABI
import PluginHost
import Upstream

/// From one attempt to the next.
extension Exchange {
    /// Milliseconds of a clock that does not go back.
    static func milliseconds(_ time: NIODeadline) -> Int64 { Int64(time.uptimeNanoseconds / 1_000_000) }

    /// The attempt has failed: another one follows, or the client hears of it.
    func fail(_ error: ExchangeError) {
        guard !reply.isOver else { return }
        var error = error
        error.message = route.masked(error.message)
        guard !isPausing else { return giveUp(error) }  // There is no attempt that could have failed.
        let failure = AttemptFailure(error, isUnserved: isUnserved)
        judge(failure)
        record(error)
        // Where nothing serves such a request, what another route said of it is worth more.
        let told = isUnserved ? lastError ?? error : error
        lastError = told
        guard !reply.hasContent else { return giveUp(told) }
        let now = NIODeadline.now()
        let next = planner.next(
            after: failure, of: choice, now: Self.milliseconds(now), remainingMs: clock.remainingMs(now),
            chance: planner.order.state.random.unit(), mayRepeat: planner.order.state.budget.take)
        switch next {
        case .giveUp: giveUp(told)
        case .now(let choice): turn(to: choice, after: 0)
        case .after(let milliseconds, let choice): turn(to: choice, after: milliseconds)
        }
    }

    /// Ends the attempt and begins the next one, in a turn of its own: whoever reported the failure is still at it.
    private func turn(to choice: AttemptChoice, after milliseconds: Int) {
        endAttempt()
        take(choice)
        isPausing = true
        clock.turned(milliseconds)
        let turn = turn
        let begin: () -> Void = { [weak self] in
            guard let self, self.turn == turn, !self.reply.isOver else { return }
            self.beginChosen()
        }
        let loop = services.eventLoop.assumeIsolated()
        guard milliseconds > 0 else { return loop.execute(begin) }
        loop.scheduleTask(in: .milliseconds(Int64(milliseconds)), begin)
    }

    private func beginChosen() {
        clock.turned(nil)
        isPausing = false
        attemptBegan = .now()
        proceed { (self) throws(ExchangeError) in
            try self.begin()
            try self.step()
        }
    }

    /// Everything of the attempt goes; what the client has heard stays.
    private func endAttempt() {
        turn += 1
        attempt?.end(KIMI_WHY_FAILED)
        attempt = nil
        transfer?.cancel()
        transfer = nil
        side = nil
        planned = nil
        framing = nil
        tokens.wait?.cancel()
        tokens = ExchangeTokens()
        ticker?.stop()
        ticker = nil
        if let encoder, encoder.isStreaming { spent = encoder }
        (encoder, native, opening) = (nil, nil, nil)
        succeeded = nil
        dropped = []
        unacknowledged = 0
        isProviderDone = false
        isAnswering = false
        isUnserved = false
        isJudged = false
        book.removeAll()
        if hasRelayed { client?.exchangeReceived(headers: []) }
        hasRelayed = false
    }

    /// The next attempt goes there.
    private func take(_ choice: AttemptChoice) {
        self.choice = choice
        route = planner.order[choice.route]
        key = route.keys[choice.key]
    }

    // MARK: Health

    /// The client gets content of this attempt: a probe has told what it was made for.
    func contentBegan() {
        tap?.contentBegan()
        if choice.isRouteProbe { route.health.succeeded() }
        if choice.isKeyProbe { key.health.succeeded() }
        route.latency.add(attemptMs, streamed: true)
    }

    private var attemptMs: Double { Double((NIODeadline.now() - attemptBegan).nanoseconds) / 1_000_000 }

    /// Tells the health of route and key how the attempt ended, once. nil: well.
    func judge(_ failure: AttemptFailure?) {
        guard !isJudged else { return }
        isJudged = true
        let now = Self.milliseconds(.now())
        if failure == nil, encoder?.isStreaming == false { route.latency.add(attemptMs, streamed: false) }
        switch failure?.fault {
        case nil, .request, .unserved:
            route.health.succeeded()
            key.health.succeeded()
        case .key:
            if choice.isRouteProbe { route.health.succeeded() }  // It answered.
            let isCold = key.health.failed(
                now, isProbe: choice.isKeyProbe, atOnce: true, retryAfterMs: failure?.retryAfterMs)
            if isCold { services.metrics.cooled(model: route.upstreamModel, provider: route.providerName, .key) }
        case .route:
            if choice.isKeyProbe { key.health.abandoned(now) }
            let isCold = route.health.failed(
                now, isProbe: choice.isRouteProbe, atOnce: false, retryAfterMs: failure?.retryAfterMs)
            if isCold { services.metrics.cooled(model: route.upstreamModel, provider: route.providerName, .route) }
        }
    }

    /// The attempt ended without telling anything of its route.
    func abandonProbes() {
        guard !isJudged else { return }
        isJudged = true
        let now = Self.milliseconds(.now())
        if choice.isRouteProbe { route.health.abandoned(now) }
        if choice.isKeyProbe { key.health.abandoned(now) }
    }

    private func record(_ error: ExchangeError) {
        tap?.attemptFailed(error)
        let name = "\(route.providerName)/\(route.upstreamModel)"
        failures.append(
            FailedAttempt(
                model: route.upstreamModel, provider: route.providerName,
                place: route.keys.count > 1 ? "\(name) key \(choice.key + 1)" : name,
                category: AttemptFailure.word(error.category), message: error.message, milliseconds: Int64(attemptMs)))
    }
}

/// An attempt that came to nothing, for the log and `/metrics`.
package struct FailedAttempt: Sendable {
    let model: String
    let provider: String
    /// Provider, model and, where there are several, the key's number from 1.
    let place: String
    let category: String
    /// Masked.
    let message: String
    let milliseconds: Int64
}
