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

    /// Writes one batch, then queues itself behind what else waits for the writer.
    ///
    /// While the disk fails only the retries come through, so that there is one chain of them.
    func step(isRetry: Bool = false) {
        let mayWrite = state.withLock { state in
            state.isWriterAwake = !state.isClosed && (state.retry == nil || isRetry)
            return state.isWriterAwake
        }
        guard mayWrite, let more = writeBatch() else { return }
        let goesOn = state.withLock { state in
            state.isWriterAwake = more || !state.isEmpty
            return state.isWriterAwake
        }
        if goesOn { queue.async { self.step() } }
        scheduleIndexing(after: timing.indexing)
    }

    /// Whether there is more to evict; nil after a failure.
    private func writeBatch() -> Bool? {
        let now = clock()
        let (batch, end) = state.withLock { $0.batch() }
        do {
            let outcome = try disk.withLock { disk in try disk.write(batch, now: now) }
            let message = state.withLock { state in
                state.settle(end, evicted: outcome.evicted)
                return state.recover()
            }
            if let message { warn(message) }
            return outcome.more
        } catch {
            return handle(error) ? true : nil
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
        }
        guard isFree else { return scheduleIndexing(after: timing.indexing) }
        // A disk that fails is noticed by the next write.
        if (try? disk.withLock({ disk in try disk.index() })) == true { scheduleIndexing(after: .milliseconds(5)) }
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
        let next = state.withLock { state in
            state.isWriterAwake = false
            return state.fail(LogFailure.reason(error), timing)
        }
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
        step(isRetry: true)
    }

    /// Writes what waits, as far as the disk takes it, and closes the file.
    func finish() {
        let now = clock()
        if state.withLock({ $0.retry != nil }) { try? openDisk() }
        while case let (batch, end) = state.withLock({ $0.batch() }), !batch.isEmpty,
            let outcome = try? disk.withLock({ disk in try disk.write(batch, now: now) })
        {
            state.withLock { $0.settle(end, evicted: outcome.evicted) }
        }
        disk.withLock { $0.close() }
        let lost = state.withLock { $0.stats.pending }
        if lost > 0 { warn("\(lost) exchanges could not be written before the end") }
    }

    /// Looks for old exchanges now and then, also when nothing is submitted.
    func scheduleSweep() {
        queue.asyncAfter(deadline: .now() + timing.sweep.dispatchInterval) { [weak self] in
            guard let self, !self.state.withLock({ $0.isClosed }) else { return }
            self.step()
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
