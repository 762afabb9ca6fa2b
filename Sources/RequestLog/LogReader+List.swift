import GRDB

/// Pages of the log. What fits a filter is found in indices, however many exchanges there are, and only the rows of the
/// page itself are read.
extension LogReader {
    /// Rows that are out of order by this much, in milliseconds, are found by time all the same.
    private static let disorderMs: Int64 = 10_000

    /// Exchanges that fit, newest first, at most `limit`; `before` is the last one's sequence of the page before.
    package func list(_ filter: LogFilter = LogFilter(), before: Int64? = nil, limit: Int) throws(LogError) -> [LogRow]
    {
        guard let before else { return try page(filter, 1...Int64.max, isDescending: true, limit) }
        guard before > 1 else { return [] }
        return try page(filter, 1...(before - 1), isDescending: true, limit)
    }

    /// Exchanges that fit and were written after `sequence`, in the order of writing.
    package func list(
        _ filter: LogFilter = LogFilter(), after sequence: Int64, limit: Int
    ) throws(LogError) -> [LogRow] {
        guard sequence < Int64.max else { return [] }
        return try page(filter, max(1, sequence + 1)...Int64.max, isDescending: false, limit)
    }

    private func page(
        _ filter: LogFilter, _ range: ClosedRange<Int64>, isDescending: Bool, _ limit: Int
    ) throws(LogError) -> [LogRow] {
        let words = try filter.search.map { text throws(LogError) in
            guard let words = LogSearch.query(text) else { throw .setting("there is no word in '\(text)'") }
            return words
        }
        return try read { db in
            guard limit > 0, let range = try Self.bounded(range, filter, db),
                var streams = try LogStream.all(filter, db)
            else { return [] }
            if let words { streams.append(.words(words)) }
            let order = isDescending ? "DESC" : "ASC"
            guard streams.contains(where: { !$0.isNegative }) else {
                var query = filter.times
                query.add("sequence >= ?", range.lowerBound)
                query.add("sequence <= ?", range.upperBound)
                if let outcome = filter.outcome { query.add("outcome = ?", outcome) }
                return try Self.rows(query, order: order, limit: limit, db)
            }
            var finder = LogFinder(streams, range, isDescending: isDescending, limit: limit)
            var rows: [LogRow] = []
            while rows.count < limit, let found = try finder.next(db) {
                var rest = found[...]
                while rows.count < limit, !rest.isEmpty {
                    let some = rest.prefix(limit - rows.count)
                    rest = rest.dropFirst(some.count)
                    var query = filter.times
                    query.text += query.word + "sequence IN (\(some.map(String.init).joined(separator: ",")))"
                    rows += try Self.rows(query, order: order, limit: some.count, db)
                }
            }
            return rows
        }
    }

    /// The sequences that the filter's times leave, and a few more; nil: none. Exchanges are written as they end, so time
    /// and sequence go together but for a little disorder.
    private static func bounded(
        _ range: ClosedRange<Int64>, _ filter: LogFilter, _ db: Database
    ) throws -> ClosedRange<Int64>? {
        var (lower, upper) = (range.lowerBound, range.upperBound)
        if let since = filter.since {
            let first = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT sequence FROM exchange WHERE ended >= ? ORDER BY ended LIMIT 1"),
                arguments: [since])
            guard let first else { return nil }
            let near = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT min(sequence) FROM exchange WHERE ended BETWEEN ? AND ?"),
                arguments: [since, since + disorderMs])
            lower = max(lower, min(first, near ?? first))
        }
        if let until = filter.until {
            let last = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT sequence FROM exchange WHERE ended < ? ORDER BY ended DESC LIMIT 1"),
                arguments: [until])
            guard let last else { return nil }
            let near = try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT max(sequence) FROM exchange WHERE ended >= ? AND ended < ?"),
                arguments: [until - disorderMs, until])
            upper = min(upper, max(last, near ?? last))
        }
        return lower <= upper ? lower...upper : nil
    }
}
