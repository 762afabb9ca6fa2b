import LogModel

/// What submitters and the writer share, under one short lock. No I/O.
struct LogState: Sendable {
    /// As many chunks are kept for reuse.
    private static let maxSpare = 8
    /// So much wakes the writer before its time, so that a rush does not pile up in memory.
    static let hurryBytes = 4 << 20

    let limits: RequestLog.Limits
    /// The last one may still grow.
    private var chunks: [FrameChunk] = []
    private var isLastOpen = false
    private var spare: [FrameChunk] = []
    /// Frames of the first chunk that have left the queue.
    private var head = 0
    /// Frames that have left the queue, so that a batch is known by where it ends.
    private var gone = 0
    var stats = LogStats()
    /// Wait before the next attempt, while the disk fails.
    var retry: Duration?
    private var droppedBefore = 0
    /// Steps of the writer that are to come; of each kind one at most.
    private var isTimerSet = false
    private var isHurried = false
    private var isContinued = false
    private var isCalmAwaited = false
    /// The step under way leaves something that waits already.
    private var isPartial = false
    /// What came since the timer's last step, and between the two before.
    private var recent = (entries: 0, bytes: 0)
    private var former = (entries: 0, bytes: 0)
    var isClosed = false
    /// Indexing is scheduled.
    var isIndexing = false
    /// Whether the file was begun anew and nothing was written since.
    var wasReplaced = false
    private var lastWarning: [Warning: ContinuousClock.Instant] = [:]

    enum Warning { case full, failure }

    /// What a submission leaves to be done.
    struct Taken {
        var setsTimer = false
        var hurriesWriter = false
        var warning: String?
    }

    /// Why the writer takes a step.
    enum Cause {
        /// It has collected for long enough.
        case timer
        /// Much came at once.
        case hurry
        /// Something was left.
        case rest
        /// The rush may be over.
        case calm
        case retry
        case sweep
    }

    init(limits: RequestLog.Limits) {
        self.limits = limits
    }

    var isEmpty: Bool { stats.pending == 0 }

    mutating func take(_ record: inout ExchangeRecord, gap: Duration) -> Taken {
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
        guard let held = openChunk().append(&record) else {
            stats.dropped += 1
            return Taken()
        }
        stats.pending += 1
        stats.pendingBytes += held
        recent = (recent.entries + 1, recent.bytes + cost)
        return wake()
    }

    private mutating func wake() -> Taken {
        guard retry == nil else { return Taken() }
        var taken = Taken()
        taken.setsTimer = setsTimer()
        if !isHurried, stats.pendingBytes >= Self.hurryBytes || stats.pending >= RequestLog.Step.entries {
            isHurried = true
            taken.hurriesWriter = true
        }
        return taken
    }

    private mutating func setsTimer() -> Bool {
        defer { isTimerSet = true }
        return !isTimerSet
    }

    /// The writer begins a step.
    mutating func come(_ cause: Cause) {
        switch cause {
        case .timer: isTimerSet = false
        case .hurry: isHurried = false
        case .rest: isContinued = false
        case .calm: isCalmAwaited = false
        case .retry, .sweep: break
        }
        if cause == .timer { (former, recent) = (recent, (0, 0)) }
        // No timer: nothing has come since its last step.
        if cause == .calm, !isTimerSet { former = (0, 0) }
    }

    /// The writer ends a step that left `rest`: which steps are to be scheduled.
    mutating func next(_ rest: LogDisk.Outcome.Rest) -> [Cause] {
        var causes: [Cause] = []
        if rest == .now || isPartial, !isContinued {
            isContinued = true
            causes.append(.rest)
        }
        if rest == .later, !isCalmAwaited {
            isCalmAwaited = true
            causes.append(.calm)
        }
        if !isEmpty, setsTimer() { causes.append(.timer) }
        if rest == .none, isEmpty { spare = Array(spare.prefix(1)) }
        return causes
    }

    private mutating func openChunk() -> FrameChunk {
        if isLastOpen, let last = chunks.last, !last.isFull { return last }
        let chunk = spare.popLast() ?? FrameChunk()
        chunks.append(chunk)
        isLastOpen = true
        return chunk
    }

    private func fits(_ cost: Int) -> Bool {
        stats.pending < limits.queueEntries && stats.pendingBytes + cost <= limits.queueBytes
    }

    private mutating func dropOldest() {
        remove(1)
        stats.dropped += 1
    }

    /// The oldest that wait, at least one if there is any. They stay until `settle`.
    mutating func batch() -> LogBatch {
        isLastOpen = false
        var batch = LogBatch()
        batch.isRush =
            max(recent.entries, former.entries, stats.pending) >= RequestLog.Step.rushEntries
            || max(recent.bytes, former.bytes) >= RequestLog.Step.rushBytes
        var bytes = 0
        for (place, chunk) in chunks.enumerated() {
            let first = place == 0 ? head : 0
            guard batch.count < RequestLog.Step.entries, bytes < RequestLog.Step.bytes else { break }
            batch.parts.append(.init(chunk: chunk, skipped: first))
            bytes += chunk.cost
        }
        batch.end = gone + batch.count
        isPartial = batch.count < stats.pending
        return batch
    }

    /// A batch that ended at `end` is on disk; some of it may have been dropped meanwhile.
    mutating func settle(_ end: Int, _ outcome: LogDisk.Outcome) {
        let count = max(0, end - gone)
        remove(count)
        stats.written += count
        stats.evicted += outcome.evicted
        stats.spoolBytes = Int(outcome.spooled)
        wasReplaced = false
    }

    private mutating func remove(_ count: Int) {
        var left = min(count, stats.pending)
        gone += left
        stats.pending -= left
        // Nothing holds on to the chunk, or it would not be used again.
        while left > 0, let count = chunks.first?.entries.count {
            let taken = min(left, count - head)
            for index in head..<(head + taken) { stats.pendingBytes -= chunks[0].entries[index].held }
            (head, left) = (head + taken, left - taken)
            if head == count { removeFirst() }
        }
    }

    private mutating func removeFirst() {
        if chunks.count == 1 { isLastOpen = false }
        head = 0
        var chunk = chunks.removeFirst()
        // The writer may still hold one that was dropped.
        if spare.count < Self.maxSpare, isKnownUniquelyReferenced(&chunk), chunk.clear() { spare.append(chunk) }
    }

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
