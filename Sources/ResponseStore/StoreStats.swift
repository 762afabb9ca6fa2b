/// Counters of a store; a snapshot.
package struct StoreStats: Sendable, Equatable {
    /// Records on disk as last counted, and those that wait for it.
    package var entries = 0
    /// Their bytes, with ids and owners.
    package var bytes = 0
    /// The part of `entries` that is in memory only.
    package var pending = 0
    package var pendingBytes = 0
    /// Records that were not kept: too large, queue full, or lost while the disk failed.
    package var dropped = 0
    /// Records removed for their age or to make room.
    package var evicted = 0
    /// Accesses to the disk that failed.
    package var failures = 0
    /// Whether records are kept in memory because the disk fails.
    package var isFailing = false

    package init() {}
}
