import LogModel

/// Sums over requests: who asked for what, what it took in tokens and money, and what the host itself added.
package struct TrafficMetrics: Sendable {
    package struct RequestKey: Hashable, Sendable {
        /// The client's API, such as `openai.chat`.
        let dialect: String
        /// The client's name of the model; `other` when it is not configured.
        let model: String
        /// `2xx`, `4xx`, `5xx`, or `cancelled` when the client was gone before there was a reply.
        let status: String
    }

    /// Disjoint but for `reasoning`, which is part of `output`.
    enum TokenType: String, CaseIterable, Sendable {
        case fresh, cacheRead = "cache_read", cacheWrite = "cache_write", output, reasoning
    }

    struct TokenKey: Hashable, Sendable {
        let route: HostMetrics.RouteKey
        let type: TokenType
    }

    struct CostKey: Hashable, Sendable {
        let route: HostMetrics.RouteKey
        /// By the price table; else the upstream told it.
        let isPriced: Bool
    }

    private(set) var requests: [RequestKey: Int] = [:]
    /// By the category of the error that a client heard.
    private(set) var errors: [String: Int] = [:]
    private(set) var tokens: [TokenKey: Int] = [:]
    private(set) var costs: [CostKey: Double] = [:]
    /// By the client's API.
    private(set) var overheads: [String: Histogram] = [:]
    /// The names that clients have used.
    private var models: Set<String> = []

    /// `model`, as long as there are few.
    mutating func admit(model: String) -> String {
        if models.contains(model) { return model }
        guard models.count < MetricLabels.maxModels else { return MetricLabels.other }
        models.insert(model)
        return model
    }

    /// `model`: nil when it is not configured, or not known.
    mutating func ended(dialect: String, model: String?, status: Int) {
        let name = model.map { admit(model: $0) } ?? MetricLabels.other
        let status = status == 0 ? "cancelled" : "\(status / 100)xx"
        requests[RequestKey(dialect: dialect, model: name, status: status), default: 0] += 1
    }

    /// `category` is one of a fixed set.
    mutating func failed(_ category: String) { errors[category, default: 0] += 1 }

    mutating func add(_ measure: ExchangeMeasure, _ route: HostMetrics.RouteKey) {
        if let overhead = measure.overhead {
            overheads[measure.dialect, default: Histogram()].add(overhead, .overhead)
        }
        let usage = measure.usage
        if let input = usage.input {
            let read = min(max(0, usage.cacheRead ?? 0), input)
            let written = min(max(0, usage.cacheWrite ?? 0), input - read)
            count(.fresh, input - read - written, route)
            count(.cacheRead, read, route)
            count(.cacheWrite, written, route)
        }
        if let output = usage.output { count(.output, output, route) }
        if let reasoning = usage.reasoning { count(.reasoning, reasoning, route) }
        if let cost = usage.cost, cost.isFinite, cost >= 0 {
            costs[CostKey(route: route, isPriced: usage.isPriced), default: 0] += cost
        }
    }

    private mutating func count(_ type: TokenType, _ number: Int64, _ route: HostMetrics.RouteKey) {
        let key = TokenKey(route: route, type: type)
        let (sum, isOver) = tokens[key, default: 0].addingReportingOverflow(Int(clamping: max(0, number)))
        tokens[key] = isOver ? .max : sum
    }
}

extension PrometheusText {
    mutating func traffic(_ metrics: TrafficMetrics) {
        family("kimi_requests_total", "counter", "Client requests by API, model and class of their status.")
        let requests = metrics.requests.sorted {
            ($0.key.dialect, $0.key.model, $0.key.status) < ($1.key.dialect, $1.key.model, $1.key.status)
        }
        for (key, count) in requests {
            sample([("dialect", key.dialect), ("model", key.model), ("status", key.status)], count)
        }
        family("kimi_errors_total", "counter", "Errors that clients were told, by category.")
        for (category, count) in metrics.errors.sorted(by: { $0.key < $1.key }) {
            sample([("category", category)], count)
        }
        family(
            "kimi_tokens_total", "counter",
            "Tokens by route and type: fresh, cache_read and cache_write went in, output came out; reasoning is part of it.")
        let tokens = metrics.tokens.sorted {
            ($0.key.route.model, $0.key.route.provider, $0.key.type.rawValue)
                < ($1.key.route.model, $1.key.route.provider, $1.key.type.rawValue)
        }
        for (key, count) in tokens { sample(labels(key.route) + [("type", key.type.rawValue)], count) }
        family("kimi_cost_total", "counter", "Cost by route, as the upstream told it or by log.prices.")
        let costs = metrics.costs.sorted {
            ($0.key.route.model, $0.key.route.provider, $0.key.isPriced ? 1 : 0)
                < ($1.key.route.model, $1.key.route.provider, $1.key.isPriced ? 1 : 0)
        }
        for (key, cost) in costs {
            sample(labels(key.route) + [("source", key.isPriced ? "prices" : "upstream")], "\(cost)")
        }
        family(
            "kimi_overhead_seconds", "histogram",
            "What the host took for itself before an upstream was asked and after its answer was there.")
        for (dialect, histogram) in metrics.overheads.sorted(by: { $0.key < $1.key }) {
            self.histogram([("dialect", dialect)], histogram, .overhead)
        }
    }

    private func labels(_ route: HostMetrics.RouteKey) -> [(String, String)] {
        [("model", route.model), ("provider", route.provider)]
    }
}
