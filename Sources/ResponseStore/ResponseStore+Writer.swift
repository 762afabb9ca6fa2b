import Dispatch
import GRDB
import SQLiteFiles
import Synchronization

/// What happens on the writer's queue.
extension ResponseStore {
    /// Opens the file and shows the connection to readers; a damaged one is replaced.
    func openDisk() throws {
        let now = clock()
        let result = Result { try disk.withLock { disk in try disk.open(now: now) } }
        // Also after a failure: the old connection may be gone.
        publish()
        if let warning = try result.get() { warn(warning) }
    }

    /// Queues a step unless one is queued already or the disk fails.
    func wakeWriter() {
        let wakes = state.withLock { state in
            guard !state.isWriterAwake, state.failing == nil, !state.isClosed else { return false }
            state.isWriterAwake = true
            return true
        }
        if wakes { queue.async { self.step() } }
    }

    private enum Progress { case more, done, suspended }

    /// Writes one batch, then queues itself behind what else waits for the writer.
    ///
    /// While the disk fails only the retries come through, so that there is one chain of them.
    func step(isRetry: Bool = false) {
        let mayWrite = state.withLock { state in
            state.isWriterAwake = !state.isClosed && (state.failing == nil || isRetry)
            return state.isWriterAwake
        }
        guard mayWrite else { return }
        let progress = writeBatch()
        let goesOn = state.withLock { state in
            state.isWriterAwake = progress == .more || progress == .done && !state.pending.isEmpty
            return state.isWriterAwake
        }
        if goesOn { queue.async { self.step(isRetry: isRetry) } }
    }

    /// Writes the oldest records that wait.
    private func writeBatch() -> Progress {
        let now = clock()
        let batch = state.withLock { $0.pending.batch(entries: Step.entries, bytes: Step.bytes) }
        do {
            let outcome = try disk.withLock { disk in try disk.write(batch, now: now) }
            let message = state.withLock { state in
                state.settle(batch, outcome)
                return state.recover()
            }
            if let message { warn(message) }
            return outcome.more ? .more : .done
        } catch {
            return handle(error) ? .more : .suspended
        }
    }

    /// Begins anew after damage or loss of the file; otherwise, and if that fails, goes on in memory.
    ///
    /// - Returns: whether the disk may be used again at once.
    @discardableResult
    func handle(_ error: any Error) -> Bool {
        let replaces = state.withLock { state in
            guard StoreFailure.isDamage(error) || error is StoreDisk.Moved, !state.wasReplaced else { return false }
            state.wasReplaced = true
            state.failures += 1
            return true
        }
        guard replaces else {
            suspend(error)
            return false
        }
        do {
            try replace(after: error)
            return true
        } catch {
            suspend(error)
            return false
        }
    }

    private func replace(after error: any Error) throws {
        let now = clock()
        let result = Result { try disk.withLock { disk in try disk.replace(after: error, now: now) } }
        publish()
        warn(try result.get())
    }

    /// Goes on in memory and tries again later.
    func suspend(_ error: any Error) {
        let reopens = !StoreFailure.keepsConnection(error)
        let next = state.withLock { $0.fail(StoreFailure.reason(error), timing) }
        if let warning = next.warning { warn(warning) }
        queue.asyncAfter(deadline: .now() + next.wait.dispatchInterval) { [weak self] in self?.retry(reopens) }
    }

    private func retry(_ reopens: Bool) {
        guard !state.withLock({ $0.isClosed }) else { return }
        do {
            if reopens || state.withLock({ $0.database == nil }) { try openDisk() }
        } catch {
            return suspend(error)
        }
        state.withLock { $0.wasReplaced = false }
        step(isRetry: true)
    }

    private func publish() {
        let (database, totals) = disk.withLock { ($0.database, $0.totals) }
        state.withLock { state in
            state.database = database
            state.totals = totals
        }
    }

    func deleteNow(_ key: RecordKey) throws -> Bool {
        if state.withLock({ $0.isClosed }) { throw StoreError.closed }
        // No write is under way on this queue, so that what waits is not on disk.
        let waited = state.withLock { $0.pending.remove(key) } != nil
        do {
            let stored = try disk.withLock { disk in try disk.delete(key) }
            publish()
            return waited || stored
        } catch {
            let isKnown = waited || file?.isAbsent == true
            if state.withLock({ $0.failing == nil }) { handle(error) } else { state.withLock { $0.failures += 1 } }
            guard !isKnown else { return waited }
            throw StoreError.unavailable(path: path, reason: StoreFailure.reason(error))
        }
    }

    /// Writes what waits, as far as the disk takes it, and closes the file.
    func finish() {
        let now = clock()
        if state.withLock({ $0.failing != nil }) { try? openDisk() }
        while case let batch = state.withLock({ $0.pending.batch(entries: Step.entries, bytes: Step.bytes) }),
            !batch.isEmpty,
            let outcome = try? disk.withLock({ disk in try disk.write(batch, now: now) })
        {
            state.withLock { $0.settle(batch, outcome) }
        }
        state.withLock { $0.database = nil }
        disk.withLock { disk in disk.close() }
        let lost = state.withLock { state in
            state.dropped += state.pending.count
            return state.pending.count
        }
        if lost > 0 { warn("closed while it could not be written; \(lost) records are lost") }
    }

    /// Looks for old records from time to time, also when nothing is put.
    func scheduleSweep() {
        queue.asyncAfter(deadline: .now() + timing.sweep.dispatchInterval) { [weak self] in
            guard let self, !self.state.withLock({ $0.isClosed }) else { return }
            self.wakeWriter()
            self.scheduleSweep()
        }
    }
}

extension Duration {
    var dispatchInterval: DispatchTimeInterval {
        .milliseconds(Int(clamping: components.seconds) * 1_000 + Int(components.attoseconds / 1_000_000_000_000_000))
    }
}
