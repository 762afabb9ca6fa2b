import GRDB
import SQLiteFiles

/// What an error of the disk means to the store.
enum StoreFailure {
    /// Whether the file's content is broken, so that waiting cannot help.
    static func isDamage(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
    }

    /// Whether the open connection can be used again; otherwise the file is opened anew.
    static func keepsConnection(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return error.resultCode == .SQLITE_FULL || error.resultCode == .SQLITE_BUSY
    }

    /// Whether the start must be refused.
    static func isFatal(_ error: any Error) -> Bool {
        if let error = error as? DatabaseFile.Failure { return error.isFatal }
        return error is StoreSchema.Refusal
    }

    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as DatabaseFile.Failure: error.reason
        case let error as StoreSchema.Refusal: error.reason
        case let error as StoreError: error.description
        case is StoreDisk.Moved: "the file was removed or replaced"
        case let error as DatabaseError:
            "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
        default: "\(error)"
        }
    }
}
