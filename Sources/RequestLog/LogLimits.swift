extension RequestLog {
    /// What the log may hold. All numbers must be above zero.
    package struct Limits: Sendable, Equatable {
        /// Exchanges on disk; the oldest go first.
        package var maxEntries = 1_000_000
        /// Compressed bytes on disk, about; the oldest exchanges go first.
        package var maxBytes = 2 << 30
        package var maxAgeDays = 30
        /// Exchanges that wait for the disk.
        package var queueEntries = 4_096
        /// Bytes that wait for the disk, in memory: what bodies share counts once in a chunk.
        package var queueBytes = 64 << 20
        /// Bytes that may wait in the spool, as they came; 0: no spool.
        package var spoolBytes = 1 << 30
        /// Where the spool is; nil: beside the file.
        package var spoolFolder: String?
        /// Whether bodies can be searched.
        package var isIndexed = true

        package init() {}

        var maxAgeMs: Int64 { Int64(maxAgeDays) * 86_400_000 }

        func check() throws(LogError) {
            let named = [
                ("max_entries", maxEntries), ("max_bytes", maxBytes), ("max_age_days", maxAgeDays),
                ("queueEntries", queueEntries), ("queueBytes", queueBytes),
            ]
            guard spoolBytes >= 0 else { throw .setting("spool_bytes must not be below zero, it is \(spoolBytes)") }
            for (name, value) in named where value <= 0 {
                throw .setting("\(name) must be above zero, it is \(value)")
            }
        }
    }

    /// Waits of the writer; tests shorten them.
    package struct Timing: Sendable {
        /// How long the writer collects before it writes, so that a busy host has few transactions.
        package var batch: Duration = .milliseconds(200)
        /// Wait before the first attempt after a failure; doubles up to `longestRetry`.
        package var firstRetry: Duration = .seconds(1)
        package var longestRetry: Duration = .seconds(30)
        /// How often old exchanges are looked for when nothing is written.
        package var sweep: Duration = .seconds(600)
        /// Wait before written exchanges are indexed.
        package var indexing: Duration = .milliseconds(200)
        /// How long after a rush what waits in the spool is left alone.
        package var calm: Duration = .milliseconds(200)
        /// How long the end of the host may take for what waits in the spool.
        package var closing: Duration = .seconds(2)
        /// The same kind of warning is not repeated sooner.
        package var warningGap: Duration = .seconds(60)

        package init() {}
    }

    /// Bounds of one transaction.
    enum Step {
        static let entries = 1_024
        static let bytes = 8 << 20
        /// A batch of as many exchanges, or of as many bytes, is a rush: it goes to the spool.
        static let rushEntries = 256
        static let rushBytes = 4 << 20
        /// As many wait for the disk: indexing waits too.
        static let busyEntries = 64
        /// Evictions beyond what the transaction itself adds.
        static let extraEntries = 256
        /// Free pages that are left in the file for reuse, and how many go at once beyond that.
        static let freePages = 2_048
        static let vacuumPages = 1_024
    }
}
