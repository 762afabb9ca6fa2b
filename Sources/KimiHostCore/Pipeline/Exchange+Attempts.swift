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
        // There is no attempt that could have failed.
        guard !isPausing else { return giveUp(ToldError(resumption.cause ?? error, 0).orBetter(best)) }
        let failure = AttemptFailure(error, isUnserved: isUnserved)
        judge(failure, error)
        record(error)
        if reply.hasContent, !keepsReply {
            if resume(after: failure, error) { return }
            return giveUp(ToldError(resumption.cause ?? error, 0))
        }
        let told = ToldError(error, failure, nativeRefusal).orBetter(best)
        best = told
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
    func turn(to choice: AttemptChoice, after milliseconds: Int) {
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

    func beginChosen() {
        clock.turned(nil)
        isPausing = false
        attemptBegan = .now()
        proceed { (self) throws(ExchangeError) in
            guard try self.enterRoute() else { return }
            try self.begin()
            try self.step()
        }
    }

    /// Everything of the attempt goes; what the client has heard stays.
    private func endAttempt() {
        closeAttempt(KIMI_WHY_FAILED)
        if hasRelayed { client?.exchangeReceived(headers: []) }
        hasRelayed = false
        if keepsReply { return }
        if let encoder, encoder.isStreaming { spent = encoder }
        (encoder, native, opening, enforcement) = (nil, nil, nil, nil)
        guard resumption.prefill == nil else { return }
        resumption.relay = nil
        succeeded = nil
        dropped = []
        book.removeAll()
    }

    /// The attempt is over, one way or the other, and another one follows. Every attempt but the last ends here.
    func closeAttempt(_ why: kimi_why) {
        turn += 1
        if why == KIMI_WHY_END {
            // The next one goes to the same entry and keeps its slot: whoever waits waits for whole replies.
            charge.rejected(attempt, book)
        } else {
            leaveRoute()
            charge.ended(attempt, book, isKept: reply.hasContent && !keepsReply)
        }
        attempt?.end(why)
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
        unacknowledged = 0
        isProviderDone = false
        isAnswering = false
        isUnserved = false
        isJudged = false
    }

    /// The next attempt goes there.
    func take(_ choice: AttemptChoice) {
        self.choice = choice
        route = planner.order[choice.route]
        key = route.keys[choice.key]
    }

    // MARK: Health

    /// The client gets the beginning of this attempt's answer: a probe has told what it was made for.
    func contentBegan() {
        let now = NIODeadline.now()
        // What was held for too long may go down before there is anything that says something.
        if opening?.isOver == true || attempt?.hasSubstance ?? true { firstTokenCame(now) }
        if choice.isRouteProbe { route.health.succeeded() }
        if choice.isKeyProbe { key.health.succeeded() }
        route.latency.add(attemptMs(now), streamed: true)
    }

    func firstTokenCame(_ now: NIODeadline) {
        guard measure.firstToken == nil else { return }
        measure.firstToken = ExchangePace.microseconds(now - arrived)
        tap?.contentBegan()
        trace?.contentBegan(now)
    }

    /// An upstream's answer has brought content.
    func contentCame() {
        clock.gotTokens()
        if measure.firstToken == nil, reply.hasContent { firstTokenCame(.now()) }
    }

    func attemptMs(_ now: NIODeadline = .now()) -> Double {
        Double((now - attemptBegan).nanoseconds) / 1_000_000
    }

    /// Tells the health of route and key how the attempt ended, once. nil: well.
    func judge(_ failure: AttemptFailure?, _ error: ExchangeError? = nil) {
        guard !isJudged else { return }
        isJudged = true
        let now = Self.milliseconds(.now())
        if failure == nil, encoder?.isStreaming == false { route.latency.add(attemptMs(), streamed: false) }
        switch failure?.fault {
        case .unserved: releaseProbes(now)
        case .request where planned == nil: releaseProbes(now)  // The upstream does not even know of it.
        case nil, .request:
            route.health.succeeded()
            key.health.succeeded()
        case .key:
            if choice.isRouteProbe { route.health.succeeded() }  // It answered.
            let isCold = key.health.failed(
                now, isProbe: choice.isKeyProbe, atOnce: true, retryAfterMs: failure?.retryAfterMs,
                reason: Self.reason(error))
            if isCold { services.metrics.cooled(model: route.upstreamModel, provider: route.providerName, .key) }
        case .route:
            if choice.isKeyProbe { key.health.abandoned(now) }
            let isCold = route.health.failed(
                now, isProbe: choice.isRouteProbe, atOnce: false, retryAfterMs: failure?.retryAfterMs,
                reason: Self.reason(error))
            if isCold { services.metrics.cooled(model: route.upstreamModel, provider: route.providerName, .route) }
        }
    }

    private static func reason(_ error: ExchangeError?) -> String {
        error.map { "\(AttemptFailure.word($0.category)): \(LogText.oneLine($0.message))" } ?? ""
    }

    /// The attempt ended without telling anything of its route.
    func abandonProbes() {
        guard !isJudged else { return }
        isJudged = true
        releaseProbes(Self.milliseconds(.now()))
    }

    private func releaseProbes(_ now: Int64) {
        if choice.isRouteProbe { route.health.abandoned(now) }
        if choice.isKeyProbe { key.health.abandoned(now) }
    }

    private func record(_ error: ExchangeError) {
        let now = NIODeadline.now()
        let category = AttemptFailure.word(error.category)
        tap?.attemptFailed(error)
        trace?.attemptEnded(now, error: category)
        measureAttempt(now, error: category)
        failures.append(failed(category, error.message, now))
    }

    /// The attempt under way as one that has come to nothing.
    func failed(_ category: String, _ message: String, _ now: NIODeadline) -> FailedAttempt {
        let name = "\(route.providerName)/\(route.upstreamModel)"
        return FailedAttempt(
            model: route.upstreamModel, provider: route.providerName,
            place: route.keys.count > 1 ? "\(name) key \(choice.key + 1)" : name,
            category: category, message: message, milliseconds: Int64(attemptMs(now)))
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
