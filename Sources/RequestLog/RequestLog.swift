import Dispatch
package import LogModel
import SQLiteFiles
import Synchronization

/// Keeps finished exchanges in an SQLite file.
///
/// `submit` never waits: records go through a bounded queue to one writer. If the disk fails they wait in memory, within
/// the queue's bounds, until it works again. Any thread.
package final class RequestLog: LogSink {
    let file: DatabaseFile
    let timing: Timing
    let onWarning: @Sendable (String) -> Void
    let clock: @Sendable () -> Int64
    let state: Mutex<LogState>
    /// Locked on the writer's queue only, for as long as the disk takes.
    let disk: Mutex<LogDisk>
    let queue = DispatchQueue(label: "kimi.log.writer", qos: .utility)

    /// Opens or makes the file; blocks for it.
    ///
    /// - Parameters:
    ///   - path: the file (0600; a missing folder is made, 0700).
    ///   - redaction: applied to everything before it is written, after the records' own masks.
    ///   - onWarning: told of failures and their end, at most once per `Timing.warningGap`; on any thread.
    ///   - clock: Unix milliseconds.
    /// - Throws: if limits or path can never work. A full, read-only or damaged disk is no such thing.
    package init(
        path: String, limits: Limits = Limits(), redaction: Redaction? = nil, timing: Timing = Timing(),
        onWarning: @escaping @Sendable (String) -> Void = { _ in },
        clock: @escaping @Sendable () -> Int64 = { unixMilliseconds() }
    ) throws(LogError) {
        try limits.check()
        file = DatabaseFile(path: path)
        self.timing = timing
        self.onWarning = onWarning
        self.clock = clock
        state = Mutex(LogState(limits: limits))
        disk = Mutex(LogDisk(file: file, limits: limits, redaction: redaction))
        do {
            try openDisk()
        } catch let error where LogFailure.isFatal(error) {
            throw .unusable(path: path, reason: LogFailure.reason(error))
        } catch {
            suspend(error)
        }
        // What an earlier host left in the spool.
        if disk.withLock({ $0.spool.waiting }) > 0 { schedule(.rest) }
        scheduleSweep()
    }

    package func submit(_ record: consuming ExchangeRecord) {
        var record = record
        HiddenParts.hide(in: &record)
        let taken = state.withLock { $0.take(&record, gap: timing.warningGap) }
        if taken.setsTimer { schedule(.timer) }
        if taken.hurriesWriter { schedule(.hurry) }
        if let warning = taken.warning { warn(warning) }
    }

    package var stats: LogStats { state.withLock { $0.stats } }

    package func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        await withCheckedContinuation { continuation in
            queue.async {
                self.finish()
                continuation.resume()
            }
        }
    }

    func warn(_ text: String) { onWarning("request log \(file.path): \(text)") }
}
