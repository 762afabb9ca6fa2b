package import CanonicalModel
import PluginABI
package import PluginHost

/// A token as it is handed out. Not printable: a token appears in no log.
package struct ServedToken: Sendable {
    package let bytes: [UInt8]
    /// Which fetch brought it.
    package let fetch: Int
}

/// One token of one plugin instance: held, being fetched, or not to be had for a while. A value without I/O: somebody
/// else has the clock (unix milliseconds), the dice (0 up to 1) and the network, and does what the answers say.
///
/// At most one fetch is under way. While a token is refreshed the old one serves.
package struct TokenSlot<Waiter> {
    /// What becomes of a request for the token.
    package enum Answer {
        case token(ServedToken)
        /// It is under way; the waiter is told.
        case waiting
        case refused(ExchangeError)
    }

    /// What a fetch came to.
    package struct Outcome {
        /// To be told the result.
        package var waiters: [Waiter] = []
        package var result: Result<ServedToken, ExchangeError>
        /// Call `refreshIsDue` with this fetch, so many milliseconds from now.
        package var refresh: (fetch: Int, after: UInt64)?
    }

    /// What to do with an exchange whose token the upstream has refused.
    package enum Refusal: Equatable {
        /// Ask again: there is, or will be, another token.
        case askAgain
        /// Let it be: the token before was refused a moment ago, too.
        case giveUp
    }

    private struct Held: Sendable {
        let token: ServedToken
        let usableUntil: UInt64
        let refreshAt: UInt64
        var isUsed = false
    }

    private struct Failure: Sendable {
        let error: ExchangeError
        let pause: UInt64
        let since: UInt64
    }

    /// For messages: the provider's name.
    private let owner: String
    private var held: Held?
    private var failure: Failure?
    private var failures = 0
    private var fetch: Int?
    private var waiters: [Int: Waiter] = [:]
    private var forgotAt: UInt64?

    package init(owner: String) {
        self.owner = owner
    }

    package var isFetching: Bool { fetch != nil }

    /// What a new instance of the same plugin with the same configuration goes on with: the token, or the pause after a
    /// failure. Nobody waits and nothing is under way there.
    package var inherited: TokenSlot {
        var heir = TokenSlot(owner: owner)
        (heir.held, heir.failure, heir.failures, heir.forgotAt) = (held, failure, failures, forgotAt)
        return heir
    }

    /// The token that is held.
    package var heldToken: ServedToken? { held?.token }
    package var waiterCount: Int { waiters.count }

    // MARK: Requests

    /// A request wants the token. `id` is the waiter's, for `cancel`. `nextFetch`: the number of a fetch to start, taken
    /// out (made nil) when the caller has to start it.
    package mutating func ask(
        _ waiter: @autoclosure () -> Waiter, id: Int, nextFetch: inout Int?, now: UInt64
    ) -> Answer {
        if var held, now < held.usableUntil {
            held.isUsed = true
            self.held = held
            if now >= held.refreshAt, fetch == nil, pauseLeft(now) == nil { start(&nextFetch) }
            return .token(held.token)
        }
        held = nil
        if fetch == nil {
            if let failure, let left = pauseLeft(now) { return .refused(Self.inPause(failure.error, left)) }
            start(&nextFetch)
        }
        guard waiters.count < TokenLimits.maxWaiters else {
            return .refused(
                ExchangeError(
                    KIMI_CAT_OVERLOADED,
                    "more than \(TokenLimits.maxWaiters) requests wait for a token of provider '\(owner)'"))
        }
        waiters[id] = waiter()
        return .waiting
    }

    /// A waiter's client is gone. The fetch goes on: the next request has use for it.
    package mutating func cancel(id: Int) { waiters[id] = nil }

    /// An upstream refused the token of that fetch.
    package mutating func refused(fetch: Int, now: UInt64) -> Refusal {
        guard let held, held.token.fetch == fetch else { return .askAgain }
        if let forgotAt, now >= forgotAt, now - forgotAt < TokenLimits.forgetPause { return .giveUp }
        forgotAt = now
        self.held = nil
        return .askAgain
    }

    /// The time to refresh the token of that fetch has come. A token that nobody used waits for somebody who does.
    package mutating func refreshIsDue(fetch: Int, nextFetch: inout Int?, now: UInt64) {
        guard let held, held.token.fetch == fetch, held.isUsed, self.fetch == nil, pauseLeft(now) == nil else { return }
        start(&nextFetch)
    }

    private mutating func start(_ nextFetch: inout Int?) {
        fetch = nextFetch
        nextFetch = nil
    }

    /// Milliseconds until a next fetch may start; nil: at once. A clock that was set back does not make it longer.
    private func pauseLeft(_ now: UInt64) -> UInt64? {
        guard let failure, now >= failure.since, now - failure.since < failure.pause else { return nil }
        return failure.pause - (now - failure.since)
    }

    // MARK: Fetches

    /// That fetch has brought a token. Nil: nobody waits for that fetch any more.
    package mutating func granted(_ grant: TokenGrant, fetch: Int, now: UInt64, dice: Double) -> Outcome? {
        guard self.fetch == fetch else { return nil }
        guard grant.expiresAt > now else {
            return failed(Self.expired(grant, now), fetch: fetch, now: now, dice: dice)
        }
        let life = grant.expiresAt - now
        let usable = life - min(TokenLimits.maxLeeway, life / 10)
        let wanted =
            grant.refreshAt.map { $0 > now ? $0 - now : 0 } ?? (life - min(TokenLimits.maxRefreshMargin, life / 5))
        let earliest = max(wanted, min(TokenLimits.minRefreshPause, life / 2))
        // Hosts that got their tokens at the same moment shall not all come back at the same moment.
        let refresh = earliest >= usable ? usable : earliest + UInt64(Double(usable - earliest) * 0.2 * dice)
        let token = ServedToken(bytes: grant.token, fetch: fetch)
        held = Held(token: token, usableUntil: now + usable, refreshAt: now + refresh, isUsed: !waiters.isEmpty)
        (failure, failures) = (nil, 0)
        return end(.success(token), refresh: (fetch, refresh))
    }

    /// That fetch has failed. Nil: nobody waits for that fetch any more.
    package mutating func failed(_ error: ExchangeError, fetch: Int, now: UInt64, dice: Double) -> Outcome? {
        guard self.fetch == fetch else { return nil }
        let doubled = TokenLimits.firstPause << UInt64(min(failures, 10))
        failures += 1
        let own = UInt64(Double(min(doubled, TokenLimits.maxPause)) * (0.8 + 0.2 * dice))
        let asked = min(UInt64(max(0, error.retryAfterMs ?? 0)), TokenLimits.maxAskedPause)
        var error = error
        error.message = "no token for provider '\(owner)': \(error.message)"
        let failure = Failure(error: error, pause: max(own, asked), since: now)
        self.failure = failure
        error.retryAfterMs = Int(failure.pause)
        let kept = held.flatMap { now < $0.usableUntil ? $0.token.fetch : nil }
        return end(.failure(error), refresh: kept.map { ($0, failure.pause) })
    }

    private mutating func end(
        _ result: Result<ServedToken, ExchangeError>, refresh: (fetch: Int, after: UInt64)?
    ) -> Outcome {
        fetch = nil
        let told = Array(waiters.values)
        waiters = [:]
        return Outcome(waiters: told, result: result, refresh: refresh)
    }

    private static func inPause(_ error: ExchangeError, _ left: UInt64) -> ExchangeError {
        var error = error
        error.message += " (the next try is in \((left + 999) / 1000) s)"
        error.retryAfterMs = Int(left)
        return error
    }

    private static func expired(_ grant: TokenGrant, _ now: UInt64) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_PROTOCOL,
            "the token that was granted has already expired, \((now - grant.expiresAt) / 1000) s ago by this host's "
                + "clock; check this host's clock and what the token endpoint says about the token's life",
            code: "token_expired")
    }
}

extension TokenSlot: Sendable where Waiter: Sendable {}
