import GRDB
import LogModel
import SQLiteFiles

/// Collects a transaction's exchanges and adds them to the tables that the dashboard's charts are drawn from.
///
/// There are rows of minutes, kept for two days, and of hours, kept for 400; a time's rows are as many as there are routes.
struct Rollup {
    /// Seconds.
    static let minute: Int64 = 60
    static let hour: Int64 = 3_600
    private static let keptMinutes: Int64 = 2 * 86_400
    private static let keptHours: Int64 = 400 * 86_400
    /// Series that are told apart; what comes later is counted without a name.
    private static let maxSeries = 1_000
    /// Names of one kind to filter by.
    private static let maxFacets = 200

    enum Facet: Int64, CaseIterable {
        case client = 1
        case profile = 2
        case dialect = 3
        case status = 4
    }

    private struct Key: Hashable {
        let step: Int64
        /// Unix seconds.
        let start: Int64
        let series: RollupSeries
    }

    private struct Named: Hashable {
        let facet: Facet
        let name: String
    }

    private var sums: [Key: RollupSums] = [:]
    private var facets: [Named: Int64] = [:]

    /// The texts of `record` must be such as may be written.
    mutating func add(_ record: ExchangeRecord) {
        let ended = (record.began + record.duration) / 1_000
        for step in [Self.minute, Self.hour] {
            let key = Key(step: step, start: ended / step * step, series: RollupSeries(record))
            sums[key, default: RollupSums()].add(record)
        }
        if let client = record.client { facets[Named(facet: .client, name: client)] = ended }
        facets[Named(facet: .dialect, name: record.dialect)] = ended
        facets[Named(facet: .status, name: "\(record.status)")] = ended
        // Of what was not found the client chose the name.
        if let profile = record.profile, !record.provider.isEmpty {
            facets[Named(facet: .profile, name: profile)] = ended
        }
    }

    func write(_ db: Database) throws {
        guard let now = sums.keys.map(\.start).max() else { return }
        var ids: [RollupSeries: Int64] = [:]
        for (key, sums) in sums {
            let id = try ids[key.series] ?? Self.id(of: key.series, db)
            ids[key.series] = id
            try Self.write(sums, key, id, db)
        }
        for (named, time) in facets { try Self.write(named, time, db) }
        for (step, age) in [(Self.minute, Self.keptMinutes), (Self.hour, Self.keptHours)] {
            for table in ["rollup", "rollup_place"] {
                try db.cachedStatement(sql: "DELETE FROM \(table) WHERE step = ? AND start < ?")
                    .execute(arguments: [step, now - age])
            }
        }
    }

    private static func id(of series: RollupSeries, _ db: Database) throws -> Int64 {
        let find = try db.cachedStatement(
            sql: "SELECT id FROM rollup_series WHERE model = ? AND provider = ? AND upstream = ?")
        let names: StatementArguments = [series.model, series.provider, series.upstream]
        if let id = try Int64.fetchOne(find, arguments: names) { return id }
        let count = try Int.fetchOne(db.cachedStatement(sql: "SELECT count(*) FROM rollup_series")) ?? 0
        guard count < maxSeries || series == RollupSeries() else { return try id(of: RollupSeries(), db) }
        try db.cachedStatement(sql: "INSERT INTO rollup_series (model, provider, upstream) VALUES (?, ?, ?)")
            .execute(arguments: names)
        return db.lastInsertedRowID
    }

    private static func write(_ sums: RollupSums, _ key: Key, _ series: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO rollup VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                    ok = ok + excluded.ok, failed = failed + excluded.failed, cancelled = cancelled + excluded.cancelled,
                    repaired = repaired + excluded.repaired, input = input + excluded.input,
                    output = output + excluded.output, cache_read = cache_read + excluded.cache_read,
                    cache_write = cache_write + excluded.cache_write, reasoning = reasoning + excluded.reasoning,
                    cost = cost + excluded.cost
                """
        ).execute(arguments: [
            key.step, key.start, series, sums.ok, sums.failed, sums.cancelled, sums.repaired, sums.input, sums.output,
            sums.cacheRead, sums.cacheWrite, sums.reasoning, sums.cost,
        ])
        let place = try db.cachedStatement(
            sql: """
                INSERT INTO rollup_place VALUES (?, ?, ?, ?, ?, ?)
                    ON CONFLICT DO UPDATE SET count = count + excluded.count
                """)
        for (at, count) in sums.places {
            try place.execute(arguments: [key.step, key.start, series, at.histogram.rawValue, at.place, count])
        }
    }

    private static func write(_ named: Named, _ time: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE facet SET last = ? WHERE kind = ? AND name = ?")
            .execute(arguments: [time, named.facet.rawValue, named.name])
        guard db.changesCount == 0 else { return }
        try db.cachedStatement(
            sql: "INSERT INTO facet SELECT ?, ?, ? WHERE (SELECT count(*) FROM facet WHERE kind = ?) < ?"
        ).execute(arguments: [named.facet.rawValue, named.name, time, named.facet.rawValue, maxFacets])
    }
}
