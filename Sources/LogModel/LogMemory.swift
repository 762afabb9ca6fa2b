import Synchronization

/// Bytes that exchanges under way hold for the log. Any thread.
package final class LogMemory: Sendable {
    private let held = Atomic<Int>(0)
    private let cuts = Atomic<Int>(0)

    package init() {}

    /// Takes as many of `count` bytes as `limit` leaves.
    package func take(_ count: Int, limit: Int) -> Int {
        let before = held.add(count, ordering: .relaxed).oldValue
        let given = max(0, min(count, limit - before))
        if given < count { held.subtract(count - given, ordering: .relaxed) }
        return given
    }

    package func give(_ count: Int) {
        if count > 0 { held.subtract(count, ordering: .relaxed) }
    }

    /// So many bodies were not kept whole.
    package func cut(_ count: Int) {
        if count > 0 { cuts.add(count, ordering: .relaxed) }
    }

    /// Bodies that were not kept whole, since the start.
    package var bodiesCut: Int { cuts.load(ordering: .relaxed) }

    package var bytes: Int { held.load(ordering: .relaxed) }
}
