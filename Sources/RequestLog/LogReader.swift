import GRDB
import SQLiteFiles

/// Reads a log, also beside a running host and after a crash. Writes nothing. One thread at a time; calls block.
package final class LogReader {
    private let database: DatabaseQueue
    private let path: String

    /// - Throws: `LogError` if there is no log there.
    package init(path: String) throws(LogError) {
        self.path = path
        let file = DatabaseFile(path: path)
        guard !file.isAbsent else {
            throw .unusable(path: path, reason: "there is no such file; name the log with --db FILE")
        }
        guard !file.isOther else {
            throw .unusable(path: path, reason: "not a regular file; name the log with --db FILE")
        }
        do {
            database = try Self.open(file)
        } catch {
            throw Self.said(error, file)
        }
    }

    private static func open(_ file: DatabaseFile) throws -> DatabaseQueue {
        do {
            return try open(file.path)
        } catch let error as DatabaseError where error.isOfMedia && !file.isForbidden && !file.hasJournal {
            // Beside the file SQLite cannot make what readers share: nobody can be writing there either.
            do {
                return try open(file.immutable)
            } catch let again as DatabaseError where again.resultCode == .SQLITE_CANTOPEN {
                throw error
            }
        }
    }

    private static func open(_ name: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        let database = try DatabaseQueue(path: name, configuration: configuration)
        let version = try database.read { db in try LogSchema.version(db) }
        switch version {
        case LogSchema.migrations.count: return database
        case 0: throw LogSchema.Refusal(reason: "it is empty and no log yet; name the log with --db FILE")
        default: throw LogSchema.Refusal(reason: "its layout has version \(version); start the host with it once")
        }
    }

    private static func said(_ error: any Error, _ file: DatabaseFile) -> LogError {
        if file.isForbidden { return .unusable(path: file.path, reason: "no permission to read it") }
        if let error = error as? DatabaseError, error.isOfMedia, file.hasJournal {
            return .unusable(
                path: file.path,
                reason: "its folder cannot be written, and what is in its -wal cannot be read so: copy both elsewhere "
                    + "and name the copy with --db FILE (\(LogFailure.reason(error)))")
        }
        return (error as? LogError) ?? .unusable(path: file.path, reason: LogFailure.reason(error))
    }

    /// The newest exchange with the id that its client saw, or whose sequence it is.
    package func find(_ id: String) throws(LogError) -> LogRow? {
        var query = LogQuery()
        query.add("id = ?", id)
        if let row = try rows(query, order: "DESC", limit: 1).first { return row }
        return try Int64(id).flatMap { sequence throws(LogError) in try find(sequence: sequence) }
    }

    package func find(sequence: Int64) throws(LogError) -> LogRow? {
        var query = LogQuery()
        query.add("sequence = ?", sequence)
        return try rows(query, order: "DESC", limit: 1).first
    }

    /// The sequence of the newest exchange, 0 if there is none.
    package func newest() throws(LogError) -> Int64 {
        try read { db in try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM exchange") ?? 0 }
    }

    /// Exchanges and bytes, as the writer counts them.
    package func totals() throws(LogError) -> (entries: Int, bytes: Int) {
        try read { db in
            let row = try Row.fetchOne(db, sql: "SELECT entries, bytes FROM total")
            return (row?[0] ?? 0, row?[1] ?? 0)
        }
    }

    /// All bodies that are kept of an exchange, in the order of attempts.
    package func bodies(of row: LogRow) throws(LogError) -> [LogBody] {
        try read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT attempt, kind, total, pieces FROM body WHERE exchange = ? ORDER BY attempt, kind",
                arguments: [row.sequence])
            return try rows.compactMap { entry in
                let number: Int64 = entry[1]
                let first = BodyKind.change.rawValue
                guard let kind = number >= first ? .change : BodyKind(rawValue: number) else { return nil }
                let list = try entry.withUnsafeData(atIndex: 3) { data in data.map { [UInt8]($0) } ?? [] }
                return LogBody(
                    attempt: entry[0], kind: kind, place: Int(max(0, number - first)), total: entry[2],
                    bytes: try Self.join(list, db))
            }
        }
    }

    static func join(_ list: [UInt8], _ db: Database) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for id in Pieces.decode(list) {
            let statement = try ByteStatement(db, sql: "SELECT packed FROM content WHERE id = ?")
            try statement.bind(id, at: 1)
            guard let packed = try statement.firstBytes() else { throw LogError.broken("a piece of a body is missing") }
            bytes += try Zstd.unpacked(packed)
        }
        return bytes
    }

    private func rows(_ query: LogQuery, order: String, limit: Int) throws(LogError) -> [LogRow] {
        try read { db in try Self.rows(query, order: order, limit: limit, db) }
    }

    static func rows(_ query: LogQuery, order: String, limit: Int, _ db: Database) throws -> [LogRow] {
        let sql = """
            SELECT sequence, id, ended, model, provider, dialect, outcome, status, duration, input, output, repairs,
                detail FROM exchange \(query.text) ORDER BY sequence \(order) LIMIT \(max(0, limit))
            """
        return try Row.fetchAll(db, sql: sql, arguments: query.arguments).map(LogRow.init(row:))
    }

    func read<Value>(_ body: (Database) throws -> Value) throws(LogError) -> Value {
        do {
            return try database.read(body)
        } catch {
            throw (error as? LogError) ?? .unusable(path: path, reason: LogFailure.reason(error))
        }
    }
}

extension DatabaseError {
    /// Whether the medium or the folder lets nothing be written, or nothing be opened.
    fileprivate var isOfMedia: Bool { resultCode == .SQLITE_CANTOPEN || resultCode == .SQLITE_READONLY }
}

extension DatabaseFile {
    /// As a URI of SQLite's that says that nobody changes the file meanwhile.
    fileprivate var immutable: String {
        let special: [Character: String] = ["%": "%25", "?": "%3f", "#": "%23"]
        return "file:" + path.map { special[$0] ?? String($0) }.joined() + "?immutable=1"
    }
}
