import GRDB

/// The database's layout: `user_version` counts the migrations that were applied.
///
/// Exchanges go in the order of `sequence` and leave in it. A body is a list of pieces; `piece.last` is the last exchange
/// that uses one, so a piece may go when all exchanges up to it have gone.
enum LogSchema {
    /// "KMRL", so that another program's database is neither used nor moved aside.
    static let applicationID: Int64 = 0x4B4D_524C

    /// Each entry leads from the version of its index to the next; published entries never change.
    static let migrations = [
        """
        CREATE TABLE exchange (
            sequence INTEGER PRIMARY KEY,
            id TEXT NOT NULL,
            ended INTEGER NOT NULL,
            model TEXT NOT NULL,
            profile TEXT,
            provider TEXT NOT NULL,
            dialect TEXT NOT NULL,
            outcome TEXT NOT NULL,
            status INTEGER NOT NULL,
            duration INTEGER NOT NULL,
            input INTEGER,
            output INTEGER,
            repairs INTEGER NOT NULL,
            size INTEGER NOT NULL,
            detail BLOB NOT NULL
        );
        CREATE INDEX exchange_by_id ON exchange (id);
        CREATE INDEX exchange_by_end ON exchange (ended);
        CREATE INDEX exchange_by_model ON exchange (model, sequence);
        CREATE INDEX exchange_by_provider ON exchange (provider, sequence);
        CREATE INDEX exchange_by_status ON exchange (status, sequence);
        CREATE INDEX exchange_failed ON exchange (sequence) WHERE outcome <> 'ok';
        CREATE INDEX exchange_repaired ON exchange (sequence) WHERE repairs > 0;
        CREATE TABLE body (
            exchange INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            kind INTEGER NOT NULL,
            total INTEGER NOT NULL,
            pieces BLOB NOT NULL,
            PRIMARY KEY (exchange, attempt, kind)
        ) WITHOUT ROWID;
        CREATE TABLE piece (
            id INTEGER PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE,
            last INTEGER NOT NULL
        );
        CREATE INDEX piece_by_last ON piece (last);
        CREATE TABLE content (id INTEGER PRIMARY KEY, packed BLOB NOT NULL);
        CREATE TABLE total (only INTEGER PRIMARY KEY CHECK (only = 1), entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
        INSERT INTO total VALUES (1, 0, 0);
        """,
        LogSearch.migration,
        """
        ALTER TABLE exchange ADD COLUMN client TEXT;
        ALTER TABLE exchange ADD COLUMN upstream TEXT;
        CREATE INDEX exchange_by_client ON exchange (client, sequence);
        CREATE INDEX exchange_by_upstream ON exchange (upstream, sequence);
        CREATE TABLE rollup_series (
            id INTEGER PRIMARY KEY,
            model TEXT NOT NULL,
            provider TEXT NOT NULL,
            upstream TEXT NOT NULL,
            UNIQUE (model, provider, upstream)
        );
        CREATE TABLE rollup (
            step INTEGER NOT NULL,
            start INTEGER NOT NULL,
            series INTEGER NOT NULL,
            ok INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            cancelled INTEGER NOT NULL,
            repaired INTEGER NOT NULL,
            input INTEGER NOT NULL,
            output INTEGER NOT NULL,
            cache_read INTEGER NOT NULL,
            cache_write INTEGER NOT NULL,
            reasoning INTEGER NOT NULL,
            cost REAL NOT NULL,
            PRIMARY KEY (step, start, series)
        ) WITHOUT ROWID;
        CREATE TABLE rollup_place (
            step INTEGER NOT NULL,
            start INTEGER NOT NULL,
            series INTEGER NOT NULL,
            histogram INTEGER NOT NULL,
            place INTEGER NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (step, start, series, histogram, place)
        ) WITHOUT ROWID;
        CREATE TABLE facet (
            kind INTEGER NOT NULL,
            name TEXT NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (kind, name)
        ) WITHOUT ROWID;
        """,
        """
        CREATE TABLE spool (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            log TEXT NOT NULL,
            segment INTEGER NOT NULL,
            offset INTEGER NOT NULL
        );
        INSERT INTO spool VALUES (1, lower(hex(randomblob(8))), 0, 0);
        """,
        """
        CREATE INDEX exchange_by_dialect ON exchange (dialect, sequence);
        CREATE INDEX exchange_by_profile ON exchange (profile, sequence) WHERE profile IS NOT NULL;
        CREATE INDEX exchange_by_outcome ON exchange (outcome, sequence) WHERE outcome <> 'ok';
        DROP INDEX exchange_failed;
        """,
    ]

    /// Why a sound database is not used.
    struct Refusal: Error { let reason: String }

    /// Brings a database to the newest version; writes nothing if it is there already.
    static func migrate(_ database: any DatabaseWriter) throws {
        try database.writeWithoutTransaction { db in
            guard try version(db) < migrations.count else { return }
            try db.inTransaction(.immediate) {
                // Again, now that no other process can be in the middle of it.
                for migration in try migrations.dropFirst(Self.version(db)) { try db.execute(sql: migration) }
                try db.execute(sql: "PRAGMA application_id = \(applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(migrations.count)")
                return .commit
            }
        }
    }

    static func version(_ db: Database) throws -> Int {
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
