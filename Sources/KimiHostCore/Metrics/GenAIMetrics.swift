import LogModel

/// Measurements of requests and attempts, under the names of OpenTelemetry's semantic conventions for generative AI.
///
/// Instruments, attributes and bucket bounds are those of
/// https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md (status
/// "development", read 2026-11-23). Names become Prometheus' by
/// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/: dots to underscores, the unit
/// `s` to the suffix `_seconds`, units in braces to nothing.
///
/// A finished exchange costs one look-up for itself and one for each attempt: all that is counted of them lies together.
package struct GenAIMetrics: Sendable {
    /// A request as its client sees it: `gen_ai.server.*`.
    struct RequestKey: Hashable, Sendable {
        var operation: String
        /// The client's name of the model.
        var asked: String
        var route: HostMetrics.RouteKey
    }

    /// An attempt as its upstream sees it: `gen_ai.client.*`.
    struct AttemptKey: Hashable, Sendable {
        var operation: String
        var route: HostMetrics.RouteKey
    }

    struct Request: Sendable {
        var durations = HistogramsByError()
        var firstToken = Histogram()
        var perToken = Histogram()
    }

    struct Attempt: Sendable {
        var durations = HistogramsByError()
        var firstChunk = Histogram()
        var perChunk = Histogram()
        var input = Histogram()
        var output = Histogram()
        var tokens = TokenSums()
        var cost = CostSums()
    }

    private(set) var requests = SeriesTable<RequestKey, Request>()
    private(set) var attempts = SeriesTable<AttemptKey, Attempt>()

    /// `route`: where the exchange ended. The bounds are asked when a key is new.
    mutating func add(_ measure: ExchangeMeasure, _ route: HostMetrics.RouteKey, _ bounds: inout LabelBounds) {
        let operation = MetricLabels.operation(ofDialect: measure.dialect)
        let key = RequestKey(operation: operation, asked: measure.asked, route: route)
        withRequest(key, &bounds) { request in
            request.durations.add(measure.duration, error: measure.error, .duration)
            guard measure.error.isEmpty, let firstToken = measure.firstToken else { return }
            request.firstToken.add(firstToken, .firstToken)
            if let perToken = measure.perToken { request.perToken.add(perToken, .perToken) }
        }
        var isUsageDue = measure.usage.input != nil || measure.usage.output != nil || measure.usage.cost != nil
        for (place, attempt) in measure.attempts.enumerated() {
            let own = HostMetrics.RouteKey(model: attempt.model, provider: attempt.provider)
            let takesUsage = isUsageDue && place == measure.attempts.count - 1 && own == route
            if takesUsage { isUsageDue = false }
            withAttempt(AttemptKey(operation: operation, route: own), &bounds) { series in
                series.add(attempt)
                if takesUsage { series.add(measure.usage) }
            }
        }
        guard isUsageDue else { return }
        withAttempt(AttemptKey(operation: operation, route: route), &bounds) { $0.add(measure.usage) }
    }

    private mutating func withRequest(
        _ key: RequestKey, _ bounds: inout LabelBounds, _ body: (inout Request) -> Void
    ) {
        let isFull = requests.count >= MetricLabels.maxSets
        requests.change(
            key,
            bounded: { key in
                RequestKey(
                    operation: key.operation, asked: isFull ? MetricLabels.other : bounds.model(key.asked),
                    route: isFull ? .other : bounds.route(key.route))
            }, new: Request(), body)
    }

    private mutating func withAttempt(
        _ key: AttemptKey, _ bounds: inout LabelBounds, _ body: (inout Attempt) -> Void
    ) {
        attempts.change(
            key, bounded: { AttemptKey(operation: $0.operation, route: bounds.route($0.route)) }, new: Attempt(), body)
    }
}

extension GenAIMetrics.Attempt {
    fileprivate mutating func add(_ attempt: ExchangeMeasure.Attempt) {
        durations.add(attempt.duration, error: attempt.error, .duration)
        guard let chunk = attempt.firstChunk else { return }
        firstChunk.add(chunk, .duration)
        perChunk.add(counts: attempt.gaps, .duration)
    }

    fileprivate mutating func add(_ usage: ExchangeRecord.Usage) {
        if let count = usage.input { input.add(Int(clamping: count), .tokens) }
        if let count = usage.output { output.add(Int(clamping: count), .tokens) }
        tokens.add(usage)
        cost.add(usage)
    }
}

/// Durations, apart by the error that ended what took them; the categories are a fixed set.
struct HistogramsByError: Sendable {
    private var well = Histogram()
    private var failed: [String: Histogram] = [:]

    mutating func add(_ value: Int, error: String, _ bounds: Histogram.Bounds) {
        if error.isEmpty { well.add(value, bounds) } else { failed[error, default: Histogram()].add(value, bounds) }
    }

    /// By error; an empty one stands for none.
    var all: [(error: String, histogram: Histogram)] {
        [("", well)] + failed.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

/// Tokens by type. Disjoint but for `reasoning`, which is part of `output`.
struct TokenSums: Sendable {
    private(set) var fresh = 0
    private(set) var cacheRead = 0
    private(set) var cacheWrite = 0
    private(set) var output = 0
    private(set) var reasoning = 0
    private(set) var isKnown = false

    mutating func add(_ usage: ExchangeRecord.Usage) {
        isKnown = isKnown || usage.input != nil || usage.output != nil
        if let input = usage.input {
            let read = min(max(0, usage.cacheRead ?? 0), max(0, input))
            let written = min(max(0, usage.cacheWrite ?? 0), max(0, input) - read)
            fresh &+= Int(clamping: max(0, input) - read - written)
            cacheRead &+= Int(clamping: read)
            cacheWrite &+= Int(clamping: written)
        }
        output &+= Int(clamping: max(0, usage.output ?? 0))
        reasoning &+= Int(clamping: max(0, usage.reasoning ?? 0))
    }

    mutating func add(_ other: TokenSums) {
        isKnown = isKnown || other.isKnown
        fresh &+= other.fresh
        cacheRead &+= other.cacheRead
        cacheWrite &+= other.cacheWrite
        output &+= other.output
        reasoning &+= other.reasoning
    }

    var byType: [(String, Int)] {
        [
            ("cache_read", cacheRead), ("cache_write", cacheWrite), ("fresh", fresh), ("output", output),
            ("reasoning", reasoning),
        ]
    }
}

/// Money, in whatever currency it was told in.
struct CostSums: Sendable {
    /// By the price table.
    private(set) var priced: Double?
    private(set) var upstream: Double?

    mutating func add(_ usage: ExchangeRecord.Usage) {
        guard let cost = usage.countedCost else { return }
        if usage.isPriced { priced = (priced ?? 0) + cost } else { upstream = (upstream ?? 0) + cost }
    }

    mutating func add(_ other: CostSums) {
        if let cost = other.priced { priced = (priced ?? 0) + cost }
        if let cost = other.upstream { upstream = (upstream ?? 0) + cost }
    }
}
