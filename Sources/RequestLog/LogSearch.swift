import GRDB
import SQLiteFiles

/// The full-text index: which words were said first in which exchange. What a conversation repeats turn by turn is
/// indexed once, where it was new.
///
/// One FTS5 table without content for so many sequences each; a table goes when its last exchange has gone, since rows
/// of such a table cannot be removed one by one. `search_state.done` is the last exchange that was looked at: the index
/// is filled behind the log, when there is time.
enum LogSearch {
    /// Sequences of one table.
    static let partSize: Int64 = 65_536
    /// Exchanges looked at in one transaction.
    static let batch = 32
    /// Bytes indexed of one exchange.
    static let maxText = 256 << 10

    static let migration = """
        ALTER TABLE piece ADD COLUMN first INTEGER NOT NULL DEFAULT 0;
        CREATE TABLE search_state (only INTEGER PRIMARY KEY CHECK (only = 1), done INTEGER NOT NULL);
        INSERT INTO search_state VALUES (1, 0);
        CREATE TABLE search_part (part INTEGER PRIMARY KEY);
        """

    /// Looks at the next exchanges; answers the bytes that the index grew by, about, and whether there are more.
    static func index(_ db: Database) throws -> (bytes: Int, more: Bool) {
        var done = try Int64.fetchOne(db, sql: "SELECT done FROM search_state") ?? 0
        if try Int64.fetchOne(db, sql: "SELECT max(sequence) FROM exchange") ?? done < done {
            try clear(db)
            done = 0
        }
        let next = try Int64.fetchAll(
            db, sql: "SELECT sequence FROM exchange WHERE sequence > ? ORDER BY sequence LIMIT ?",
            arguments: [done, batch])
        guard let last = next.last else { return (0, false) }
        var grown = 0
        for sequence in next {
            let text = try self.text(of: sequence, db)
            guard !text.isEmpty else { continue }
            let table = try self.table(for: sequence, db)
            try db.cachedStatement(sql: "INSERT INTO \(table) (rowid, text) VALUES (?, ?)")
                .execute(arguments: [sequence, String(decoding: text, as: UTF8.self)])
            let size = text.count / 4
            try db.cachedStatement(sql: "UPDATE exchange SET size = size + ? WHERE sequence = ?")
                .execute(arguments: [size, sequence])
            grown += size
        }
        try db.execute(sql: "UPDATE search_state SET done = ?", arguments: [last])
        return (grown, next.count == batch)
    }

    /// Begins anew, as the sequences do when all exchanges have gone.
    static func clear(_ db: Database) throws {
        try drop(try Int64.fetchAll(db, sql: "SELECT part FROM search_part"), db)
        try db.execute(sql: "UPDATE search_state SET done = 0")
    }

    /// Drops the tables whose exchanges have all gone.
    static func tidy(_ db: Database) throws {
        let first = try Int64.fetchOne(db, sql: "SELECT min(sequence) FROM exchange") ?? .max
        try drop(
            try Int64.fetchAll(
                db, sql: "SELECT part FROM search_part WHERE part < ?", arguments: [first / partSize]), db)
    }

    private static func drop(_ parts: [Int64], _ db: Database) throws {
        for part in parts {
            try db.execute(sql: "DROP TABLE IF EXISTS search_\(part)")
            try db.execute(sql: "DELETE FROM search_part WHERE part = ?", arguments: [part])
        }
    }

    private static func table(for sequence: Int64, _ db: Database) throws -> String {
        let part = sequence / partSize
        let known = try Row.fetchOne(
            db.cachedStatement(sql: "SELECT 1 FROM search_part WHERE part = ?"), arguments: [part])
        if known == nil {
            try db.execute(
                sql: "CREATE VIRTUAL TABLE search_\(part) USING fts5(text, content='', detail=none, columnsize=0)")
            try db.execute(sql: "INSERT INTO search_part VALUES (?)", arguments: [part])
        }
        return "search_\(part)"
    }

    // MARK: Text

    /// What is new in an exchange: pieces of the request that no earlier one had, and what the reply says.
    private static func text(of sequence: Int64, _ db: Database) throws -> [UInt8] {
        var text: [UInt8] = []
        for id in try pieces(.request, sequence, db) where text.count < maxText {
            let content = try ByteStatement(
                db, sql: "SELECT packed FROM content JOIN piece USING (id) WHERE id = ? AND first = ?")
            try content.bind(id, at: 1)
            try content.bind(sequence, at: 2)
            guard let packed = try content.firstBytes() else { continue }
            text += SearchText.plain(try Zstd.unpacked(packed))
            text.append(0x20)
        }
        var reply: [UInt8] = []
        for id in try pieces(.reply, sequence, db) where reply.count < 4 * maxText {
            let content = try ByteStatement(db, sql: "SELECT packed FROM content WHERE id = ?")
            try content.bind(id, at: 1)
            if let packed = try content.firstBytes() { reply += try Zstd.unpacked(packed) }
        }
        text += SearchText.said(in: reply)
        return Array(text.prefix(maxText))
    }

    private static func pieces(_ kind: BodyKind, _ sequence: Int64, _ db: Database) throws -> [Int64] {
        let list = try ByteStatement(
            db, sql: "SELECT pieces FROM body WHERE exchange = ? AND attempt = 0 AND kind = ?")
        try list.bind(sequence, at: 1)
        try list.bind(kind.rawValue, at: 2)
        return try list.firstBytes().map(Pieces.decode) ?? []
    }

    // MARK: Queries

    /// The words of a query as FTS5 wants them: all must occur; nil: there are none.
    static func query(_ text: String) -> String? {
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "*") }.compactMap { word -> String? in
            let plain = word.filter { $0 != "*" }
            return plain.isEmpty ? nil : "\"\(plain)\"" + (word.hasSuffix("*") ? " *" : "")
        }
        return words.isEmpty ? nil : words.joined(separator: " AND ")
    }

    /// Sequences that fit within `range`, in order, at most `limit`.
    static func find(
        _ query: String, isDescending: Bool, within range: ClosedRange<Int64>, limit: Int, _ db: Database
    ) throws -> [Int64] {
        let order = isDescending ? "DESC" : "ASC"
        var found: [Int64] = []
        let parts = try Int64.fetchAll(
            db.cachedStatement(
                sql: "SELECT part FROM search_part WHERE part BETWEEN ? AND ? ORDER BY part \(order)"),
            arguments: [range.lowerBound / partSize, range.upperBound / partSize])
        for part in parts where found.count < limit {
            let sql = """
                SELECT rowid FROM search_\(part) WHERE search_\(part) MATCH ? AND rowid BETWEEN ? AND ?
                ORDER BY rowid \(order) LIMIT ?
                """
            found += try Int64.fetchAll(
                db, sql: sql, arguments: [query, range.lowerBound, range.upperBound, limit - found.count])
        }
        return found
    }

    /// Those of `candidates` that fit, in their order, asked for one by one.
    static func probe(_ query: String, _ candidates: [Int64], _ db: Database) throws -> [Int64] {
        let parts = Set(try Int64.fetchAll(db, sql: "SELECT part FROM search_part"))
        return try candidates.filter { candidate in
            let part = candidate / partSize
            guard parts.contains(part) else { return false }
            let statement = try db.cachedStatement(
                sql: "SELECT 1 FROM search_\(part) WHERE search_\(part) MATCH ? AND rowid = ?")
            return try Int.fetchOne(statement, arguments: [query, candidate]) != nil
        }
    }
}

/// JSON as words.
enum SearchText {
    private static let names = [
        "content", "text", "delta", "reasoning_content", "thinking", "arguments", "partial_json", "input_text",
        "message",
    ].map { Array($0.utf8) }

    /// The text without escapes.
    static func plain(_ json: [UInt8]) -> [UInt8] {
        guard json.contains(0x5C) else { return json }
        var text: [UInt8] = []
        text.reserveCapacity(json.count)
        append(json[...], to: &text)
        return text
    }

    /// The strings that are content, put together: what came in pieces is one text.
    static func said(in reply: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        var place = 0
        while let quote = reply[place...].firstIndex(of: 0x22) {
            let end = stringEnd(reply, quote + 1)
            place = end + 1
            guard place < reply.count, names.contains(where: { reply[(quote + 1)..<end].elementsEqual($0) }) else {
                if place >= reply.count { break }
                continue
            }
            var value = place
            while value < reply.count, reply[value] == 0x3A || reply[value] == 0x20 { value += 1 }
            guard value > place, value < reply.count, reply[value] == 0x22 else { continue }
            let valueEnd = stringEnd(reply, value + 1)
            append(reply[(value + 1)..<valueEnd], to: &text)
            place = min(valueEnd + 1, reply.count)
            if text.count > LogSearch.maxText { break }
        }
        return text
    }

    /// Where the string that begins at `start` ends: its quote, or the end of all.
    private static func stringEnd(_ bytes: [UInt8], _ start: Int) -> Int {
        var place = start
        while place < bytes.count, bytes[place] != 0x22 { place += bytes[place] == 0x5C ? 2 : 1 }
        return min(place, bytes.count)
    }

    private static func append(_ json: ArraySlice<UInt8>, to text: inout [UInt8]) {
        var place = json.startIndex
        while place < json.endIndex {
            guard json[place] == 0x5C else {
                text.append(json[place])
                place += 1
                continue
            }
            if place + 5 < json.endIndex, json[place + 1] == 0x75,
                let unit = UInt32(String(decoding: json[(place + 2)..<(place + 6)], as: UTF8.self), radix: 16)
            {
                // Halves of pairs are no letters.
                if let scalar = Unicode.Scalar(unit) { text += Array(String(Character(scalar)).utf8) }
                place += 6
            } else {
                let next = place + 1 < json.endIndex ? json[place + 1] : 0x20
                text.append(next == 0x2F ? next : 0x20)
                place += 2
            }
        }
    }
}
