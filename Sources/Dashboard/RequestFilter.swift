import Hummingbird
import RequestLog

/// Filters of a list or feed out of a query.
enum RequestFilter {
    /// Bytes of a value.
    private static let maxValue = 500
    /// Unix milliseconds of the latest time that can be asked for; sums and differences of such times are numbers, too.
    private static let latest: Int64 = 1 << 53

    static func read(_ request: Request, now: Int64) throws(DashboardError) -> LogFilter {
        var filter = LogFilter()
        filter.model = try text(request, "model")
        filter.provider = try text(request, "provider")
        filter.upstreamModel = try text(request, "upstream_model")
        filter.profile = try text(request, "profile")
        filter.client = try text(request, "client")
        filter.dialect = try text(request, "dialect")
        filter.since = try time(request, "since", now)
        filter.until = try time(request, "until", now)
        filter.hasRepair = try flag(request, "repaired")
        filter.hasError = try flag(request, "error")
        if let status = try text(request, "status") { try read(status, into: &filter) }
        filter.search = try text(request, "q")
        return filter
    }

    private static func read(_ status: String, into filter: inout LogFilter) throws(DashboardError) {
        let characters = Array(status.lowercased())
        if ["ok", "failed", "cancelled"].contains(status) {
            filter.outcome = status
        } else if characters.count == 3, characters[1...] == ["x", "x"], let digit = characters[0].wholeNumberValue,
            (1...9).contains(digit)
        {
            filter.statusClass = digit
        } else if characters.count == 3, let number = Int(status) {
            filter.status = number
        } else {
            throw .parameter("status", "must be such as 429, 4xx, ok, failed or cancelled")
        }
    }

    static func text(_ request: Request, _ name: String) throws(DashboardError) -> String? {
        guard let value = request.uri.queryParameters[name[...]].map(String.init), !value.isEmpty else { return nil }
        guard value.utf8.count <= maxValue else { throw .parameter(name, "is longer than \(maxValue) bytes") }
        return value
    }

    static func number(_ request: Request, _ name: String) throws(DashboardError) -> Int64? {
        guard let text = try text(request, name) else { return nil }
        guard let number = Int64(text), number >= 0 else {
            throw .parameter(name, "must be a whole number, 0 or above")
        }
        return number
    }

    private static func flag(_ request: Request, _ name: String) throws(DashboardError) -> Bool {
        switch try text(request, name) {
        case nil, "0", "false": false
        case "1", "true": true
        default: throw .parameter(name, "must be 1 or 0")
        }
    }

    /// Unix milliseconds, or a length of time before now.
    static func time(_ request: Request, _ name: String, _ now: Int64) throws(DashboardError) -> Int64? {
        guard let text = try text(request, name) else { return nil }
        if let number = Int64(text), number >= 0 {
            guard number <= latest else { throw .parameter(name, "must be at most \(latest)") }
            return number
        }
        let units: [Character: Int64] = ["s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]
        let unit = text.last.flatMap { units[$0] }
        guard let unit, let count = Int64(text.dropLast()), (0...100_000).contains(count) else {
            throw .parameter(name, "must be Unix milliseconds, or such as 15m, 6h, 7d")
        }
        return now - count * unit
    }
}
