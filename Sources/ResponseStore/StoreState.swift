import GRDB

/// What callers and the writer share, under one short lock. A value, no I/O.
struct StoreState: Sendable {
    /// An episode in which the disk fails.
    struct Failing {
        /// Whether a warning told of it.
        let said: Bool
        /// `dropped` when it began.
        let droppedBefore: Int
        /// Wait before the next attempt.
        var wait: Duration
    }

    /// What a `put` leaves to be done.
    struct Taken {
        var wakesWriter = false
        var warning: String?
    }

    let limits: ResponseStore.Limits
    var pending = PendingRecords()
    /// The connection for reads; nil if the file could not be opened.
    var database: (any DatabaseWriter)?
    var totals = StoreDisk.Totals()
    var dropped = 0
    var evicted = 0
    var failures = 0
    var failing: Failing?
    /// Whether the writer is at work or about to be.
    var isWriterAwake = false
    var isClosed = false
    /// Whether the file was begun anew and nothing was written since: then it is not done again at once.
    var wasReplaced = false
    var warnings: WarningGate

    init(limits: ResponseStore.Limits, warningGap: Duration) {
        self.limits = limits
        warnings = WarningGate(gap: warningGap)
    }

    /// Takes a record, or drops it if there is no room.
    ///
    /// While the disk fails this is all the memory there is, so the oldest make room for the newest then.
    mutating func take(_ key: RecordKey, _ record: [UInt8], now: Int64) -> Taken {
        let cost = record.count + key.id.utf8.count + key.owner.utf8.count
        guard cost <= limits.largestRecord, !isClosed else {
            dropped += 1
            guard !isClosed else { return Taken() }
            let text =
                "a record of \(cost) bytes was not kept, the largest has \(limits.largestRecord) (maxRecordBytes)"
            return Taken(warning: warnings.pass(.tooLarge) ? text : nil)
        }
        while failing != nil, !fits(key, cost), pending.removeOldest() != nil { dropped += 1 }
        guard fits(key, cost) else {
            dropped += 1
            let text = "records come faster than they can be written; \(pending.count) wait and one was not kept"
            return Taken(warning: warnings.pass(.queueFull) ? text : nil)
        }
        pending.append(key, record, created: now)
        guard !isWriterAwake, failing == nil else { return Taken() }
        isWriterAwake = true
        return Taken(wakesWriter: true)
    }

    private func fits(_ key: RecordKey, _ cost: Int) -> Bool {
        pending.fits(key, cost: cost, entries: limits.queueEntries, bytes: limits.queueBytes)
    }

    /// Notes a failure; answers the warning if one is due, and how long to wait.
    mutating func fail(_ reason: String, _ timing: ResponseStore.Timing) -> (warning: String?, wait: Duration) {
        failures += 1
        if let old = failing {
            failing?.wait = min(old.wait * 2, timing.longestRetry)
            return (nil, failing?.wait ?? timing.longestRetry)
        }
        let said = warnings.pass(.failure)
        failing = Failing(said: said, droppedBefore: dropped, wait: timing.firstRetry)
        let text = """
            cannot write: \(reason); records are kept in memory (at most \(limits.queueEntries) or \
            \(limits.queueBytes) bytes, the oldest go first) and written when it works again
            """
        return (said ? text : nil, timing.firstRetry)
    }

    /// Notes what a transaction has done.
    mutating func settle(_ batch: [PendingRecord], _ outcome: StoreDisk.Outcome) {
        pending.settle(batch)
        totals = outcome.totals
        evicted += outcome.evicted
        wasReplaced = false
    }

    /// Ends an episode of failures; answers what to say about it.
    mutating func recover() -> String? {
        guard let episode = failing else { return nil }
        failing = nil
        let lost = dropped - episode.droppedBefore
        return episode.said ? "writes again; \(lost) records were lost meanwhile" : nil
    }

    var stats: StoreStats {
        var stats = StoreStats()
        stats.pending = pending.count
        stats.pendingBytes = pending.bytes
        stats.entries = totals.entries + pending.count
        stats.bytes = totals.bytes + pending.bytes
        stats.dropped = dropped
        stats.evicted = evicted
        stats.failures = failures
        stats.isFailing = failing != nil
        return stats
    }
}

/// Keeps warnings of one kind apart in time, so that a flapping disk does not fill the log.
struct WarningGate: Sendable {
    enum Kind { case tooLarge, queueFull, failure }

    let gap: Duration
    private var last: [Kind: ContinuousClock.Instant] = [:]

    init(gap: Duration) {
        self.gap = gap
    }

    /// Whether a warning of this kind may be said now.
    mutating func pass(_ kind: Kind) -> Bool {
        let now = ContinuousClock.now
        if let before = last[kind], now - before < gap { return false }
        last[kind] = now
        return true
    }
}
