import Hummingbird
import RequestLog
import WireJSON

/// Sums over time, and what there is to filter by.
extension Dashboard {
    private static let longestSpan: Int64 = 400 * 86_400_000

    func overview(_ request: Request) async throws(DashboardError) -> Response {
        let now = clock()
        let since = try RequestFilter.time(request, "since", now) ?? now - 3_600_000
        let until = try RequestFilter.time(request, "until", now) ?? now
        guard since < until else { throw .parameter("since", "must be before until") }
        guard until - since <= Self.longestSpan else { throw .parameter("since", "a span has at most 400 days") }
        var query = OverviewQuery(since: since, until: until)
        query.model = try RequestFilter.text(request, "model")
        query.provider = try RequestFilter.text(request, "provider")
        query.upstreamModel = try RequestFilter.text(request, "upstream_model")
        let wanted = query
        let overview = try await log.read { reader throws(LogError) in try reader.overview(wanted) }
        return Reply.json(Self.json(overview, query))
    }

    private static func json(_ overview: Overview, _ query: OverviewQuery) -> [UInt8] {
        let object = JSONObjectWriter()
        object.number("since", query.since)
        object.number("until", query.until)
        object.number("step", overview.step * 1_000)
        object.numbers("bounds", RollupScale.bounds)
        object.flag("truncated", overview.isTruncated)
        object.array("series", overview.series) { series, object in
            object.text("model", series.model)
            object.text("provider", series.provider)
            object.text("upstream_model", series.upstreamModel)
            object.array("points", series.points, write)
        }
        return object.end()
    }

    private static func write(_ point: Overview.Point, _ object: JSONObjectWriter) {
        object.number("at", point.at)
        let sums = [
            ("ok", point.ok), ("failed", point.failed), ("cancelled", point.cancelled), ("repaired", point.repaired),
            ("input", point.input), ("output", point.output), ("cache_read", point.cacheRead),
            ("cache_write", point.cacheWrite), ("reasoning", point.reasoning),
        ]
        for (name, sum) in sums where sum != 0 { object.number(name, sum) }
        if point.cost > 0, point.cost.isFinite { object.number("cost", point.cost) }
        write("ttft", point.firstToken, object)
        write("latency", point.latency, object)
        write("rate", point.rate, object)
    }

    private static func write(_ name: String, _ places: [Int: Int64], _ object: JSONObjectWriter) {
        guard !places.isEmpty else { return }
        let out = ByteWriter(capacity: 128)
        out.append("[")
        for (index, (place, count)) in places.sorted(by: { $0.key < $1.key }).enumerated() {
            out.append(utf8: "\(index > 0 ? "," : "")[\(place),\(count)]")
        }
        out.append("]")
        object.raw(name, out.bytes)
    }

    func facets() async throws(DashboardError) -> Response {
        let now = clock()
        let facets = try await log.read { reader throws(LogError) in try reader.facets(now: now) }
        let object = JSONObjectWriter()
        object.texts("models", Array(facets.models.prefix(200)))
        object.texts("providers", Array(facets.providers.prefix(200)))
        object.array("routes", Array(facets.routes.prefix(200))) { route, object in
            object.text("provider", route.provider)
            object.text("upstream_model", route.upstreamModel)
        }
        object.texts("clients", facets.clients)
        object.texts("profiles", facets.profiles)
        object.texts("dialects", facets.dialects)
        object.texts("statuses", facets.statuses)
        return Reply.json(object.end())
    }
}
