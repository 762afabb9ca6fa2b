/// Sums over requests: who asked for what, what clients were told, and what the host itself added.
package struct TrafficMetrics: Sendable {
    package struct RequestKey: Hashable, Sendable {
        /// The client's API, such as `openai.chat`.
        var dialect: String
        /// The client's name of the model; `other` when it is not configured.
        var model: String
        /// 2 for 200 to 299, and so on; 0 when the client was gone before there was a reply.
        var status: Int

        var statusName: String { status == 0 ? "cancelled" : "\(status)xx" }
    }

    private(set) var requests = SeriesTable<RequestKey, Int>()
    /// By the category of the error that a client heard.
    private(set) var errors: [String: Int] = [:]
    /// By the client's API.
    private(set) var overheads: [String: Histogram] = [:]

    /// `model`: nil when it is not configured, or not known.
    mutating func ended(dialect: String, model: String?, status: Int, _ bounds: inout LabelBounds) {
        let key = RequestKey(dialect: dialect, model: model ?? MetricLabels.other, status: status / 100)
        requests.change(
            key,
            bounded: { key in
                var bounded = key
                if let model { bounded.model = bounds.model(model) }
                return bounded
            }, new: 0
        ) { $0 += 1 }
    }

    /// `category` is one of a fixed set.
    mutating func failed(_ category: String) { errors[category, default: 0] += 1 }

    mutating func took(_ overhead: Int, dialect: String) {
        overheads[dialect, default: Histogram()].add(overhead, .overhead)
    }
}

extension PrometheusText {
    mutating func traffic(_ metrics: TrafficMetrics, _ genAI: GenAIMetrics) {
        family("kimi_requests_total", "counter", "Client requests by API, model and class of their status.")
        let requests = metrics.requests.rows.sorted {
            ($0.key.dialect, $0.key.model, $0.key.status) < ($1.key.dialect, $1.key.model, $1.key.status)
        }
        for row in requests {
            sample(
                [("dialect", row.key.dialect), ("model", row.key.model), ("status", row.key.statusName)], row.series)
        }
        family("kimi_errors_total", "counter", "Errors that clients were told, by category.")
        for (category, count) in metrics.errors.sorted(by: { $0.key < $1.key }) {
            sample([("category", category)], count)
        }
        used(genAI)
        family(
            "kimi_overhead_seconds", "histogram",
            "What the host took for itself before an upstream was asked and after its answer was there.")
        for (dialect, histogram) in metrics.overheads.sorted(by: { $0.key < $1.key }) {
            self.histogram([("dialect", dialect)], histogram, .overhead)
        }
    }

    private mutating func used(_ metrics: GenAIMetrics) {
        var sums: [HostMetrics.RouteKey: (tokens: TokenSums, cost: CostSums)] = [:]
        for row in metrics.attempts.rows {
            sums[row.key.route, default: (TokenSums(), CostSums())].tokens.add(row.series.tokens)
            sums[row.key.route, default: (TokenSums(), CostSums())].cost.add(row.series.cost)
        }
        let rows = sums.sorted { ($0.key.model, $0.key.provider) < ($1.key.model, $1.key.provider) }
            .map { (labels: [("model", $0.key.model), ("provider", $0.key.provider)], sums: $0.value) }
        family(
            "kimi_tokens_total", "counter",
            "Tokens by type: fresh, cache_read and cache_write went in, output came out; reasoning is part of it.")
        for row in rows where row.sums.tokens.isKnown {
            for (type, count) in row.sums.tokens.byType { sample(row.labels + [("type", type)], count) }
        }
        family("kimi_cost_total", "counter", "Cost by route, as the upstream told it or by log.prices.")
        for row in rows {
            if let cost = row.sums.cost.priced { sample(row.labels + [("source", "prices")], "\(cost)") }
            if let cost = row.sums.cost.upstream { sample(row.labels + [("source", "upstream")], "\(cost)") }
        }
    }
}
