/// Pieces that are known to be on disk, so that what a conversation repeats costs no statement. For one thread at a
/// time: inside ``LogDisk``, which a lock guards.
///
/// An entry holds as long as its `last` is beyond everything that was removed: a piece goes with the last exchange that
/// it is noted for. Other processes may remove exchanges; `begin` notices.
final class PieceCache: @unchecked Sendable {
    struct Entry {
        let id: Int64
        /// The last exchange that the piece is noted for on disk.
        var last: Int64
    }

    /// Pieces kept in mind; about 100 bytes each.
    static let maxEntries = 32_768

    private var entries: [[UInt8]: Entry] = [:]
    /// Up to here exchanges have been removed.
    private var removed: Int64 = 0
    private var version: Int64 = 0

    /// A transaction begins. `version`: changes when another connection has written.
    func begin(version: Int64) {
        if version != self.version { clear() }
        self.version = version
    }

    func clear() {
        entries.removeAll(keepingCapacity: true)
        removed = 0
    }

    func removed(upTo sequence: Int64) { removed = max(removed, sequence) }

    subscript(name: [UInt8]) -> Entry? {
        get { entries[name].flatMap { $0.last > removed ? $0 : nil } }
        set {
            if entries.count >= Self.maxEntries { entries.removeAll(keepingCapacity: true) }
            entries[name] = newValue
        }
    }
}
