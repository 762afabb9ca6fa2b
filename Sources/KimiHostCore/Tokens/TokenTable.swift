import CanonicalModel
import PluginABI

/// The tokens of one plugin instance by key, a bounded number of them. A value without I/O, see ``TokenSlot``.
package struct TokenTable<Waiter> {
    fileprivate struct Entry {
        var slot: TokenSlot<Waiter>
        var usedAt: Int
    }

    private let owner: String
    private var entries: [String: Entry] = [:]
    private var uses = 0
    private var fetches = 0

    /// `owner`: the provider's name, for messages.
    package init(owner: String) {
        self.owner = owner
    }

    package var count: Int { entries.count }

    /// See ``TokenSlot/inherited``.
    package var inherited: TokenTable {
        var heir = TokenTable(owner: owner)
        heir.entries = entries.mapValues { Entry(slot: $0.slot.inherited, usedAt: $0.usedAt) }
        (heir.uses, heir.fetches) = (uses, fetches)
        return heir
    }

    /// All tokens that are held.
    package var heldTokens: [ServedToken] { entries.values.compactMap(\.slot.heldToken) }

    /// As the slot's. `start`: the number of a fetch that the caller has to start now.
    package mutating func ask(
        _ waiter: @autoclosure () -> Waiter, id: Int, key: String, now: UInt64
    ) -> (answer: TokenSlot<Waiter>.Answer, start: Int?) {
        guard makeRoom(for: key) else {
            return (
                .refused(
                    ExchangeError(
                        KIMI_CAT_INTERNAL,
                        "provider '\(owner)' fetches more than \(TokenLimits.maxKeys) different tokens at once")), nil
            )
        }
        uses += 1
        return change(key) { slot, next in slot.ask(waiter(), id: id, nextFetch: &next, now: now) }
    }

    package mutating func cancel(id: Int, key: String) { entries[key]?.slot.cancel(id: id) }

    package mutating func refused(fetch: Int, key: String, now: UInt64) -> TokenSlot<Waiter>.Refusal {
        entries[key]?.slot.refused(fetch: fetch, now: now) ?? .askAgain
    }

    /// Returns the number of a fetch that the caller has to start now.
    package mutating func refreshIsDue(fetch: Int, key: String, now: UInt64) -> Int? {
        guard entries[key] != nil else { return nil }
        return change(key) { slot, next in slot.refreshIsDue(fetch: fetch, nextFetch: &next, now: now) }.start
    }

    /// Hands a fetch's result over. Nil: that fetch is nobody's any more.
    package mutating func finished(
        _ body: (inout TokenSlot<Waiter>) -> TokenSlot<Waiter>.Outcome?, key: String
    ) -> TokenSlot<Waiter>.Outcome? {
        guard var slot = entries[key]?.slot else { return nil }
        let outcome = body(&slot)
        entries[key]?.slot = slot
        return outcome
    }

    private mutating func change<Value>(
        _ key: String, _ body: (inout TokenSlot<Waiter>, inout Int?) -> Value
    ) -> (answer: Value, start: Int?) {
        var entry = entries[key] ?? Entry(slot: TokenSlot(owner: owner), usedAt: uses)
        entry.usedAt = uses
        var next: Int? = fetches + 1
        let value = body(&entry.slot, &next)
        entries[key] = entry
        guard next == nil else { return (value, nil) }
        fetches += 1
        return (value, fetches)
    }

    /// False if every place is taken by a fetch under way.
    private mutating func makeRoom(for key: String) -> Bool {
        guard entries[key] == nil, entries.count >= TokenLimits.maxKeys else { return true }
        let idle = entries.filter { !$0.value.slot.isFetching }
        guard let oldest = idle.min(by: { $0.value.usedAt < $1.value.usedAt }) else { return false }
        entries[oldest.key] = nil
        return true
    }
}

extension TokenTable: Sendable where Waiter: Sendable {}
extension TokenTable.Entry: Sendable where Waiter: Sendable {}
