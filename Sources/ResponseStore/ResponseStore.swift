import Dispatch
import GRDB
import SQLiteFiles
import Synchronization

/// Keeps stored responses, bytes in and bytes out, in an SQLite file or in memory.
///
/// `put` never waits: records go through a bounded queue to one writer, and can be got at once. If the disk fails, what
/// is put is served from memory until it works again. Every method may be called on any thread.
package final class ResponseStore: Sendable {
    /// For messages.
    let path: String
    let file: DatabaseFile?
    let timing: Timing
    let onWarning: @Sendable (String) -> Void
    let clock: @Sendable () -> Int64
    let state: Mutex<StoreState>
    /// Locked on the writer's queue only, for as long as the disk takes.
    let disk: Mutex<StoreDisk>
    let queue = DispatchQueue(label: "kimi.responses.writer", qos: .utility)

    /// Opens or makes the file; blocks for it.
    ///
    /// - Parameters:
    ///   - path: the file (0600; a missing folder is made, 0700), nil to keep records in memory.
    ///   - onWarning: told of failures and their end, at most once per `Timing.warningGap` and kind; on any thread.
    ///   - clock: seconds since 1970.
    /// - Throws: `StoreError` if limits or path can never work. A full, read-only or damaged disk is no such thing: the
    ///   store begins in memory.
    package init(
        path: String?, limits: Limits = Limits(), timing: Timing = Timing(),
        onWarning: @escaping @Sendable (String) -> Void = { _ in },
        clock: @escaping @Sendable () -> Int64 = { unixSeconds() }
    ) throws(StoreError) {
        try limits.check()
        self.path = path ?? "in memory"
        file = path.map(DatabaseFile.init(path:))
        self.timing = timing
        self.onWarning = onWarning
        self.clock = clock
        state = Mutex(StoreState(limits: limits, warningGap: timing.warningGap))
        disk = Mutex(StoreDisk(file: file, limits: limits))
        do {
            try openDisk()
        } catch let error where StoreFailure.isFatal(error) {
            throw .unusable(path: self.path, reason: StoreFailure.reason(error))
        } catch {
            suspend(error)
        }
        wakeWriter()
        scheduleSweep()
    }

    /// Keeps a record under its id, in place of an earlier one. Never blocks; what cannot be kept is counted.
    package func put(id: String, owner: String, record: [UInt8]) {
        let now = clock()
        let taken = state.withLock { $0.take(RecordKey(owner: owner, id: id), record, now: now) }
        if taken.wakesWriter { queue.async { self.step() } }
        if let warning = taken.warning { warn(warning) }
    }

    /// The record if it is still in memory; never blocks.
    package func pending(id: String, owner: String) -> [UInt8]? {
        let oldest = oldestAllowed
        let record = state.withLock { $0.pending[RecordKey(owner: owner, id: id)] }
        return record.flatMap { $0.created >= oldest ? $0.bytes : nil }
    }

    /// The record, nil if this owner has none of that id.
    ///
    /// - Throws: `StoreError.unavailable` if the disk fails, so that nobody can know; `CancellationError`.
    package func get(id: String, owner: String) async throws -> [UInt8]? {
        // A connection may be replaced under a read, once for each recovery; a third failure is the disk's.
        for attempt in 1...3 {
            if let record = pending(id: id, owner: owner) { return record }
            guard let database = try readable() else { return nil }
            let (key, oldest) = (RecordKey(owner: owner, id: id), oldestAllowed)
            do {
                return try await database.read { db in try StoreDisk.read(db, key, oldest: oldest) }
            } catch let error as CancellationError {
                throw error
            } catch {
                try await examine(error, of: database, isLast: attempt == 3)
            }
        }
        return nil
    }

    /// Removes a record for good; whether there was one.
    ///
    /// - Throws: `StoreError.unavailable` if the disk fails: what is on it may be served again later.
    package func delete(id: String, owner: String) async throws -> Bool {
        let key = RecordKey(owner: owner, id: id)
        return try await onQueue { try self.deleteNow(key) }
    }

    /// Writes what waits and closes the file; later calls find nothing and keep nothing.
    package func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        _ = try? await onQueue { self.finish() }
    }

    /// Counters, as of now.
    package var stats: StoreStats { state.withLock { $0.stats } }

    var oldestAllowed: Int64 { clock() - state.withLock { $0.limits.maxAgeSeconds } }

    func warn(_ text: String) {
        onWarning("response store \(path): \(text)")
    }

    /// Runs work on the writer's queue, after what is queued there.
    func onQueue<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result(catching: work)) }
        }
    }
}
