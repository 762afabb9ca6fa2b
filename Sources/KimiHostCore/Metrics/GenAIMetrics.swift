import LogModel

/// Measurements of requests and attempts, under the names of OpenTelemetry's semantic conventions for generative AI.
///
/// Instruments, attributes and bucket bounds are those of
/// https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md (status
/// "development", read 2026-11-23). Names become Prometheus' by
/// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/: dots to underscores, the unit
/// `s` to the suffix `_seconds`, units in braces to nothing.
package struct GenAIMetrics: Sendable {
    /// A request as its client sees it: `gen_ai.server.*`.
    struct RequestKey: Hashable, Sendable {
        let operation: String
        let provider: String
        /// The client's name of the model.
        let asked: String
        /// The upstream's.
        let model: String
    }

    /// An attempt as its upstream sees it: `gen_ai.client.*`.
    struct AttemptKey: Hashable, Sendable {
        let operation: String
        let provider: String
        let model: String
    }

    /// A duration with the error that ended it; empty: none.
    struct Ended<Key: Hashable & Sendable>: Hashable, Sendable {
        let key: Key
        let error: String
    }

    struct Request: Sendable {
        var firstToken = Histogram()
        var perToken = Histogram()
    }

    struct Attempt: Sendable {
        var firstChunk = Histogram()
        var perChunk = Histogram()
        var input = Histogram()
        var output = Histogram()
    }

    private(set) var requestDurations: [Ended<RequestKey>: Histogram] = [:]
    private(set) var requests: [RequestKey: Request] = [:]
    private(set) var attemptDurations: [Ended<AttemptKey>: Histogram] = [:]
    private(set) var attempts: [AttemptKey: Attempt] = [:]

    /// `route`: where the exchange ended; `admit` bounds labels.
    mutating func add(
        _ measure: ExchangeMeasure, asked: String, route: HostMetrics.RouteKey,
        admit: (_ model: String, _ provider: String) -> HostMetrics.RouteKey
    ) {
        let operation = MetricLabels.operation(ofDialect: measure.dialect)
        let key = Self.requestKey(operation, asked, route)
        let ended = requestDurations.bounded(
            Ended(key: key, error: measure.error), other: Ended(key: Self.otherRequest, error: measure.error),
            most: MetricLabels.maxSets)
        requestDurations[ended, default: Histogram()].add(measure.duration, .duration)
        if measure.error.isEmpty, let firstToken = measure.firstToken {
            let bounded = requests.bounded(key, other: Self.otherRequest, most: MetricLabels.maxSets)
            requests[bounded, default: Request()].firstToken.add(firstToken, .firstToken)
            if let perToken = measure.perToken { requests[bounded, default: Request()].perToken.add(perToken, .perToken) }
        }
        for attempt in measure.attempts { add(attempt, operation, admit(attempt.model, attempt.provider)) }
        guard measure.usage.input != nil || measure.usage.output != nil else { return }
        let place = attemptKey(operation, route)
        if let input = measure.usage.input {
            attempts[place, default: Attempt()].input.add(Int(clamping: input), .tokens)
        }
        if let output = measure.usage.output {
            attempts[place, default: Attempt()].output.add(Int(clamping: output), .tokens)
        }
    }

    private mutating func add(_ attempt: ExchangeMeasure.Attempt, _ operation: String, _ route: HostMetrics.RouteKey) {
        let key = attemptKey(operation, route)
        let ended = attemptDurations.bounded(
            Ended(key: key, error: attempt.error), other: Ended(key: Self.otherAttempt, error: attempt.error),
            most: MetricLabels.maxSets)
        attemptDurations[ended, default: Histogram()].add(attempt.duration, .duration)
        guard let firstChunk = attempt.firstChunk else { return }
        attempts[key, default: Attempt()].firstChunk.add(firstChunk, .duration)
        attempts[key, default: Attempt()].perChunk.add(counts: attempt.gaps, .duration)
    }

    private func attemptKey(_ operation: String, _ route: HostMetrics.RouteKey) -> AttemptKey {
        attempts.bounded(
            AttemptKey(
                operation: operation, provider: MetricLabels.conventional(route.provider), model: route.model),
            other: Self.otherAttempt, most: MetricLabels.maxSets)
    }

    private static func requestKey(_ operation: String, _ asked: String, _ route: HostMetrics.RouteKey) -> RequestKey {
        RequestKey(
            operation: operation, provider: MetricLabels.conventional(route.provider), asked: asked,
            model: route.model)
    }

    private static let otherRequest = RequestKey(
        operation: MetricLabels.other, provider: MetricLabels.other, asked: MetricLabels.other,
        model: MetricLabels.other)
    private static let otherAttempt = AttemptKey(
        operation: MetricLabels.other, provider: MetricLabels.other, model: MetricLabels.other)
}
