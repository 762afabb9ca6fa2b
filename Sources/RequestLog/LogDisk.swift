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
        /// Whether there is more to evict, to give back or to take over.
        var rest = Rest.none
        /// Bytes of the spool that were no exchanges.
        var lost: Int64 = 0
        /// Bytes that wait in the spool now.
        var spooled: Int64 = 0

        enum Rest: Sendable { case none, now, later }
    }

    let file: DatabaseFile
    let limits: RequestLog.Limits
    let redaction: Redaction?
    private var database: DatabaseQueue?
    private var identity: DatabaseFile.Identity?
    private let compressor = Compressor()
    private let known = PieceCache()
    let spool: Spool
    private var hasTold = false
    private var warning: String?

    init(file: DatabaseFile, limits: RequestLog.Limits, redaction: Redaction? = nil) {
        self.file = file
        self.limits = limits
        self.redaction = redaction
        spool = Spool(folder: limits.spoolFolder ?? Self.spoolFolder(of: file.path), limit: limits.spoolBytes)
    }

    static func spoolFolder(of path: String) -> String { path + "-spool" }

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
        spool.close()
    }

    /// Puts a batch where it outlives the process: into the database, in a rush into the spool. `now`: Unix ms.
    ///
    /// Nothing is changed if it throws.
    mutating func write(_ batch: LogBatch, now: Int64) throws -> Outcome {
        let database = try usable()
        if !spool.isHeld, !spool.files.segments.isEmpty {
            spool.look(try database.read { db in try LogTransaction.spoolPlace(db) })
        }
        guard spool.waiting > 0 || batch.isRush && isSpoolReady() else { return try insert(batch, now, database) }
        // What waits longer goes first.
        while !spool.hasRoom(for: batch.bytes), spool.waiting > 0 { _ = try takeOver(now, database) }
        guard spool.hasRoom(for: batch.bytes) else { return try insert(batch, now, database) }
        if batch.count > 0 { try spool.append(batch, redaction) }
        guard !batch.isRush else { return Outcome(rest: .later, spooled: spool.waiting) }
        return try takeOver(now, database)
    }

    private mutating func isSpoolReady() -> Bool {
        let isReady = spool.isReady()
        if !isReady, let trouble = spool.takeTrouble(), !hasTold {
            hasTold = true
            warning = "no spool for what comes in a rush, which costs more so: \(trouble)"
        }
        return isReady
    }

    /// What is to be told, once.
    mutating func takeWarning() -> String? {
        defer { warning = nil }
        return warning ?? spool.takeTrouble()
    }

    private func usable() throws -> DatabaseQueue {
        guard let database else { throw LogError.unusable(path: file.path, reason: "not open") }
        if file.identity != identity { throw Moved() }
        return database
    }

    private func insert(_ batch: LogBatch, _ now: Int64, _ database: DatabaseQueue) throws -> Outcome {
        let records = try batch.records(redaction)
        return try transaction(database) { work in
            for record in records { try work.insert(record) }
            try work.evict(added: records.count, now: now)
            if records.isEmpty { try work.tidy() }
        }
    }

    /// Takes some of what waits in the spool into the database.
    func takeOver(_ now: Int64) throws -> Outcome { try takeOver(now, usable()) }

    private func takeOver(_ now: Int64, _ database: DatabaseQueue) throws -> Outcome {
        var page: SpoolReader.Page?
        var outcome = try transaction(database) { work in
            let read = try spool.page(
                from: LogTransaction.spoolPlace(work.db), entries: RequestLog.Step.entries, bytes: RequestLog.Step.bytes
            )
            for record in read.records { try work.insert(record) }
            try work.tookOver(read.place)
            try work.evict(added: read.records.count, now: now)
            page = read
        }
        guard let page else { return outcome }
        outcome.lost = spool.tookOver(page)
        outcome.spooled = spool.waiting
        if !page.isEnd { outcome.rest = .now }
        return outcome
    }

    private func transaction(_ database: DatabaseQueue, _ body: (inout LogTransaction) throws -> Void) throws -> Outcome
    {
        let (limits, compressor, known) = (limits, compressor, known)
        do {
            return try database.write { db in
                var work = try LogTransaction(db: db, limits: limits, compressor: compressor, known: known)
                try body(&work)
                try work.finish()
                return work.outcome
            }
        } catch {
            known.clear()  // What it learned was not kept.
            throw error
        }
    }

    /// Indexes some exchanges, and removes what has no room beside that.
    mutating func index(now: Int64) throws -> Outcome {
        guard let database, file.identity == identity else { return Outcome() }
        return try transaction(database) { work in
            try work.index()
            try work.evict(added: 0, now: now)
        }
    }

    private mutating func openOnce() throws {
        // Another file of the same name: the old connection's end would remove the new one's journal.
        close()
        try file.prepare()
        let opened = try DatabaseQueue(path: file.path, configuration: Self.configuration)
        do {
            try LogSchema.migrate(opened)
            let place = try opened.read { db in
                _ = try Int.fetchOne(db, sql: "SELECT bytes FROM total")
                return try LogTransaction.spoolPlace(db)
            }
            let adopted = try adopt(opened)
            spool.open(try adopted ?? opened.read { db in try LogTransaction.spoolName(db) }, place)
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

    /// A new database beside the files of one that is gone takes them for its own; any other leaves them alone and says so.
    private mutating func adopt(_ opened: DatabaseQueue) throws -> String? {
        let folder = limits.spoolFolder ?? Self.spoolFolder(of: file.path)
        let name = try opened.read { db in try LogTransaction.spoolName(db) }
        let others = SpoolFiles.logs(in: folder).filter { $0 != name && SpoolFiles(folder: folder, log: $0).isLeft }
        guard let other = others.first else { return nil }
        let isNew = try opened.read { db in
            try LogTransaction.spoolPlace(db) == SpoolPlace()
                && Int.fetchOne(db, sql: "SELECT count(*) FROM exchange") == 0
        }
        guard isNew, others.count == 1, limits.spoolFolder == nil else {
            warning =
                "\(folder) holds exchanges of another database, which are left alone: "
                + "put it back to have them, or remove them"
            return nil
        }
        try opened.write { db in try LogTransaction.adoptSpool(other, db) }
        return other
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
            // Pages that many transactions change are copied to the file once for all of them.
            _ = try Int.fetchOne(db, sql: "PRAGMA wal_autocheckpoint = 4000")
            // The journal gives back what one large transaction took.
            _ = try Int.fetchOne(db, sql: "PRAGMA journal_size_limit = \(16 << 20)")
        }
        return configuration
    }
}
