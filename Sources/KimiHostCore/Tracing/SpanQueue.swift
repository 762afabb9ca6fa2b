import Synchronization

/// Finished spans that wait to be exported. Any thread; never waits.
package final class SpanQueue: Sendable {
    private struct State {
        var spans: [Span] = []
        var stats = SpanStats()
        var isClosed = false
        /// Somebody has been told that there are spans, and has not looked since.
        var hasTold = false
    }

    private let state = Mutex(State())
    /// Spans that may wait; further ones are dropped.
    private let capacity: Int
    /// So many are worth a request at once.
    private let batch: Int
    /// Called with `true` when there is enough for a request, with `false` when there is anything after a time without.
    private let tell: @Sendable (_ isUrgent: Bool) -> Void

    package init(capacity: Int, batch: Int, tell: @escaping @Sendable (_ isUrgent: Bool) -> Void) {
        (self.capacity, self.batch, self.tell) = (capacity, batch, tell)
    }

    package var stats: SpanStats {
        state.withLock { state in
            var stats = state.stats
            stats.queued = state.spans.count
            return stats
        }
    }

    /// Takes the spans of one trace, all or none.
    package func submit(_ spans: [Span]) {
        let urgent: Bool? = state.withLock { state in
            guard !state.isClosed else {
                state.stats.dropped[.ending, default: 0] += spans.count
                return nil
            }
            guard state.spans.count + spans.count <= capacity else {
                state.stats.dropped[.full, default: 0] += spans.count
                return nil
            }
            let before = state.spans.count
            state.spans += spans
            if before < batch, state.spans.count >= batch { return true }
            if state.hasTold { return nil }
            state.hasTold = true
            return false
        }
        if let urgent { tell(urgent) }
    }

    /// The oldest, at most one request's worth.
    func take() -> [Span] {
        state.withLock { state in
            state.hasTold = false
            guard state.spans.count > batch else {
                defer { state.spans = [] }
                return state.spans
            }
            defer { state.spans.removeFirst(batch) }
            return Array(state.spans.prefix(batch))
        }
    }

    var count: Int { state.withLock { $0.spans.count } }

    func exported(_ count: Int) { state.withLock { $0.stats.exported += count } }

    func dropped(_ count: Int, _ reason: SpanDrop) {
        if count > 0 { state.withLock { $0.stats.dropped[reason, default: 0] += count } }
    }

    func failed() { state.withLock { $0.stats.failures += 1 } }

    /// Takes no more. What waits can still be taken.
    func close() { state.withLock { $0.isClosed = true } }
}
