import GRDB
import SQLiteFiles

extension StoreDisk {
    /// What one transaction did.
    struct Outcome: Sendable {
        var totals = Totals()
        var evicted = 0
        /// Whether there is more to evict or to give back.
        var more = false
    }

    /// Writes records and makes room for them, in one transaction. Nothing is changed if it throws.
    mutating func write(_ batch: [PendingRecord], now: Int64) throws -> Outcome {
        guard let database else { throw StoreError.unavailable(path: file?.path ?? "", reason: "not open") }
        try checkIdentity()
        let (limits, known, version) = (limits, totals, dataVersion)
        let (outcome, newVersion) = try database.write { db in
            let current = try Int64.fetchOne(db, sql: "PRAGMA data_version") ?? 0
            var work = Transaction(db: db, limits: limits, now: now)
            work.outcome.totals = current == version ? known : try Self.count(db)
            for record in batch { try work.insert(record) }
            try work.evict(added: batch)
            if batch.isEmpty { try work.tidy() }
            return (work.outcome, current)
        }
        totals = outcome.totals
        dataVersion = newVersion
        return outcome
    }

    /// Removes one record; whether there was one.
    mutating func delete(_ key: RecordKey) throws -> Bool {
        guard let database else { throw StoreError.unavailable(path: file?.path ?? "", reason: "not open") }
        try checkIdentity()
        let size = try database.write { db in try Transaction.remove(key, db) }
        guard let size else { return false }
        totals.entries -= 1
        totals.bytes -= size
        return true
    }

    /// One record that is not older than `oldest`. On any connection.
    static func read(_ db: Database, _ key: RecordKey, oldest: Int64) throws -> [UInt8]? {
        let statement = try ByteStatement(
            db, sql: "SELECT record FROM response WHERE owner = ? AND id = ? AND created >= ?")
        try statement.bind(key.owner, at: 1)
        try statement.bind(key.id, at: 2)
        try statement.bind(oldest, at: 3)
        return try statement.firstBytes()
    }
}

/// The statements of one transaction of the writer.
private struct Transaction {
    let db: Database
    let limits: ResponseStore.Limits
    let now: Int64
    var outcome = StoreDisk.Outcome()

    init(db: Database, limits: ResponseStore.Limits, now: Int64) {
        (self.db, self.limits, self.now) = (db, limits, now)
    }

    /// The removed record's size, nil if there was none.
    static func remove(_ key: RecordKey, _ db: Database) throws -> Int? {
        let statement = try ByteStatement(db, sql: "DELETE FROM response WHERE owner = ? AND id = ? RETURNING size")
        try statement.bind(key.owner, at: 1)
        try statement.bind(key.id, at: 2)
        return try statement.firstInteger()
    }

    mutating func insert(_ record: PendingRecord) throws {
        if let size = try Self.remove(record.key, db) { subtract(size) }
        let statement = try ByteStatement(
            db, sql: "INSERT INTO response (owner, id, created, size, record) VALUES (?, ?, ?, ?, ?)")
        try statement.bind(record.key.owner, at: 1)
        try statement.bind(record.key.id, at: 2)
        try statement.bind(record.created, at: 3)
        try statement.bind(Int64(record.cost), at: 4)
        try statement.run(record.bytes, at: 5)
        outcome.totals.entries += 1
        outcome.totals.bytes += record.cost
    }

    /// Removes what is too old, then the oldest until the bounds hold; at most what was added and a bit more.
    mutating func evict(added: [PendingRecord]) throws {
        let entries = added.count + ResponseStore.Step.extraEntries
        let bytes = added.reduce(ResponseStore.Step.extraBytes) { $0 + $1.cost }
        let start = outcome.totals.bytes
        let expired = """
            DELETE FROM response WHERE sequence = (SELECT sequence FROM response WHERE created < ? ORDER BY created LIMIT 1)
            RETURNING size
            """
        let oldest = "DELETE FROM response WHERE sequence = (SELECT min(sequence) FROM response) RETURNING size"
        while outcome.evicted < entries, start - outcome.totals.bytes < bytes {
            let aged = try ByteStatement(db, sql: expired)
            try aged.bind(now - limits.maxAgeSeconds, at: 1)
            if let size = try aged.firstInteger() { evicted(size); continue }
            guard isOver, let size = try ByteStatement(db, sql: oldest).firstInteger() else { return }
            evicted(size)
        }
        outcome.more = true
    }

    /// Returns some of the file's free pages to the file system if there are many, after the last eviction.
    mutating func tidy() throws {
        guard outcome.evicted == 0 else {
            outcome.more = true
            return
        }
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        guard free > ResponseStore.Step.freePages else { return }
        try db.execute(sql: "PRAGMA incremental_vacuum(\(ResponseStore.Step.vacuumPages))")
        let left = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        outcome.more = left > ResponseStore.Step.freePages && left < free
    }

    private var isOver: Bool {
        outcome.totals.entries > limits.maxEntries || outcome.totals.bytes > limits.maxBytes
    }

    private mutating func evicted(_ size: Int) {
        outcome.evicted += 1
        subtract(size)
    }

    private mutating func subtract(_ size: Int) {
        outcome.totals.entries -= 1
        outcome.totals.bytes -= size
    }
}
