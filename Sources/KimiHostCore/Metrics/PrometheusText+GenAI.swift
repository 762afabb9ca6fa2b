/// What OpenTelemetry's conventions for generative AI name.
extension PrometheusText {
    mutating func genAI(_ metrics: GenAIMetrics) {
        requests(metrics)
        attempts(metrics)
    }

    private mutating func requests(_ metrics: GenAIMetrics) {
        family(
            "gen_ai_server_request_duration_seconds", "histogram",
            "From the last byte of a client's request until its reply was complete.")
        let rest = Self.sorted(metrics.requests.rows.map { ($0.key, $0.series) }, by: Self.labels)
        for (key, request) in rest { durations(Self.labels(key), request.durations) }
        family(
            "gen_ai_server_time_to_first_token_seconds", "histogram",
            "From the last byte of a client's request until the first content of its streamed reply.")
        for (key, request) in rest { histogram(Self.labels(key), request.firstToken, .firstToken) }
        family(
            "gen_ai_server_time_per_output_token_seconds", "histogram",
            "Mean time of a streamed reply's output tokens behind the first.")
        for (key, request) in rest { histogram(Self.labels(key), request.perToken, .perToken) }
    }

    private mutating func attempts(_ metrics: GenAIMetrics) {
        family(
            "gen_ai_client_operation_duration_seconds", "histogram",
            "How long attempts to have a request answered took.")
        let rest = Self.sorted(metrics.attempts.rows.map { ($0.key, $0.series) }, by: Self.labels)
        for (key, attempt) in rest { durations(Self.labels(key), attempt.durations) }
        family(
            "gen_ai_client_operation_time_to_first_chunk_seconds", "histogram",
            "From a request to an upstream until the first content of its streamed answer.")
        for (key, attempt) in rest { histogram(Self.labels(key), attempt.firstChunk, .duration) }
        family(
            "gen_ai_client_operation_time_per_output_chunk_seconds", "histogram",
            "Between two arrivals of content of a streamed answer.")
        for (key, attempt) in rest { histogram(Self.labels(key), attempt.perChunk, .duration) }
        family("gen_ai_client_token_usage", "histogram", "Tokens of a request and of its answer, cached ones included.")
        for (key, attempt) in rest {
            histogram(Self.labels(key) + [("gen_ai_token_type", "input")], attempt.input, .tokens)
            histogram(Self.labels(key) + [("gen_ai_token_type", "output")], attempt.output, .tokens)
        }
    }

    private static func sorted<Key, Value>(
        _ pairs: [(Key, Value)], by labels: (Key) -> [(String, String)]
    ) -> [(Key, Value)] {
        pairs.map { (labels($0.0).map(\.1), $0) }
            .sorted { $0.0.lexicographicallyPrecedes($1.0) }.map(\.1)
    }

    private mutating func durations(_ labels: [(String, String)], _ all: HistogramsByError) {
        for (error, histogram) in all.all {
            self.histogram(labels + (error.isEmpty ? [] : [("error_type", error)]), histogram, .duration)
        }
    }

    private static func labels(_ key: GenAIMetrics.RequestKey) -> [(String, String)] {
        [
            ("gen_ai_operation_name", key.operation), provider(key.route),
            ("gen_ai_request_model", key.asked), ("gen_ai_response_model", key.route.model),
        ]
    }

    private static func labels(_ key: GenAIMetrics.AttemptKey) -> [(String, String)] {
        [
            ("gen_ai_operation_name", key.operation), provider(key.route), ("gen_ai_request_model", key.route.model),
        ]
    }

    private static func provider(_ route: HostMetrics.RouteKey) -> (String, String) {
        ("gen_ai_provider_name", MetricLabels.conventional(route.provider))
    }

    /// Nothing for one without values.
    mutating func histogram(_ labels: [(String, String)], _ histogram: Histogram, _ bounds: Histogram.Bounds) {
        guard !histogram.isEmpty else { return }
        var sum = 0
        for (bound, count) in zip(bounds.words + ["+Inf"], histogram.counts) {
            sum += count
            sample(labels + [("le", bound)], sum, suffix: "_bucket")
        }
        let total = bounds.scale == 1 ? "\(histogram.sum)" : "\(Double(histogram.sum) / Double(bounds.scale))"
        sample(labels, total, suffix: "_sum")
        sample(labels, sum, suffix: "_count")
    }
}
