package import PluginHost
import Synchronization

/// Counters of the process, for `/metrics`. Any thread; one short lock per finished exchange.
package final class HostMetrics: Sendable {
    /// How an exchange ended.
    package enum Outcome: String, Sendable, CaseIterable {
        case ok, failed, cancelled
    }

    /// Labels come from the configuration, so there are as many as it has routes.
    package struct ExchangeKey: Hashable, Sendable {
        package let model: String
        package let provider: String
        package let outcome: Outcome
    }

    /// A plugin's kinds beyond `maxKinds` are counted as `other`.
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
    }

    /// Kinds of notes that are told apart, for each plugin.
    package static let maxKinds = 64

    private let state = Mutex(Snapshot())

    package init() {}

    package var snapshot: Snapshot { state.withLock { $0 } }

    package func exchangeBegan() {
        state.withLock { $0.active += 1 }
    }

    /// - Parameters:
    ///   - failures: the attempts that came to nothing; where the outcome is not `failed`, one more has ended so.
    ///   - repeats: attempts that went where one had been before.
    package func exchangeEnded(
        model: String, provider: String, _ outcome: Outcome, notes: [NoteBook.Note],
        failures: [FailedAttempt] = [], repeats: Int = 0
    ) {
        state.withLock { state in
            state.active -= 1
            state.repeats += repeats
            for failure in failures {
                let key = AttemptKey(model: failure.model, provider: failure.provider, outcome: failure.category)
                state.attempts[key, default: 0] += 1
            }
            if outcome != .failed {
                let key = AttemptKey(model: model, provider: provider, outcome: outcome.rawValue)
                state.attempts[key, default: 0] += 1
            }
            state.exchanges[ExchangeKey(model: model, provider: provider, outcome: outcome), default: 0] += 1
            for note in notes { Self.add(note, to: &state.notes) }
        }
    }

    /// A reply whose route ensures tool calls has ended; each attempt but its last one was answered well, and rejected.
    package func enforced(model: String, provider: String, result: String, attempts: Int) {
        state.withLock { state in
            state.enforced[EnforcedKey(model: model, provider: provider, result: result), default: 0] += 1
            guard attempts > 1 else { return }
            state.enforcedAgain += attempts - 1
            state.attempts[AttemptKey(model: model, provider: provider, outcome: "ok"), default: 0] += attempts - 1
        }
    }

    /// A route or key went cold.
    package func cooled(model: String, provider: String, _ what: Cooled) {
        state.withLock { $0.cooldowns[CooledKey(model: model, provider: provider, what: what), default: 0] += 1 }
    }

    /// Configuration and plugins were loaded anew, or refused.
    package func reloaded(_ isTaken: Bool) {
        state.withLock { state in
            if isTaken { state.reloads += 1 } else { state.refusedReloads += 1 }
        }
    }

    /// A reply of this route broke off after content and goes on.
    package func resumed(model: String, provider: String) {
        state.withLock { $0.resumed[RouteKey(model: model, provider: provider), default: 0] += 1 }
    }

    private static func add(_ note: NoteBook.Note, to counts: inout [NoteKey: Int]) {
        var key = NoteKey(plugin: note.plugin, kind: note.kind)
        if counts[key] == nil, counts.keys.count(where: { $0.plugin == note.plugin }) >= maxKinds {
            key = NoteKey(plugin: note.plugin, kind: "other")
        }
        counts[key, default: 0] += note.count
    }
}
