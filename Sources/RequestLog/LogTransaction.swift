import GRDB
import LogModel
import SQLiteFiles

/// The statements of one transaction of the writer.
struct LogTransaction {
    /// What a row costs beside its detail: its columns and indices, about.
    static let rowBytes = 400
    /// What a piece costs beside its bytes.
    static let pieceBytes = 80
    /// For how many exchanges ahead a piece is noted when it is used again: so many, or one in so many of all.
    static let mostAhead = 1_024
    static let aheadShare = 64

    let db: Database
    let limits: RequestLog.Limits
    let compressor: Compressor
    let known: PieceCache
    var outcome = LogDisk.Outcome()
    private var rollup = Rollup()
    private var entries: Int
    private var bytes: Int

    init(db: Database, limits: RequestLog.Limits, compressor: Compressor, known: PieceCache) throws {
        (self.db, self.limits, self.compressor) = (db, limits, compressor)
        self.known = known
        known.begin(version: try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) ?? 0)
        // Read anew each time: another process may have pruned.
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT entries, bytes FROM total"))
        entries = row?[0] ?? 0
        bytes = row?[1] ?? 0
    }

    /// Writes the totals; the last thing of the transaction.
    func finish() throws {
        try rollup.write(db)
        try db.cachedStatement(sql: "UPDATE total SET entries = ?, bytes = ?")
            .execute(arguments: [max(0, entries), max(0, bytes)])
    }

    // MARK: Insertion

    /// Secrets must be hidden already.
    mutating func insert(_ record: ExchangeRecord) throws {
        let detail = try packed(RecordJSON.bytes(of: record))
        let size = detail.count + Self.rowBytes
        let sequence = try insertRow(record, detail: detail, size: size)
        rollup.add(record)
        (entries, bytes) = (entries + 1, bytes + size)
        try insert(record.request, .request, 0, sequence)
        try insert(record.reply, .reply, 0, sequence)
        for attempt in record.attempts {
            try insert(attempt.request, .upstreamRequest, attempt.number, sequence)
            try insert(attempt.reply, .upstreamReply, attempt.number, sequence)
            for (place, change) in attempt.changes.enumerated() {
                try insert(change.body, .change, attempt.number, sequence, place: Int64(place))
            }
        }
    }

    private func insertRow(_ record: ExchangeRecord, detail: [UInt8], size: Int) throws -> Int64 {
        let statement = try ByteStatement(
            db,
            sql: """
                INSERT INTO exchange (id, ended, model, profile, provider, dialect, outcome, status, duration, input, output,
                    repairs, size, client, upstream, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        try statement.bind(record.id, at: 1)
        try statement.bind(record.began + record.duration, at: 2)
        try statement.bind(record.model, at: 3)
        if let profile = record.profile { try statement.bind(profile, at: 4) }
        try statement.bind(record.provider, at: 5)
        try statement.bind(record.dialect, at: 6)
        try statement.bind(record.outcome.rawValue, at: 7)
        try statement.bind(Int64(record.status), at: 8)
        try statement.bind(record.duration, at: 9)
        if let input = record.usage.input { try statement.bind(input, at: 10) }
        if let output = record.usage.output { try statement.bind(output, at: 11) }
        try statement.bind(Self.repairs(record), at: 12)
        try statement.bind(Int64(size), at: 13)
        if let client = record.client { try statement.bind(client, at: 14) }
        try statement.bind(record.upstreamModel, at: 15)
        try statement.run(detail, at: 16)
        return db.lastInsertedRowID
    }

    private static func repairs(_ record: ExchangeRecord) -> Int64 {
        record.notes.reduce(0) { $0 + ($1.kind == "dropped" ? 0 : Int64(min(max(0, $1.count), 1 << 32))) }
    }

    private mutating func insert(
        _ body: RecordedBody, _ kind: BodyKind, _ attempt: Int, _ sequence: Int64, place: Int64 = 0
    ) throws {
        guard body.kept > 0 else { return }
        var pieces: [Int64] = []
        try body.bytes.withUnsafeBytes { bytes in
            try Pieces.each(in: bytes) { pieces.append(try keep($0, sequence)) }
        }
        let list = Pieces.encode(pieces)
        let statement = try ByteStatement(
            db, sql: "INSERT OR REPLACE INTO body (exchange, attempt, kind, total, pieces) VALUES (?, ?, ?, ?, ?)")
        try statement.bind(sequence, at: 1)
        try statement.bind(Int64(attempt), at: 2)
        try statement.bind(kind.rawValue + place, at: 3)
        try statement.bind(Int64(body.total), at: 4)
        try statement.run(list, at: 5)
    }

    /// The number of a piece that is on disk now.
    private mutating func keep(_ piece: UnsafeRawBufferPointer, _ sequence: Int64) throws -> Int64 {
        let name = Pieces.name(of: piece)
        if let entry = known[name], entry.last >= sequence { return entry.id }
        // Noted for some exchanges ahead, so that not each of them has to: it stays a little longer than its last user.
        let ahead = sequence + Int64(min(Self.mostAhead, entries / Self.aheadShare))
        let again = try ByteStatement(db, sql: "UPDATE piece SET last = max(last, ?) WHERE hash = ? RETURNING id")
        try again.bind(ahead, at: 1)
        try again.bind(name, at: 2)
        if let id = try again.firstInteger() {
            known[name] = PieceCache.Entry(id: Int64(id), last: ahead)
            return Int64(id)
        }
        let new = try ByteStatement(db, sql: "INSERT INTO piece (last, first, hash) VALUES (?, ?, ?)")
        try new.bind(sequence, at: 1)
        try new.bind(sequence, at: 2)
        try new.run(name, at: 3)
        let id = db.lastInsertedRowID
        let packed = try compressor.packed(piece)
        let content = try ByteStatement(db, sql: "INSERT INTO content (id, packed) VALUES (?, ?)")
        try content.bind(id, at: 1)
        try content.run(packed, at: 2)
        bytes += packed.count + Self.pieceBytes
        known[name] = PieceCache.Entry(id: id, last: sequence)
        return id
    }

    private func packed(_ bytes: [UInt8]) throws -> [UInt8] { try bytes.withUnsafeBytes { try compressor.packed($0) } }

    // MARK: Spool

    static func spoolPlace(_ db: Database) throws -> SpoolPlace {
        let row = try Row.fetchOne(db.cachedStatement(sql: "SELECT segment, offset FROM spool"))
        return row.map { SpoolPlace(segment: $0[0], offset: $0[1]) } ?? SpoolPlace()
    }

    /// Which of the files in a spool's folder are this database's.
    static func spoolName(_ db: Database) throws -> String {
        try String.fetchOne(db, sql: "SELECT log FROM spool") ?? ""
    }

    /// A database that holds nothing takes the files for its own.
    static func adoptSpool(_ name: String, _ db: Database) throws {
        try db.execute(sql: "UPDATE spool SET log = ?", arguments: [name])
    }

    /// Everything up to `place` is in the database.
    func tookOver(_ place: SpoolPlace) throws {
        try db.cachedStatement(sql: "UPDATE spool SET segment = ?, offset = ?")
            .execute(arguments: [place.segment, place.offset])
    }

    // MARK: Search

    /// Indexes some of what is not indexed yet.
    mutating func index() throws {
        let (grown, more) = try LogSearch.index(db)
        bytes += grown
        outcome.rest = more ? .now : .none
    }

    // MARK: Retention

    /// Removes what is too old, then the oldest until the bounds hold; at most what was added and a bit more.
    mutating func evict(added: Int, now: Int64) throws {
        let most = added + RequestLog.Step.extraEntries
        while outcome.evicted < most {
            guard let first = try oldest() else { return try removeRest() }
            guard isOver || first.ended < now - limits.maxAgeMs else { return }
            try remove(first.sequence, size: first.size)
        }
        outcome.rest = .now
    }

    /// The last exchange has gone: pieces that were noted for later ones go too.
    private mutating func removeRest() throws {
        guard outcome.evicted > 0 else { return }
        for sql in ["DELETE FROM piece", "DELETE FROM content"] { try db.execute(sql: sql) }
        // Sequences begin anew.
        try LogSearch.clear(db)
        (entries, bytes) = (0, 0)
        known.clear()
    }

    private var isOver: Bool { entries > limits.maxEntries || bytes > limits.maxBytes }

    private func oldest() throws -> (sequence: Int64, ended: Int64, size: Int)? {
        let statement = try db.cachedStatement(
            sql: "SELECT sequence, ended, size FROM exchange ORDER BY sequence LIMIT 1")
        return try Row.fetchOne(statement).map { ($0[0], $0[1], $0[2]) }
    }

    private mutating func remove(_ sequence: Int64, size: Int) throws {
        for sql in ["DELETE FROM exchange WHERE sequence = ?", "DELETE FROM body WHERE exchange = ?"] {
            try db.cachedStatement(sql: sql).execute(arguments: [sequence])
        }
        entries -= 1
        bytes -= size
        outcome.evicted += 1
        known.removed(upTo: sequence)
        // A piece whose last user this was, or an earlier one, has none any more.
        while true {
            let find = try ByteStatement(db, sql: "SELECT id FROM piece WHERE last <= ? ORDER BY last LIMIT 1")
            try find.bind(sequence, at: 1)
            guard let id = try find.firstInteger() else { return }
            try db.cachedStatement(sql: "DELETE FROM piece WHERE id = ?").execute(arguments: [id])
            let content = try ByteStatement(db, sql: "DELETE FROM content WHERE id = ? RETURNING length(packed)")
            try content.bind(Int64(id), at: 1)
            bytes -= (try content.firstInteger() ?? 0) + Self.pieceBytes
        }
    }

    /// Returns some of the file's free pages to the file system if there are many, after the last eviction.
    mutating func tidy() throws {
        guard outcome.evicted == 0 else {
            outcome.rest = .now
            return
        }
        try LogSearch.tidy(db)
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        guard free > RequestLog.Step.freePages else { return }
        try db.execute(sql: "PRAGMA incremental_vacuum(\(RequestLog.Step.vacuumPages))")
        let left = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        outcome.rest = left > RequestLog.Step.freePages && left < free ? .now : .none
    }
}
