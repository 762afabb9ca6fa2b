import GRDB
import SQLiteFiles

/// The open database and what the writer knows of it. For the writer's queue only; every call may block.
struct StoreDisk {
    /// What is in the table.
    struct Totals: Equatable, Sendable {
        var entries = 0
        var bytes = 0
    }

    /// The file was removed or replaced under the open database.
    struct Moved: Error {}

    /// nil: in memory.
    let file: DatabaseFile?
    let limits: ResponseStore.Limits
    private(set) var database: (any DatabaseWriter)?
    var totals = Totals()
    private var identity: DatabaseFile.Identity?
    /// SQLite's count of what other connections have committed, -1 for unknown.
    var dataVersion: Int64 = -1

    init(file: DatabaseFile?, limits: ResponseStore.Limits) {
        self.file = file
        self.limits = limits
    }

    /// Opens the database; a damaged one is moved aside first and the warning about it returned.
    mutating func open(now: Int64) throws -> String? {
        do {
            try openOnce()
            return nil
        } catch let error where StoreFailure.isDamage(error) {
            guard let file else { throw error }
            return try moveAside(file, error, now)
        }
    }

    /// Begins anew after damage, or after the path was made to lead elsewhere; answers the warning.
    mutating func replace(after error: any Error, now: Int64) throws -> String {
        close()
        if error is Moved {
            let warning = try open(now: now)
            return warning ?? "the file was removed or replaced; what is there now is used, or a new one was begun"
        }
        guard let file else {
            try openOnce()
            return "the database in memory is damaged (\(StoreFailure.reason(error))); a new one was begun"
        }
        return try moveAside(file, error, now)
    }

    private mutating func moveAside(_ file: DatabaseFile, _ error: any Error, _ now: Int64) throws -> String {
        close()
        let moved = try file.moveAside(now: now)
        try openOnce()
        return "the database is damaged (\(StoreFailure.reason(error))); it was moved to \(moved) and a new one begun"
    }

    mutating func close() {
        try? database?.close()
        database = nil
    }

    /// Whether the path still leads to the open database.
    func checkIdentity() throws {
        if let file, file.identity != identity { throw Moved() }
    }

    private mutating func openOnce() throws {
        // Another file of the same name: the old connection's end would remove the new one's journal.
        if file?.identity != identity { close() }
        try file?.prepare()
        let opened = try connect()
        do {
            try StoreSchema.migrate(opened)
            totals = try opened.writeWithoutTransaction(Self.count)
        } catch {
            try? opened.close()
            // The version fits and the table does not: nothing that can be repaired here.
            if let error = error as? DatabaseError, error.resultCode == .SQLITE_ERROR {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: error.message)
            }
            throw error
        }
        close()
        dataVersion = -1
        identity = file?.identity
        database = opened
    }

    private func connect() throws -> any DatabaseWriter {
        var configuration = Configuration()
        configuration.label = "kimi.responses"
        configuration.maximumReaderCount = 2
        // Another process with the same file may hold the lock for one transaction.
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            guard !db.configuration.readonly else { return }
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            // The journal gives back what one large transaction took.
            _ = try Int.fetchOne(db, sql: "PRAGMA journal_size_limit = \(16 << 20)")
        }
        guard let file else { return try DatabaseQueue(configuration: configuration) }
        return try DatabasePool(path: file.path, configuration: configuration)
    }

    static func count(_ db: Database) throws -> Totals {
        let row = try Row.fetchOne(db, sql: "SELECT count(*), ifnull(sum(size), 0) FROM response")
        return Totals(entries: row?[0] ?? 0, bytes: row?[1] ?? 0)
    }
}
