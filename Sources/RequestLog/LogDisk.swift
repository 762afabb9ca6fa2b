import GRDB
import LogModel
import SQLiteFiles

/// The open database. For one thread at a time; every call may block.
struct LogDisk {
    /// The file was removed or replaced under the open database.
    struct Moved: Error {}

    /// What one transaction did.
    struct Outcome: Sendable {
        var evicted = 0
        /// Whether there is more to evict or to give back.
        var more = false
    }

    let file: DatabaseFile
    let limits: RequestLog.Limits
    let redaction: Redaction?
    private var database: DatabaseQueue?
    private var identity: DatabaseFile.Identity?
    private let compressor = Compressor()
    private let known = PieceCache()

    init(file: DatabaseFile, limits: RequestLog.Limits, redaction: Redaction? = nil) {
        self.file = file
        self.limits = limits
        self.redaction = redaction
    }

    /// Opens the database; a damaged one is moved aside first and the warning about it returned. `now`: Unix seconds.
    mutating func open(now: Int64) throws -> String? {
        do {
            try openOnce()
            return nil
        } catch let error where LogFailure.isDamage(error) {
            return try moveAside(error, now)
        }
    }

    /// Begins anew after damage, or after the path was made to lead elsewhere; answers the warning.
    mutating func replace(after error: any Error, now: Int64) throws -> String {
        close()
        guard error is Moved else { return try moveAside(error, now) }
        let warning = try open(now: now)
        return warning ?? "the file was removed or replaced; what is there now is used, or a new one was begun"
    }

    private mutating func moveAside(_ error: any Error, _ now: Int64) throws -> String {
        close()
        let moved = try file.moveAside(now: now)
        try openOnce()
        return "the database is damaged (\(LogFailure.reason(error))); it was moved to \(moved) and a new one begun"
    }

    mutating func close() {
        try? database?.close()
        database = nil
        known.clear()
    }

    /// Writes records and makes room for them, in one transaction. Nothing is changed if it throws. `now`: Unix ms.
    mutating func write(_ batch: [ExchangeRecord], now: Int64) throws -> Outcome {
        guard let database else { throw LogError.unusable(path: file.path, reason: "not open") }
        if file.identity != identity { throw Moved() }
        return try transaction(database) { work in
            for record in batch { try work.insert(record) }
            try work.evict(added: batch.count, now: now)
            if batch.isEmpty { try work.tidy() }
        }
    }

    private func transaction(_ database: DatabaseQueue, _ body: (inout LogTransaction) throws -> Void) throws -> Outcome
    {
        let (limits, redaction, compressor, known) = (limits, redaction, compressor, known)
        do {
            return try database.write { db in
                var work = try LogTransaction(
                    db: db, limits: limits, redaction: redaction, compressor: compressor, known: known)
                try body(&work)
                try work.finish()
                return work.outcome
            }
        } catch {
            known.clear()  // What it learned was not kept.
            throw error
        }
    }

    /// Indexes some exchanges; whether there are more.
    mutating func index() throws -> Bool {
        guard let database, file.identity == identity else { return false }
        return try transaction(database) { work in try work.index() }.more
    }

    private mutating func openOnce() throws {
        // Another file of the same name: the old connection's end would remove the new one's journal.
        close()
        try file.prepare()
        let opened = try DatabaseQueue(path: file.path, configuration: Self.configuration)
        do {
            try LogSchema.migrate(opened)
            _ = try opened.read { db in try Int.fetchOne(db, sql: "SELECT bytes FROM total") }
        } catch {
            try? opened.close()
            // The version fits and the table does not: nothing that can be repaired here.
            if let error = error as? DatabaseError, error.resultCode == .SQLITE_ERROR {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: error.message)
            }
            throw error
        }
        identity = file.identity
        database = opened
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "kimi.log"
        configuration.journalMode = .wal
        // Another process, such as `logs prune`, may hold the lock for one transaction.
        configuration.busyMode = .timeout(2)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA temp_store = MEMORY; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -8192")
            try db.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            // The journal gives back what one large transaction took.
            _ = try Int.fetchOne(db, sql: "PRAGMA journal_size_limit = \(16 << 20)")
        }
        return configuration
    }
}
