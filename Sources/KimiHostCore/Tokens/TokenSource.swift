import CanonicalModel
import NIOCore
package import PluginHost
import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// The tokens of one plugin instance, for all event loops: a ``TokenTable`` behind a lock, and the fetches that it asks
/// for. Any thread.
package final class TokenSource: Sendable {
    /// A request that waits; told on its own event loop.
    private struct Waiter: Sendable {
        let eventLoop: any EventLoop
        let wait: NIOLoopBound<TokenWait>
    }

    private struct State: Sendable {
        var table: TokenTable<Waiter>
        var waits = 0
    }

    enum Answer {
        case token(ServedToken)
        /// The wait's `finished` will be called.
        case waiting
        case refused(ExchangeError)
    }

    package let provider: ProviderInstance
    /// The longest a fetch may take with all its steps, in milliseconds.
    let fetchMs: Int
    let connectMs: Int
    private let state: Mutex<State>

    /// Nil if the provider's library offers no auth machine.
    ///
    /// - Parameter former: that of an instance with the same configuration, whose tokens are still good.
    package init?(provider: ProviderInstance, fetchMs: Int, connectMs: Int, former: TokenSource? = nil) {
        guard provider.fetchesTokens else { return nil }
        self.provider = provider
        self.fetchMs = fetchMs
        self.connectMs = connectMs
        let table = former.map { $0.state.withLock { $0.table.inherited } }
        for token in table?.heldTokens ?? [] { provider.hide(token.bytes) }
        state = Mutex(State(table: table ?? TokenTable(owner: provider.name)))
    }

    /// `former` itself where it serves, so that fetches under way are one with those to come; else one that inherits.
    static func of(
        _ provider: ProviderInstance, fetchMs: Int, connectMs: Int, former: TokenSource?
    ) -> TokenSource? {
        if let former, former.provider === provider, former.fetchMs == fetchMs, former.connectMs == connectMs {
            return former
        }
        return TokenSource(provider: provider, fetchMs: fetchMs, connectMs: connectMs, former: former)
    }

    /// The token filed under `key`, now or through `wait`. On the event loop of `services`.
    func ask(_ wait: TokenWait, key: String, services: LoopServices) -> Answer {
        let waiter = Waiter(
            eventLoop: services.eventLoop, wait: NIOLoopBound(wait, eventLoop: services.eventLoop))
        let now = Self.now
        let (id, answer, start) = state.withLock { state in
            state.waits += 1
            let (answer, start) = state.table.ask(waiter, id: state.waits, key: key, now: now)
            return (state.waits, answer, start)
        }
        if let start { TokenFetch(source: self, key: key, number: start, services: services).start() }
        switch answer {
        case .token(let token): return .token(token)
        case .refused(let error): return .refused(error)
        case .waiting:
            wait.began(id: id, key: key, source: self)
            return .waiting
        }
    }

    func cancel(id: Int, key: String) { state.withLock { $0.table.cancel(id: id, key: key) } }

    /// An upstream refused a token. True: asking again may bring another one.
    func refused(_ token: ServedToken, key: String) -> Bool {
        let now = Self.now
        return state.withLock { $0.table.refused(fetch: token.fetch, key: key, now: now) } == .askAgain
    }

    /// A fetch is over. On its event loop.
    func finished(_ fetch: Int, key: String, _ result: Result<TokenGrant, ExchangeError>, services: LoopServices) {
        let (now, dice) = (Self.now, Double.random(in: 0..<1))
        if case .success(let grant) = result { provider.hide(grant.token) }
        let outcome = state.withLock { state in
            state.table.finished(
                { slot in
                    switch result {
                    case .success(let grant): slot.granted(grant, fetch: fetch, now: now, dice: dice)
                    case .failure(let error): slot.failed(error, fetch: fetch, now: now, dice: dice)
                    }
                }, key: key)
        }
        guard let outcome else { return }
        TokenLog.fetched(provider, outcome.result, services.logger)
        for waiter in outcome.waiters {
            let (result, wait) = (outcome.result, waiter.wait)
            waiter.eventLoop.execute { wait.value.ended(result) }
        }
        if let (held, after) = outcome.refresh {
            services.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(clamping: after))) {
                [weak self] in self?.refreshIsDue(held, key, services)
            }
        }
    }

    private func refreshIsDue(_ fetch: Int, _ key: String, _ services: LoopServices) {
        let now = Self.now
        guard let next = state.withLock({ $0.table.refreshIsDue(fetch: fetch, key: key, now: now) }) else { return }
        TokenFetch(source: self, key: key, number: next, services: services).start()
    }

    /// Unix milliseconds: tokens end by the wall clock, also while a machine sleeps.
    private static var now: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(max(0, time.tv_sec)) * 1000 + UInt64(time.tv_nsec / 1_000_000)
    }
}
