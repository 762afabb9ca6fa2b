import GRDB
import SQLiteFiles
import Synchronization

extension ResponseStore {
    /// The connection for reads; nil if there is certainly nothing to read.
    func readable() throws -> (any DatabaseWriter)? {
        let (database, isClosed) = state.withLock { ($0.database, $0.isClosed) }
        if let database { return database }
        if isClosed { throw StoreError.closed }
        // Never written: an unknown id is unknown, not unavailable.
        guard let file, !file.isAbsent else { return nil }
        throw StoreError.unavailable(path: path, reason: "it could not be opened")
    }

    /// Decides on a failed read: returns if it is worth another try, throws otherwise.
    func examine(_ error: any Error, of database: any DatabaseWriter, isLast: Bool) async throws {
        let wasReplaced = state.withLock { $0.database !== database }
        if wasReplaced, !isLast { return }
        if StoreFailure.isDamage(error), !isLast {
            try await onQueue {
                // Another read may have found the same damage first.
                guard self.state.withLock({ $0.database === database && $0.failing == nil }) else { return }
                self.handle(error)
            }
            return
        }
        state.withLock { $0.failures += 1 }
        throw StoreError.unavailable(path: path, reason: StoreFailure.reason(error))
    }
}
