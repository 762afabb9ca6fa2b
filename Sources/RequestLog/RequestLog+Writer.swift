import Dispatch
import LogModel
import SQLiteFiles
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// What happens on the writer's queue.
extension RequestLog {
    /// Opens the file; a damaged one is moved aside and a new one begun.
    func openDisk() throws {
        let now = clock() / 1_000
        if let warning = try disk.withLock({ disk in try disk.open(now: now) }) { warn(warning) }
    }

    /// Writes one batch, then sees to it that what is left is done.
    ///
    /// While the disk fails only the retries come through, so that there is one chain of them.
    func step(_ cause: LogState.Cause) {
        let mayWrite = state.withLock { state in
            state.come(cause)
            return !state.isClosed && (state.retry == nil || cause == .retry)
        }
        guard mayWrite, let rest = writeBatch() else { return }
        for cause in state.withLock({ $0.next(rest) }) { schedule(cause) }
        scheduleIndexing(after: timing.indexing)
    }

    func schedule(_ cause: LogState.Cause) {
        let wait: Duration? =
            switch cause {
            case .timer: timing.batch
            case .calm: timing.calm
            default: nil
            }
        guard let wait else { return queue.async { self.step(cause) } }
        queue.asyncAfter(deadline: .now() + wait.dispatchInterval) { self.step(cause) }
    }

    /// What is left to be done; nil after a failure.
    private func writeBatch() -> LogDisk.Outcome.Rest? {
        do {
            let (outcome, end) = try writeNext()
            let message = state.withLock { state in
                state.settle(end, outcome)
                return state.recover()
            }
            if let message { warn(message) }
            tellLost(outcome)
            return outcome.rest
        } catch {
            return handle(error) ? .now : nil
        }
    }

    /// By itself, so that nobody holds the batch's chunks when it is settled.
    private func writeNext() throws -> (LogDisk.Outcome, end: Int) {
        let batch = state.withLock { $0.batch() }
        let now = clock()
        let (outcome, warning) = try disk.withLock { disk in
            (try disk.write(batch, now: now), disk.takeWarning())
        }
        if let warning { warn(warning) }
        return (outcome, batch.end)
    }

    private func tellLost(_ outcome: LogDisk.Outcome) {
        if outcome.lost > 0 {
            warn("\(outcome.lost) bytes of the spool were damaged or taken away: what was in them is lost")
        }
    }

    /// Indexes what was written, when there is time for it.
    private func scheduleIndexing(after wait: Duration) {
        let isDue = state.withLock { state in
            guard state.limits.isIndexed, !state.isIndexing, !state.isClosed, state.retry == nil else { return false }
            state.isIndexing = true
            return true
        }
        guard isDue else { return }
        queue.asyncAfter(deadline: .now() + wait.dispatchInterval) { [weak self] in self?.indexSome() }
    }

    private func indexSome() {
        let isFree = state.withLock { state in
            state.isIndexing = false
            return !state.isClosed && state.retry == nil && state.stats.pending < Step.busyEntries
                && state.stats.spoolBytes == 0
        }
        guard isFree else { return scheduleIndexing(after: timing.indexing) }
        // A disk that fails is noticed by the next write.
        let now = clock()
        guard let outcome = try? disk.withLock({ disk in try disk.index(now: now) }) else { return }
        state.withLock { $0.stats.evicted += outcome.evicted }
        if outcome.rest == .now { scheduleIndexing(after: .milliseconds(5)) }
    }

    /// Begins anew after damage or loss of the file; otherwise, and if that fails, waits.
    ///
    /// - Returns: whether the disk may be used again at once.
    private func handle(_ error: any Error) -> Bool {
        let replaces = state.withLock { state in
            guard LogFailure.isDamage(error) || error is LogDisk.Moved, !state.wasReplaced else { return false }
            state.wasReplaced = true
            state.stats.failures += 1
            return true
        }
        guard replaces else {
            suspend(error)
            return false
        }
        do {
            let now = clock() / 1_000
            warn(try disk.withLock { disk in try disk.replace(after: error, now: now) })
            return true
        } catch {
            suspend(error)
            return false
        }
    }

    /// Tries again later.
    func suspend(_ error: any Error) {
        let next = state.withLock { $0.fail(LogFailure.reason(error), timing) }
        if let warning = next.warning { warn(warning) }
        queue.asyncAfter(deadline: .now() + next.wait.dispatchInterval) { [weak self] in self?.retry() }
    }

    private func retry() {
        guard !state.withLock({ $0.isClosed }) else { return }
        do {
            try openDisk()
        } catch {
            return suspend(error)
        }
        state.withLock { $0.wasReplaced = false }
        step(.retry)
    }

    /// Writes what waits, as far as the disk takes it, and closes the file. What a rush left in the spool is taken over
    /// for a short while; the rest stays there for the next start.
    func finish() {
        let now = clock()
        if state.withLock({ $0.retry != nil }) { try? openDisk() }
        while !state.withLock({ $0.isEmpty }), let (outcome, end) = try? writeNext() {
            state.withLock { $0.settle(end, outcome) }
        }
        let end = ContinuousClock.now + timing.closing
        while ContinuousClock.now < end, disk.withLock({ $0.spool.waiting }) > 0,
            (try? disk.withLock { disk in try disk.takeOver(now) }) != nil
        {}
        disk.withLock { $0.close() }
        let lost = state.withLock { $0.stats.pending }
        if lost > 0 { warn("\(lost) exchanges could not be written before the end") }
    }

    /// Looks for old exchanges now and then, also when nothing is submitted.
    func scheduleSweep() {
        queue.asyncAfter(deadline: .now() + timing.sweep.dispatchInterval) { [weak self] in
            guard let self, !self.state.withLock({ $0.isClosed }) else { return }
            self.step(.sweep)
            self.scheduleSweep()
        }
    }
}

extension Duration {
    var dispatchInterval: DispatchTimeInterval {
        .milliseconds(Int(clamping: components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000))
    }
}

/// Unix milliseconds by the system's clock.
@Sendable package func unixMilliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}
