import GRDB

/// The database's layout: `user_version` counts the migrations that were applied.
enum StoreSchema {
    /// "KMRS", so that another program's database is neither used nor moved aside.
    static let applicationID: Int64 = 0x4B4D_5253

    /// Each entry leads from the version of its index to the next; published entries never change.
    private static let migrations = [
        """
        CREATE TABLE response (
            sequence INTEGER PRIMARY KEY,
            owner TEXT NOT NULL,
            id TEXT NOT NULL,
            created INTEGER NOT NULL,
            size INTEGER NOT NULL,
            record BLOB NOT NULL,
            UNIQUE (owner, id)
        );
        CREATE INDEX response_by_age ON response (created, size);
        """
    ]

    /// Why a sound database is not used.
    struct Refusal: Error { let reason: String }

    /// Brings a database to the newest version; writes nothing if it is there already.
    static func migrate(_ database: any DatabaseWriter) throws {
        try database.writeWithoutTransaction { db in
            let version = try version(db)
            guard version < migrations.count else { return }
            try db.inTransaction(.immediate) {
                // Again, now that no other process can be in the middle of it.
                for migration in try migrations.dropFirst(Self.version(db)) { try db.execute(sql: migration) }
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(migrations.count)")
                return .commit
            }
        }
    }

    private static func version(_ db: Database) throws -> Int {
        let application = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        if application != applicationID {
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            guard application == 0, version == 0, tables == 0 else {
                throw Refusal(reason: "the database of another program; name another file")
            }
        }
        guard version <= migrations.count else {
            throw Refusal(
                reason: "written by a newer kimi-host (version \(version), this one knows \(migrations.count)); "
                    + "name another file or update")
        }
        return version
    }
}
