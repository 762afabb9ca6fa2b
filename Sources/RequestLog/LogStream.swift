import GRDB

/// Sequences that fit one condition of a filter, read in order from an index alone.
struct LogStream {
    private enum Source {
        /// An index on a column and the sequence, and the column's values.
        case column(index: String, name: String, values: [any DatabaseValueConvertible & Sendable])
        /// An index that holds only what fits.
        case partial(index: String, condition: String)
        /// The full-text index.
        case words(String)
    }

    /// Candidates that are asked for one by one, in one statement.
    private static let mostListed = 2_000
    /// Words are asked for one by one for so few only.
    private static let mostWordProbes = 128
    /// One by one if so many times fewer than the range has sequences.
    private static let sparse: Int64 = 8

    private let source: Source
    /// Those that do not fit are meant.
    private(set) var isNegative = false

    /// The streams of a filter, the most selective by experience first; nil: nothing can fit.
    static func all(_ filter: LogFilter, _ db: Database) throws -> [LogStream]? {
        var streams: [LogStream] = []
        func add(_ index: String, _ name: String, _ value: String?) {
            if let value { streams.append(LogStream(source: .column(index: index, name: name, values: [value]))) }
        }
        add("exchange_by_profile", "profile", filter.profile)
        add("exchange_by_client", "client", filter.client)
        guard try addStatus(filter, &streams, db), addOutcome(filter, &streams) else { return nil }
        add("exchange_by_upstream", "upstream", filter.upstreamModel)
        add("exchange_by_model", "model", filter.model)
        add("exchange_by_provider", "provider", filter.provider)
        add("exchange_by_dialect", "dialect", filter.dialect)
        return streams
    }

    static func words(_ query: String) -> LogStream { LogStream(source: .words(query)) }

    /// False: nothing can fit.
    private static func addStatus(_ filter: LogFilter, _ streams: inout [LogStream], _ db: Database) throws -> Bool {
        if let status = filter.status {
            streams.append(
                LogStream(source: .column(index: "exchange_by_status", name: "status", values: [status])))
        }
        guard let first = filter.statusClass.map({ $0 * 100 }) else { return true }
        var statuses: [Int] = []
        let next = try db.cachedStatement(sql: "SELECT min(status) FROM exchange WHERE status >= ?")
        var from = first
        while let status = try Int.fetchOne(next, arguments: [from]), status < first + 100 {
            statuses.append(status)
            from = status + 1
        }
        guard !statuses.isEmpty else { return false }
        streams.append(LogStream(source: .column(index: "exchange_by_status", name: "status", values: statuses)))
        return true
    }

    /// False: nothing can fit.
    private static func addOutcome(_ filter: LogFilter, _ streams: inout [LogStream]) -> Bool {
        let bad = ["failed", "cancelled"]
        func outcomes(_ values: [String]) -> LogStream {
            LogStream(source: .column(index: "exchange_by_outcome", name: "outcome", values: values))
        }
        switch filter.outcome {
        case nil: if filter.hasError { streams.append(outcomes(bad)) }
        case "ok":
            if filter.hasError { return false }
            var good = outcomes(bad)
            good.isNegative = true
            streams.append(good)
        case let outcome?: streams.append(outcomes([outcome]))
        }
        if filter.hasRepair {
            streams.append(LogStream(source: .partial(index: "exchange_repaired", condition: "repairs > 0")))
        }
        return true
    }

    // MARK: Reading

    /// The first `limit` within `range`, in order.
    func take(_ range: ClosedRange<Int64>, isDescending: Bool, limit: Int, _ db: Database) throws -> [Int64] {
        let tail = "ORDER BY sequence \(isDescending ? "DESC" : "ASC") LIMIT ?"
        let between = "sequence BETWEEN ? AND ?"
        switch source {
        case .column(let index, let name, let values):
            var found: [Int64] = []
            for value in values {
                let sql = """
                    SELECT sequence FROM exchange INDEXED BY \(index) WHERE \(condition(name)) AND \(between) \(tail)
                    """
                found += try Int64.fetchAll(
                    db.cachedStatement(sql: sql), arguments: [value, range.lowerBound, range.upperBound, limit])
            }
            guard values.count > 1 else { return found }
            found.sort { isDescending ? $0 > $1 : $0 < $1 }
            return Array(found.prefix(limit))
        case .partial(let index, let condition):
            let sql = "SELECT sequence FROM exchange INDEXED BY \(index) WHERE \(condition) AND \(between) \(tail)"
            return try Int64.fetchAll(
                db.cachedStatement(sql: sql), arguments: [range.lowerBound, range.upperBound, limit])
        case .words(let query):
            return try LogSearch.find(query, isDescending: isDescending, within: range, limit: limit, db)
        }
    }

    /// An index with a condition is used only where the statement says that it holds.
    private func condition(_ name: String) -> String {
        switch name {
        case "outcome": "outcome = ? AND outcome <> 'ok'"
        case "profile": "profile = ? AND profile IS NOT NULL"
        default: "\(name) = ?"
        }
    }

    /// How many there are within `range`, counted up to `most`.
    func count(_ range: ClosedRange<Int64>, most: Int, _ db: Database) throws -> Int {
        // Nothing is known of those: they drive only if there is nothing else.
        isNegative ? Int.max : try take(range, isDescending: true, limit: most, db).count
    }

    /// Those of `candidates` that fit, in their order.
    func kept(_ candidates: [Int64], _ db: Database) throws -> [Int64] {
        guard let first = candidates.first, let last = candidates.last else { return [] }
        let range = min(first, last)...max(first, last)
        let isSparse = Int64(candidates.count) < (range.upperBound - range.lowerBound) / Self.sparse
        let fitting: [Int64]
        if case .words(let query) = source, candidates.count <= Self.mostWordProbes {
            fitting = try LogSearch.probe(query, candidates, db)
        } else if isSparse, candidates.count <= Self.mostListed, let listed = try listed(candidates, db) {
            fitting = listed
        } else {
            fitting = try take(range, isDescending: first > last, limit: .max, db)
        }
        return Self.matched(candidates, fitting, isDescending: first > last, isIn: !isNegative)
    }

    /// By one look into the index each; nil: the full-text index has no such way.
    private func listed(_ candidates: [Int64], _ db: Database) throws -> [Int64]? {
        let list = candidates.map(String.init).joined(separator: ",")
        let order = (candidates.first ?? 0) > (candidates.last ?? 0) ? "DESC" : "ASC"
        switch source {
        case .column(let index, let name, let values):
            var found: [Int64] = []
            for value in values {
                let sql = """
                    SELECT sequence FROM exchange INDEXED BY \(index)
                    WHERE \(condition(name)) AND sequence IN (\(list))
                    """
                found += try Int64.fetchAll(db, sql: sql, arguments: [value])
            }
            return order == "DESC" ? found.sorted(by: >) : found.sorted()
        case .partial(let index, let condition):
            let sql = """
                SELECT sequence FROM exchange INDEXED BY \(index) WHERE \(condition) AND sequence IN (\(list))
                ORDER BY sequence \(order)
                """
            return try Int64.fetchAll(db, sql: sql)
        case .words: return nil
        }
    }

    /// Of two lists in the same order, what of the first is in the second, or is not.
    private static func matched(
        _ candidates: [Int64], _ fitting: [Int64], isDescending: Bool, isIn: Bool
    ) -> [Int64] {
        var result: [Int64] = []
        var place = 0
        for one in candidates {
            while place < fitting.count, isDescending ? fitting[place] > one : fitting[place] < one { place += 1 }
            if (place < fitting.count && fitting[place] == one) == isIn { result.append(one) }
        }
        return result
    }
}
