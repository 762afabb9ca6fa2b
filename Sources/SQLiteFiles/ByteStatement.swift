package import GRDB
import GRDBSQLite

/// One run of a cached statement with bytes in or out, which GRDB itself would take through Foundation's `Data`.
///
/// Lives within one access to the database.
package struct ByteStatement {
    private let statement: OpaquePointer
    private let db: Database

    package init(_ db: Database, sql: String) throws {
        self.db = db
        statement = try db.cachedStatement(sql: sql).sqliteStatement
        sqlite3_reset(statement)
    }

    package func bind(_ value: Int64, at index: Int32) throws {
        try check(sqlite3_bind_int64(statement, index, value))
    }

    package func bind(_ text: String, at index: Int32) throws {
        // -1: SQLite copies the text before the call returns.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        try check(
            text.withCString {
                sqlite3_bind_text64(statement, index, $0, UInt64(text.utf8.count), copied, UInt8(SQLITE_UTF8))
            })
    }

    /// Runs it with these bytes, which are not copied.
    package func run(_ bytes: [UInt8], at index: Int32) throws {
        defer { finish() }
        try bytes.withUnsafeBytes { bytes in
            if let base = bytes.baseAddress, !bytes.isEmpty {
                try check(sqlite3_bind_blob64(statement, index, base, UInt64(bytes.count), nil))
            } else {
                try check(sqlite3_bind_zeroblob(statement, index, 0))
            }
            try check(sqlite3_step(statement), expecting: SQLITE_DONE)
        }
    }

    /// The first column of the first row as bytes, nil if there is no row.
    package func firstBytes() throws -> [UInt8]? {
        try first { statement in
            guard let base = sqlite3_column_blob(statement, 0) else { return [] }
            return [UInt8](UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(statement, 0))))
        }
    }

    /// The first column of the first row as a number, nil if there is no row.
    package func firstInteger() throws -> Int? {
        try first { Int(sqlite3_column_int64($0, 0)) }
    }

    private func first<Value>(_ read: (OpaquePointer) -> Value) throws -> Value? {
        defer { finish() }
        let code = sqlite3_step(statement)
        if code == SQLITE_DONE { return nil }
        try check(code, expecting: SQLITE_ROW)
        let value = read(statement)
        // Out of memory while reading a long column shows here only.
        guard sqlite3_errcode(db.sqliteConnection) != SQLITE_NOMEM else {
            throw DatabaseError(resultCode: .SQLITE_NOMEM, message: "out of memory")
        }
        return value
    }

    private func finish() {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
    }

    /// Binds bytes, which are copied.
    package func bind(_ bytes: [UInt8], at index: Int32) throws {
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        try bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return try check(sqlite3_bind_zeroblob(statement, index, 0)) }
            try check(sqlite3_bind_blob64(statement, index, base, UInt64(bytes.count), copied))
        }
    }

    private func check(_ code: Int32, expecting wanted: Int32 = SQLITE_OK) throws {
        guard code != wanted else { return }
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
    }
}
