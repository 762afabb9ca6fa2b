import GRDB

/// Which sums to read; what is nil does not count.
package struct OverviewQuery: Sendable, Equatable {
    /// Unix milliseconds, inclusive and exclusive.
    package var since: Int64
    package var until: Int64
    package var model: String?
    package var provider: String?
    package var upstreamModel: String?

    package init(since: Int64, until: Int64) {
        self.since = since
        self.until = until
    }

    /// Seconds of one point: so many that a span has at most about 360 of them.
    package var step: Int64 {
        switch until / 1_000 - since / 1_000 {
        case ...21_600: 60
        case ...86_400: 300
        case ...1_209_600: 3_600
        default: 21_600
        }
    }

    /// The rows to read from.
    var rows: Int64 { step < Rollup.hour ? Rollup.minute : Rollup.hour }
}

/// Sums over time, series by series, the busiest first.
package struct Overview: Sendable {
    package struct Point: Sendable {
        /// Unix milliseconds.
        package var at: Int64 = 0
        package var ok: Int64 = 0
        package var failed: Int64 = 0
        package var cancelled: Int64 = 0
        package var repaired: Int64 = 0
        package var input: Int64 = 0
        package var output: Int64 = 0
        package var cacheRead: Int64 = 0
        package var cacheWrite: Int64 = 0
        package var reasoning: Int64 = 0
        package var cost = 0.0
        /// Histograms: counts by place.
        package var firstToken: [Int: Int64] = [:]
        package var latency: [Int: Int64] = [:]
        package var rate: [Int: Int64] = [:]

        package var total: Int64 { ok + failed + cancelled }
    }

    package struct Series: Sendable {
        package var model: String
        package var provider: String
        package var upstreamModel: String
        package var points: [Point]

        var total: Int64 { points.reduce(0) { $0 + $1.total } }
    }

    /// Series beyond are one without names.
    package static let maxSeries = 60

    /// Seconds.
    package var step: Int64
    package var series: [Series]
    package var isTruncated = false
}

/// What there is to filter by.
package struct Facets: Sendable {
    package struct Route: Sendable, Hashable {
        package var provider: String
        package var upstreamModel: String
    }

    package var models: [String] = []
    package var providers: [String] = []
    package var routes: [Route] = []
    package var clients: [String] = []
    package var profiles: [String] = []
    package var dialects: [String] = []
    package var statuses: [String] = []
}

extension LogReader {
    /// The sums of a span of time. Its cost goes by the number of steps and routes.
    package func overview(_ query: OverviewQuery) throws(LogError) -> Overview {
        try read { db in
            var points: [Int64: [Int64: Overview.Point]] = [:]
            try Self.readSums(query, db, into: &points)
            try Self.readPlaces(query, db, into: &points)
            var series: [Overview.Series] = []
            let names = try Row.fetchAll(db, sql: "SELECT id, model, provider, upstream FROM rollup_series")
            for row in names {
                guard let points = points[row[0]] else { continue }
                series.append(
                    Overview.Series(
                        model: row[1], provider: row[2], upstreamModel: row[3],
                        points: points.values.sorted { $0.at < $1.at }))
            }
            return Self.bounded(series, step: query.step)
        }
    }

    private static func bounded(_ series: [Overview.Series], step: Int64) -> Overview {
        let sorted = series.sorted { ($0.total, $1.model) > ($1.total, $0.model) }
        guard sorted.count > Overview.maxSeries else { return Overview(step: step, series: sorted) }
        var rest: [Int64: Overview.Point] = [:]
        for point in sorted[Overview.maxSeries...].flatMap(\.points) {
            rest[point.at, default: Overview.Point(at: point.at)].add(point)
        }
        let others = Overview.Series(
            model: "", provider: "", upstreamModel: "", points: rest.values.sorted { $0.at < $1.at })
        return Overview(step: step, series: sorted.prefix(Overview.maxSeries) + [others], isTruncated: true)
    }

    private static func readSums(
        _ query: OverviewQuery, _ db: Database, into points: inout [Int64: [Int64: Overview.Point]]
    ) throws {
        let sql = """
            SELECT series, start / \(query.step) * \(query.step), sum(ok), sum(failed), sum(cancelled), sum(repaired),
                sum(input), sum(output), sum(cache_read), sum(cache_write), sum(reasoning), sum(cost)
            FROM rollup WHERE \(query.condition) GROUP BY 1, 2
            """
        for row in try Row.fetchAll(db, sql: sql, arguments: query.arguments) {
            var point = Overview.Point()
            let start: Int64 = row[1]
            point.at = start * 1_000
            (point.ok, point.failed, point.cancelled, point.repaired) = (row[2], row[3], row[4], row[5])
            (point.input, point.output, point.cacheRead, point.cacheWrite) = (row[6], row[7], row[8], row[9])
            (point.reasoning, point.cost) = (row[10], row[11])
            points[row[0], default: [:]][start] = point
        }
    }

    private static func readPlaces(
        _ query: OverviewQuery, _ db: Database, into points: inout [Int64: [Int64: Overview.Point]]
    ) throws {
        let sql = """
            SELECT series, start / \(query.step) * \(query.step), histogram, place, sum(count) FROM rollup_place
            WHERE \(query.condition) GROUP BY 1, 2, 3, 4
            """
        for row in try Row.fetchAll(db, sql: sql, arguments: query.arguments) {
            let (series, start, place, count): (Int64, Int64, Int, Int64) = (row[0], row[1], row[3], row[4])
            guard var point = points[series]?[start], let histogram = RollupSums.Histogram(rawValue: row[2]) else {
                continue
            }
            switch histogram {
            case .firstToken: point.firstToken[place] = count
            case .latency: point.latency[place] = count
            case .rate: point.rate[place] = count
            }
            points[series]?[start] = point
        }
    }

    /// Names in the log, the ones most used in the last 30 days first.
    package func facets(now: Int64) throws(LogError) -> Facets {
        try read { db in
            var facets = Facets()
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT model, provider, upstream, sum(ok + failed + cancelled) FROM rollup
                    JOIN rollup_series ON id = series WHERE step = \(Rollup.hour) AND start >= ?
                    GROUP BY series ORDER BY 4 DESC LIMIT 1000
                    """, arguments: [now / 1_000 - 30 * 86_400])
            for row in rows {
                let (model, provider): (String, String) = (row[0], row[1])
                guard !provider.isEmpty else { continue }
                let route = Facets.Route(provider: provider, upstreamModel: row[2])
                if !facets.models.contains(model) { facets.models.append(model) }
                if !facets.providers.contains(provider) { facets.providers.append(provider) }
                if !facets.routes.contains(route) { facets.routes.append(route) }
            }
            for row in try Row.fetchAll(db, sql: "SELECT kind, name FROM facet ORDER BY kind, last DESC, name") {
                switch Rollup.Facet(rawValue: row[0]) {
                case .client: facets.clients.append(row[1])
                case .profile: facets.profiles.append(row[1])
                case .dialect: facets.dialects.append(row[1])
                case .status: facets.statuses.append(row[1])
                case nil: break
                }
            }
            return facets
        }
    }
}

extension OverviewQuery {
    fileprivate var condition: String {
        var text = "step = \(rows) AND start >= ? AND start < ?"
        guard model != nil || provider != nil || upstreamModel != nil else { return text }
        let names = [("model", model), ("provider", provider), ("upstream", upstreamModel)].filter { $0.1 != nil }
        let inner = names.map { "\($0.0) = ?" }.joined(separator: " AND ")
        text += " AND series IN (SELECT id FROM rollup_series WHERE \(inner))"
        return text
    }

    fileprivate var arguments: StatementArguments {
        let first = since / 1_000 / step * step
        let names = [model, provider, upstreamModel].compactMap(\.self)
        return [first, until / 1_000 + (until % 1_000 > 0 ? 1 : 0)] + StatementArguments(names)
    }
}

extension Overview.Point {
    fileprivate mutating func add(_ other: Self) {
        (ok, failed, cancelled) = (ok + other.ok, failed + other.failed, cancelled + other.cancelled)
        (repaired, input, output) = (repaired + other.repaired, input + other.input, output + other.output)
        (cacheRead, cacheWrite) = (cacheRead + other.cacheRead, cacheWrite + other.cacheWrite)
        (reasoning, cost) = (reasoning + other.reasoning, cost + other.cost)
        firstToken.merge(other.firstToken, uniquingKeysWith: +)
        latency.merge(other.latency, uniquingKeysWith: +)
        rate.merge(other.rate, uniquingKeysWith: +)
    }
}
