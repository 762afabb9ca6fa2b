import GRDB

/// What is known of one kept body without reading it.
package struct LogBodyNote: Sendable, Equatable {
    /// Changes that transforms made to a request have numbers from here on.
    private static let firstChange: Int64 = 16

    /// 0 for the client's.
    package let attempt: Int
    /// As in the database.
    package let number: Int64
    /// Its true length.
    package let total: Int

    package var kind: String {
        number >= Self.firstChange ? "change" : BodyKind(rawValue: number)?.name ?? "unknown"
    }
    /// Among the changes of its attempt, from 0.
    package var place: Int { Int(max(0, number - Self.firstChange)) }
}

extension LogReader {
    /// The bodies that are kept of an exchange, in the order of attempts.
    package func bodyNotes(of row: LogRow) throws(LogError) -> [LogBodyNote] {
        try read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT attempt, kind, total FROM body WHERE exchange = ? ORDER BY attempt, kind",
                arguments: [row.sequence])
            return rows.map { LogBodyNote(attempt: $0[0], number: $0[1], total: $0[2]) }
        }
    }

    /// The kept bytes of one body.
    package func bytes(of note: LogBodyNote, in row: LogRow) throws(LogError) -> [UInt8] {
        try read { db in
            let entry = try Row.fetchOne(
                db, sql: "SELECT pieces FROM body WHERE exchange = ? AND attempt = ? AND kind = ?",
                arguments: [row.sequence, note.attempt, note.number])
            guard let entry else { throw LogError.broken("the body was removed meanwhile") }
            return try Self.join(try entry.withUnsafeData(atIndex: 0) { data in data.map { [UInt8]($0) } ?? [] }, db)
        }
    }

    /// The greatest sequence that a search can find.
    package func indexed() throws(LogError) -> Int64 {
        try read { db in try Int64.fetchOne(db, sql: "SELECT done FROM search_state") ?? 0 }
    }

    /// The sequence of the oldest exchange, 0 if there is none.
    package func oldest() throws(LogError) -> Int64 {
        try read { db in try Int64.fetchOne(db, sql: "SELECT min(sequence) FROM exchange") ?? 0 }
    }
}
