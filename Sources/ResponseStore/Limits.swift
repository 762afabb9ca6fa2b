extension ResponseStore {
    /// What a store may hold. All numbers must be above zero.
    package struct Limits: Sendable, Equatable {
        /// Records on disk; the oldest go first.
        package var maxEntries = 10_000
        /// Bytes on disk, records with their ids and owners; the oldest go first.
        package var maxBytes = 256 << 20
        /// How long a record is kept after its `put`.
        package var maxAge: Duration = .seconds(30 * 86_400)
        /// The largest record that is taken; `maxBytes` and `queueBytes` bound it too.
        package var maxRecordBytes = 16 << 20
        /// Records that wait for the disk.
        package var queueEntries = 1_024
        /// Bytes that wait for the disk.
        package var queueBytes = 64 << 20

        package init() {}

        var maxAgeSeconds: Int64 { maxAge.components.seconds }
        var largestRecord: Int { min(maxRecordBytes, maxBytes, queueBytes) }

        func check() throws(StoreError) {
            let named = [
                ("maxEntries", maxEntries), ("maxBytes", maxBytes), ("maxAge", Int(clamping: maxAgeSeconds)),
                ("maxRecordBytes", maxRecordBytes), ("queueEntries", queueEntries), ("queueBytes", queueBytes),
            ]
            for (name, value) in named where value <= 0 {
                throw .limits("\(name) must be above zero, it is \(value)")
            }
        }
    }

    /// Waits of the writer; tests shorten them.
    package struct Timing: Sendable {
        /// Wait before the first attempt after a failure; doubles up to `longestRetry`.
        package var firstRetry: Duration = .seconds(1)
        package var longestRetry: Duration = .seconds(30)
        /// How often old records are looked for when nothing is put.
        package var sweep: Duration = .seconds(600)
        /// The same kind of warning is not repeated sooner.
        package var warningGap: Duration = .seconds(60)

        package init() {}
    }

    /// Bounds of one transaction, so that a delete never waits for more than that.
    enum Step {
        static let entries = 256
        static let bytes = 8 << 20
        /// Evictions beyond what the transaction itself adds.
        static let extraEntries = 256
        static let extraBytes = 16 << 20
        /// Free pages that are left in the file for reuse, and how many go at once beyond that.
        static let freePages = 2_048
        static let vacuumPages = 1_024
    }
}
