import LogModel

/// What submitters and the writer share, under one short lock. A value, no I/O.
struct LogState: Sendable {
    let limits: RequestLog.Limits
    private var waiting: [ExchangeRecord] = []
    private var head = 0
    /// Records that have left the queue, so that a batch is known by where it ends.
    private var gone = 0
    var stats = LogStats()
    /// Wait before the next attempt, while the disk fails.
    var retry: Duration?
    private var droppedBefore = 0
    var isWriterAwake = false
    var isClosed = false
    /// Indexing is scheduled.
    var isIndexing = false
    /// Whether the file was begun anew and nothing was written since.
    var wasReplaced = false
    private var lastWarning: [Warning: ContinuousClock.Instant] = [:]

    enum Warning { case full, failure }

    /// What a submission leaves to be done.
    struct Taken {
        var wakesWriter = false
        var warning: String?
    }

    init(limits: RequestLog.Limits) {
        self.limits = limits
    }

    var isEmpty: Bool { head == waiting.count }

    mutating func take(_ record: ExchangeRecord, gap: Duration) -> Taken {
        let cost = record.cost
        guard !isClosed, cost <= limits.queueBytes else {
            stats.dropped += 1
            return Taken()
        }
        // While the disk fails this is all the memory there is: the oldest make room for the newest.
        while retry != nil, !fits(cost), !isEmpty { dropOldest() }
        guard fits(cost) else {
            stats.dropped += 1
            let text = "exchanges come faster than they can be written; \(stats.pending) wait and one was not kept"
            return Taken(warning: pass(.full, gap) ? text : nil)
        }
        waiting.append(record)
        stats.pending += 1
        stats.pendingBytes += cost
        guard !isWriterAwake, retry == nil else { return Taken() }
        isWriterAwake = true
        return Taken(wakesWriter: true)
    }

    private func fits(_ cost: Int) -> Bool {
        stats.pending < limits.queueEntries && stats.pendingBytes + cost <= limits.queueBytes
    }

    private mutating func dropOldest() {
        remove(1)
        stats.dropped += 1
    }

    /// The oldest that wait, at least one if there is any. They stay until `settle`.
    func batch() -> (records: [ExchangeRecord], end: Int) {
        var batch: [ExchangeRecord] = []
        var bytes = 0
        for record in waiting[head...] {
            if batch.count == RequestLog.Step.entries || !batch.isEmpty && bytes > RequestLog.Step.bytes { break }
            batch.append(record)
            bytes += record.cost
        }
        return (batch, gone + batch.count)
    }

    /// A batch that ended at `end` is on disk; some of it may have been dropped meanwhile.
    mutating func settle(_ end: Int, evicted: Int) {
        let count = max(0, end - gone)
        remove(count)
        stats.written += count
        stats.evicted += evicted
        wasReplaced = false
    }

    private mutating func remove(_ count: Int) {
        for index in head..<min(head + count, waiting.count) {
            stats.pending -= 1
            stats.pendingBytes -= waiting[index].cost
            waiting[index] = Self.nothing
        }
        gone += min(count, waiting.count - head)
        head = min(head + count, waiting.count)
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: head <= 1_024)
            head = 0
        } else if head > 1_024, head > waiting.count / 2 {
            waiting.removeFirst(head)
            head = 0
        }
    }

    private static let nothing = ExchangeRecord(id: "", began: 0, dialect: "", model: "")

    /// Notes a failure; answers the warning if one is due, and how long to wait.
    mutating func fail(_ reason: String, _ timing: RequestLog.Timing) -> (warning: String?, wait: Duration) {
        stats.failures += 1
        if let wait = retry {
            let next = min(wait * 2, timing.longestRetry)
            retry = next
            return (nil, next)
        }
        retry = timing.firstRetry
        stats.isFailing = true
        droppedBefore = stats.dropped
        let text = """
            cannot write: \(reason); exchanges are kept in memory (at most \(limits.queueEntries) or \
            \(limits.queueBytes) bytes, the oldest go first) and written when it works again
            """
        return (pass(.failure, timing.warningGap) ? text : nil, timing.firstRetry)
    }

    /// Ends an episode of failures; answers what to say about it.
    mutating func recover() -> String? {
        guard retry != nil else { return nil }
        retry = nil
        stats.isFailing = false
        return "writes again; \(stats.dropped - droppedBefore) exchanges were lost meanwhile"
    }

    private mutating func pass(_ kind: Warning, _ gap: Duration) -> Bool {
        let now = ContinuousClock.now
        if let before = lastWarning[kind], now - before < gap { return false }
        lastWarning[kind] = now
        return true
    }
}
