package import CanonicalModel
package import NIOCore
import PluginABI
import Synchronization

/// Lets requests in: so many at once, in all and of each key, so many in a minute; some wait for others to end.
/// Any thread; one short lock when a request begins and one when it ends.
package final class ExchangeGate: Sendable {
    package struct Limits: Sendable, Equatable {
        package var maxExchanges: Int
        package var maxQueued: Int
        /// The longest wait, in milliseconds.
        package var queueMs: Int

        package init(maxExchanges: Int, maxQueued: Int, queueMs: Int) {
            self.maxExchanges = maxExchanges
            self.maxQueued = maxQueued
            self.queueMs = queueMs
        }
    }

    /// A request that waits. It is let in when `admission` succeeds; see ``cancel(_:)``.
    package final class Waiter: Sendable {
        package let key: ClientKey
        fileprivate let promise: EventLoopPromise<Void>
        package var admission: EventLoopFuture<Void> { promise.futureResult }

        fileprivate init(_ key: ClientKey, _ promise: EventLoopPromise<Void>) {
            self.key = key
            self.promise = promise
        }
    }

    package enum Entry: Sendable {
        /// It is under way until ``leave(_:)``.
        case admitted
        case queued(Waiter, queueMs: Int)
        case refused(ExchangeError)
    }

    package struct Snapshot: Sendable {
        package var active = 0
        package var queued = 0
        package var refused: [Refusal: Int] = [:]
    }

    private struct State {
        var limits: Limits
        var isDraining = false
        var active = 0
        /// By the key's name.
        var uses: [String: ClientUse] = [:]
        /// First come, first served, unless the key's own bound is in the way.
        var waiting: [Waiter] = []
        var refused: [Refusal: Int] = [:]
    }

    /// Milliseconds after which a refused client may come again, where nothing better is known.
    static let retryMs = 1_000

    private let state: Mutex<State>

    package init(_ limits: Limits) { state = Mutex(State(limits: limits)) }

    /// Requests under way and waiting, and those refused since the start.
    package var snapshot: Snapshot {
        state.withLock { Snapshot(active: $0.active, queued: $0.waiting.count, refused: $0.refused) }
    }

    /// New bounds, of all and of each key. Who waits may come in at once; who is in stays.
    package func adopt(_ limits: Limits, _ keys: ClientKeys, now: NIODeadline = .now()) {
        wake { state in
            state.limits = limits
            for (name, limits) in keys.limits { state.uses[name]?.adopt(limits, now) }
        }
    }

    /// From now on nobody is let in, and nobody waits.
    package func drain() {
        let left = state.withLock { state in
            state.isDraining = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for waiter in left {
            count(.draining)
            waiter.promise.fail(Self.draining)
        }
    }

    /// A refusal that was decided elsewhere.
    package func count(_ refusal: Refusal) {
        state.withLock { $0.refused[refusal, default: 0] += 1 }
    }

    package func enter(_ key: ClientKey, on eventLoop: any EventLoop, now: NIODeadline = .now()) -> Entry {
        state.withLock { state in
            let entry = Self.enter(key, eventLoop, now, &state)
            if case .refused(let refusal, let error) = entry {
                state.refused[refusal, default: 0] += 1
                return .refused(error)
            }
            if case .queued(let waiter) = entry { return .queued(waiter, queueMs: state.limits.queueMs) }
            return .admitted
        }
    }

    /// A request is over.
    package func leave(_ key: ClientKey) {
        wake { state in
            state.active -= 1
            state.uses[key.name]?.active -= 1
        }
    }

    /// It waits no more. False: it has been let in already, and must ``leave(_:)``.
    package func cancel(_ waiter: Waiter) -> Bool {
        let found = state.withLock { state in
            guard let place = state.waiting.firstIndex(where: { $0 === waiter }) else { return false }
            state.waiting.remove(at: place)
            return true
        }
        if found { waiter.promise.fail(CancellationError()) }
        return found
    }

    /// What a reply has cost.
    package func charge(_ key: ClientKey, tokens: Int, now: NIODeadline = .now()) {
        guard tokens > 0, key.limits.tokensPerMinute != nil else { return }
        state.withLock { $0.uses[key.name]?.used(tokens: tokens, now) }
    }

    /// The refusal of a request that has waited too long.
    package func waitedTooLong(_ key: ClientKey) -> ExchangeError {
        state.withLock { state in
            state.refused[.queueTimeout, default: 0] += 1
            let isOwn = state.uses[key.name]?.isFull ?? false
            return Self.full(key, isOwn, "waited \(state.limits.queueMs) ms for its turn (timeouts.queue)")
        }
    }

    // MARK: Inside

    private enum Verdict {
        case admitted
        case queued(Waiter)
        case refused(Refusal, ExchangeError)
    }

    private static func enter(
        _ key: ClientKey, _ eventLoop: any EventLoop, _ now: NIODeadline, _ state: inout State
    ) -> Verdict {
        if state.isDraining { return .refused(.draining, draining) }
        var use = state.uses[key.name] ?? ClientUse()
        defer { state.uses[key.name] = use }
        use.adopt(key.limits, now)
        if let (rate, waitMs) = use.exhausted(now) { return .refused(rate, exhausted(key, rate, waitMs)) }
        guard use.isFull || state.active >= state.limits.maxExchanges else {
            use.began(now)
            use.active += 1
            state.active += 1
            return .admitted
        }
        guard hasRoom(for: key, use, state) else {
            return .refused(.queueFull, full(key, use.isFull, "found the queue full (limits.max_queued)"))
        }
        use.began(now)
        let waiter = Waiter(key, eventLoop.makePromise(of: Void.self))
        state.waiting.append(waiter)
        return .queued(waiter)
    }

    /// Those who wait for their own key's bound leave half of the queue to others.
    private static func hasRoom(for key: ClientKey, _ use: ClientUse, _ state: State) -> Bool {
        guard state.waiting.count < state.limits.maxQueued else { return false }
        guard use.isFull else { return true }
        let own = state.waiting.reduce(0) { $0 + ($1.key.name == key.name ? 1 : 0) }
        return own < (state.limits.maxQueued + 1) / 2
    }

    /// Changes the state, and lets those in for whom there is room then.
    private func wake(_ change: (inout State) -> Void) {
        let admitted = state.withLock { state in
            change(&state)
            return Self.admit(&state)
        }
        for waiter in admitted { waiter.promise.succeed(()) }
    }

    private static func admit(_ state: inout State) -> [Waiter] {
        guard !state.waiting.isEmpty else { return [] }
        var admitted: [Waiter] = []
        var left: [Waiter] = []
        for waiter in state.waiting {
            guard state.active < state.limits.maxExchanges, state.uses[waiter.key.name]?.isFull != true else {
                left.append(waiter)
                continue
            }
            state.uses[waiter.key.name, default: ClientUse()].active += 1
            state.active += 1
            admitted.append(waiter)
        }
        state.waiting = left
        return admitted
    }
}

/// What clients are told.
extension ExchangeGate {
    package static let draining = ExchangeError(
        KIMI_CAT_OVERLOADED, "the host is shutting down: send the request again", code: "shutting_down",
        retryAfterMs: retryMs)

    private static func exhausted(_ key: ClientKey, _ rate: Refusal, _ waitMs: Int) -> ExchangeError {
        let words =
            rate == .tokenRate
            ? "has used its \(key.limits.tokensPerMinute ?? 0) tokens a minute"
            : "has sent its \(key.limits.requestsPerMinute ?? 0) requests a minute"
        return ExchangeError(
            KIMI_CAT_RATE_LIMITED, "the key '\(key.name)' \(words); try again in \((waitMs + 999) / 1000) s",
            code: "rate_limit_exceeded", retryAfterMs: waitMs)
    }

    private static func full(_ key: ClientKey, _ isOwn: Bool, _ words: String) -> ExchangeError {
        if isOwn {
            return ExchangeError(
                KIMI_CAT_RATE_LIMITED,
                "the key '\(key.name)' has \(key.limits.maxExchanges ?? 0) requests under way, and this one \(words); "
                    + "try again",
                code: "rate_limit_exceeded", retryAfterMs: retryMs)
        }
        return ExchangeError(
            KIMI_CAT_OVERLOADED, "the host has all hands full, and this request \(words); try again",
            code: "overloaded", retryAfterMs: retryMs)
    }
}
