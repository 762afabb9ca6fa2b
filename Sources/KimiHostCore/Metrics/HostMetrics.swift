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

    package struct Snapshot: Sendable {
        package var exchanges: [ExchangeKey: Int] = [:]
        package var notes: [NoteKey: Int] = [:]
        package var active = 0
    }

    /// Kinds of notes that are told apart, for each plugin.
    package static let maxKinds = 64

    private let state = Mutex(Snapshot())

    package init() {}

    package var snapshot: Snapshot { state.withLock { $0 } }

    package func exchangeBegan() {
        state.withLock { $0.active += 1 }
    }

    package func exchangeEnded(model: String, provider: String, _ outcome: Outcome, notes: [NoteBook.Note]) {
        state.withLock { state in
            state.active -= 1
            state.exchanges[ExchangeKey(model: model, provider: provider, outcome: outcome), default: 0] += 1
            for note in notes { Self.add(note, to: &state.notes) }
        }
    }

    private static func add(_ note: NoteBook.Note, to counts: inout [NoteKey: Int]) {
        var key = NoteKey(plugin: note.plugin, kind: note.kind)
        if counts[key] == nil, counts.keys.count(where: { $0.plugin == note.plugin }) >= maxKinds {
            key = NoteKey(plugin: note.plugin, kind: "other")
        }
        counts[key, default: 0] += note.count
    }
}
