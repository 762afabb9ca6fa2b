import GRDB
import SQLiteFiles

/// Why the log cannot do what it was asked.
package enum LogError: Error, Equatable, CustomStringConvertible {
    /// A setting makes no sense.
    case setting(String)
    /// The path can never work as it is.
    case unusable(path: String, reason: String)
    /// Stored bytes make no sense.
    case broken(String)

    package var description: String {
        switch self {
        case .setting(let what): "request log: \(what)"
        case .unusable(let path, let reason): "request log \(path): \(reason)"
        case .broken(let what): "request log: \(what)"
        }
    }
}

/// Judges what SQLite and the file system throw.
enum LogFailure {
    static func isDamage(_ error: any Error) -> Bool {
        guard let error = error as? DatabaseError else { return false }
        return error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
    }

    /// Whether the start must be refused.
    static func isFatal(_ error: any Error) -> Bool {
        if let error = error as? DatabaseFile.Failure { return error.isFatal }
        return error is LogSchema.Refusal
    }

    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as DatabaseFile.Failure: error.reason
        case let error as LogSchema.Refusal: error.reason
        case let error as LogError: error.description
        case is LogDisk.Moved: "the file was removed or replaced"
        case let error as DatabaseError:
            "SQLite \(error.extendedResultCode.rawValue): \(error.message ?? "no message")"
        default: "\(error)"
        }
    }
}
