import HTTPTypes
import Hummingbird
import LogModel
import RequestLog

/// Exchanges as they end, as server-sent events.
extension Dashboard {
    private static let maxFeeds = 32
    private static let lastEventID = HTTPField.Name("last-event-id")
    private static let accelBuffering = HTTPField.Name("x-accel-buffering")

    func feed(_ request: Request) throws(DashboardError) -> Response {
        let pool = try log
        var filter = try RequestFilter.read(request, now: clock())
        filter.until = nil
        let mark = Self.lastEventID.flatMap { request.headers[$0] }.flatMap { Int64($0) }
        let after = try RequestFilter.number(request, "after")
        guard let slot = FeedStream.Slot(self, most: Self.maxFeeds) else {
            throw DashboardError(.tooManyRequests, "too_many", "\(Self.maxFeeds) live feeds are open; close some pages")
        }
        var headers = Reply.headers("text/event-stream")
        // Proxies on the way are not to collect it.
        if let name = Self.accelBuffering { headers[name] = "no" }
        let stream = FeedStream(
            dashboard: self, pool: pool, filter: filter, after: mark ?? after ?? -1, slot: slot)
        return Response(status: .ok, headers: headers, body: ResponseBody(asyncSequence: stream))
    }

    /// How the log's writer fares, for the page's warning.
    func writerState(newest: Int64) -> [UInt8] {
        let stats = host.logStats
        let object = JSONObjectWriter()
        object.number("newest", newest)
        object.number("pending", Int64(stats?.pending ?? 0))
        object.number("dropped", Int64(stats?.dropped ?? 0))
        object.flag("failing", stats?.isFailing ?? false)
        return object.end()
    }
}
