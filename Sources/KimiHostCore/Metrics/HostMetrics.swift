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

        static let other = RouteKey(model: MetricLabels.other, provider: MetricLabels.other)
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
        fileprivate var bounds = LabelBounds()
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
    ///   - failures: the attempts that came to nothing.
    ///   - isAttempting: one more was under way, and has ended as the exchange did; not where the outcome is `failed`.
    ///   - repeats: attempts that went where one had been before.
    ///   - measure: nil: nothing was measured.
    package func exchangeEnded(
        model: String, provider: String, _ outcome: Outcome, notes: [NoteBook.Note],
        failures: [FailedAttempt] = [], isAttempting: Bool = true, repeats: Int = 0, measure: ExchangeMeasure? = nil
    ) {
        var measure = measure
        if !prices.isEmpty { prices.price(&measure, provider: provider, model: model) }
        state.withLock { state in
            state.active -= 1
            state.repeats += repeats
            for failure in failures { state.attempt(failure.model, failure.provider, failure.category) }
            if isAttempting, outcome != .failed { state.attempt(model, provider, outcome.rawValue) }
            state.exchange(model, provider, outcome)
            for note in notes { state.note(note) }
            if let measure { state.add(measure, model, provider, isFailed: outcome == .failed) }
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
            state.traffic.ended(dialect: dialect, model: model, status: status, &state.bounds)
            if let error { state.traffic.failed(error) }
        }
    }

    /// A reply whose route ensures tool calls has ended; each attempt but its last one was answered well, and rejected.
    package func enforced(model: String, provider: String, result: String, attempts: Int) {
        state.withLock { state in
            let route = state.bounds.route(RouteKey(model: model, provider: provider))
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
            let route = state.bounds.route(RouteKey(model: model, provider: provider))
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
        state.withLock { state in
            state.resumed[state.bounds.route(RouteKey(model: model, provider: provider)), default: 0] += 1
        }
    }
}

extension HostMetrics.Snapshot {
    /// `outcome` is one of a fixed set.
    fileprivate mutating func attempt(_ model: String, _ provider: String, _ outcome: String, by number: Int = 1) {
        let key = HostMetrics.AttemptKey(model: model, provider: provider, outcome: outcome)
        if let place = attempts.index(forKey: key) { return attempts.values[place] += number }
        let route = bounds.route(HostMetrics.RouteKey(model: model, provider: provider))
        attempts[HostMetrics.AttemptKey(model: route.model, provider: route.provider, outcome: outcome), default: 0] +=
            number
    }

    fileprivate mutating func exchange(_ model: String, _ provider: String, _ outcome: HostMetrics.Outcome) {
        let key = HostMetrics.ExchangeKey(model: model, provider: provider, outcome: outcome)
        if let place = exchanges.index(forKey: key) { return exchanges.values[place] += 1 }
        let route = bounds.route(HostMetrics.RouteKey(model: model, provider: provider))
        exchanges[
            HostMetrics.ExchangeKey(model: route.model, provider: route.provider, outcome: outcome), default: 0] += 1
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

    fileprivate mutating func add(
        _ measure: ExchangeMeasure, _ model: String, _ provider: String, isFailed: Bool
    ) {
        genAI.add(measure, HostMetrics.RouteKey(model: model, provider: provider), &bounds)
        if let overhead = measure.overhead { traffic.took(overhead, dialect: measure.dialect) }
        if isFailed { traffic.failed(measure.error) }
    }
}
