package import LogModel
package import PluginHost
import Synchronization

/// Counters of the process, for `/metrics`. Any thread; one short lock per finished exchange.
package final class HostMetrics: Sendable {
    /// How an exchange ended.
    package enum Outcome: String, Sendable, CaseIterable {
        case ok, failed, cancelled
    }

    /// `MetricLabels` bounds how many of them there are.
    package struct ExchangeKey: Hashable, Sendable {
        package let model: String
        package let provider: String
        package let outcome: Outcome
    }

    /// A plugin's kinds beyond `MetricLabels.maxKinds` are counted as `other`.
    package struct NoteKey: Hashable, Sendable {
        package let plugin: String
        package let kind: String
    }

    /// How an attempt ended: `ok`, `cancelled` or the category of its error.
    package struct AttemptKey: Hashable, Sendable {
        package let model: String
        package let provider: String
        package let outcome: String
    }

    package struct RouteKey: Hashable, Sendable {
        package let model: String
        package let provider: String
    }

    /// What is left out of new attempts for a while.
    package enum Cooled: String, Sendable { case route, key }

    package struct CooledKey: Hashable, Sendable {
        package let model: String
        package let provider: String
        package let what: Cooled
    }

    /// How replies of routes that ensure tool calls ended: a result of `EnforcedTurn`, `failed` or `cancelled`.
    package struct EnforcedKey: Hashable, Sendable {
        package let model: String
        package let provider: String
        package let result: String
    }

    package struct Snapshot: Sendable {
        package var exchanges: [ExchangeKey: Int] = [:]
        package var attempts: [AttemptKey: Int] = [:]
        package var cooldowns: [CooledKey: Int] = [:]
        package var repeats = 0
        /// Replies that broke off and went on, by the route where they did.
        package var resumed: [RouteKey: Int] = [:]
        package var enforced: [EnforcedKey: Int] = [:]
        /// Attempts of theirs beyond the first.
        package var enforcedAgain = 0
        package var notes: [NoteKey: Int] = [:]
        package var active = 0
        /// Configurations and plugins loaded anew, and those that were refused.
        package var reloads = 0
        package var refusedReloads = 0
        package var genAI = GenAIMetrics()
        package var traffic = TrafficMetrics()
        /// The routes that are told apart.
        private var routes: Set<RouteKey> = []

        /// The route, as long as there are few.
        mutating func route(_ model: String, _ provider: String) -> RouteKey {
            let key = RouteKey(model: model, provider: provider)
            if routes.contains(key) { return key }
            guard routes.count < MetricLabels.maxRoutes else {
                return RouteKey(model: MetricLabels.other, provider: MetricLabels.other)
            }
            routes.insert(key)
            return key
        }
    }

    private let state = Mutex(Snapshot())
    /// Of the configuration, for exchanges whose upstream tells no cost.
    private let prices: [Price]

    package init(prices: [Price] = []) { self.prices = prices }

    package var snapshot: Snapshot { state.withLock { $0 } }

    package func exchangeBegan() {
        state.withLock { $0.active += 1 }
    }

    /// - Parameters:
    ///   - failures: the attempts that came to nothing; where the outcome is not `failed`, one more has ended so.
    ///   - repeats: attempts that went where one had been before.
    ///   - measure: nil: nothing was measured.
    package func exchangeEnded(
        model: String, provider: String, _ outcome: Outcome, notes: [NoteBook.Note],
        failures: [FailedAttempt] = [], repeats: Int = 0, measure: ExchangeMeasure? = nil
    ) {
        let measure = measure.map { measure in
            var priced = measure
            prices.price(&priced.usage, provider: provider, model: model)
            return priced
        }
        state.withLock { state in
            state.active -= 1
            state.repeats += repeats
            for failure in failures { state.attempt(failure.model, failure.provider, failure.category) }
            let route = state.route(model, provider)
            if outcome != .failed { state.attempt(model, provider, outcome.rawValue) }
            state.exchanges[
                ExchangeKey(model: route.model, provider: route.provider, outcome: outcome), default: 0] += 1
            for note in notes { state.note(note) }
            if let measure { state.add(measure, route, isFailed: outcome == .failed) }
        }
    }

    /// A client's request has its reply, or its client is gone.
    ///
    /// - Parameters:
    ///   - model: the client's name of it; nil when it is not configured, or was not read.
    ///   - status: of the reply; 0: there was none.
    ///   - error: the category of what kept it from becoming an exchange; nil: nothing did.
    package func requestEnded(dialect: String, model: String?, status: Int, error: String?) {
        state.withLock { state in
            state.traffic.ended(dialect: dialect, model: model, status: status)
            if let error { state.traffic.failed(error) }
        }
    }

    /// A reply whose route ensures tool calls has ended; each attempt but its last one was answered well, and rejected.
    package func enforced(model: String, provider: String, result: String, attempts: Int) {
        state.withLock { state in
            let route = state.route(model, provider)
            let key = EnforcedKey(model: route.model, provider: route.provider, result: result)
            state.enforced[key, default: 0] += 1
            guard attempts > 1 else { return }
            state.enforcedAgain += attempts - 1
            state.attempt(model, provider, "ok", by: attempts - 1)
        }
    }

    /// A route or key went cold.
    package func cooled(model: String, provider: String, _ what: Cooled) {
        state.withLock { state in
            let route = state.route(model, provider)
            state.cooldowns[CooledKey(model: route.model, provider: route.provider, what: what), default: 0] += 1
        }
    }

    /// Configuration and plugins were loaded anew, or refused.
    package func reloaded(_ isTaken: Bool) {
        state.withLock { state in
            if isTaken { state.reloads += 1 } else { state.refusedReloads += 1 }
        }
    }

    /// A reply of this route broke off after content and goes on.
    package func resumed(model: String, provider: String) {
        state.withLock { $0.resumed[$0.route(model, provider), default: 0] += 1 }
    }
}

extension HostMetrics.Snapshot {
    /// `outcome` is one of a fixed set.
    fileprivate mutating func attempt(_ model: String, _ provider: String, _ outcome: String, by number: Int = 1) {
        let route = route(model, provider)
        let key = HostMetrics.AttemptKey(model: route.model, provider: route.provider, outcome: outcome)
        attempts[key, default: 0] += number
    }

    fileprivate mutating func note(_ note: NoteBook.Note) {
        var key = HostMetrics.NoteKey(plugin: note.plugin, kind: note.kind)
        if notes[key] == nil, notes.keys.count(where: { $0.plugin == note.plugin }) >= MetricLabels.maxKinds {
            key = HostMetrics.NoteKey(plugin: note.plugin, kind: MetricLabels.other)
        }
        notes.count(
            key, other: .init(plugin: MetricLabels.other, kind: MetricLabels.other),
            most: MetricLabels.maxKinds * MetricLabels.maxPlugins, by: note.count)
    }

    fileprivate mutating func add(_ measure: ExchangeMeasure, _ route: HostMetrics.RouteKey, isFailed: Bool) {
        let asked = traffic.admit(model: measure.asked)
        var genAI = GenAIMetrics()
        swap(&genAI, &self.genAI)  // It asks for routes, which are beside it.
        genAI.add(measure, asked: asked, route: route) { self.route($0, $1) }
        swap(&genAI, &self.genAI)
        traffic.add(measure, route)
        if isFailed { traffic.failed(measure.error) }
    }
}
