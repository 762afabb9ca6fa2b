import NIOCore

/// What the server holds open, for `/metrics`.
package struct OpenResources: Sendable {
    package var transfers: Int
    package var connections: Int

    package init(transfers: Int, connections: Int) {
        self.transfers = transfers
        self.connections = connections
    }
}

extension HostRuntime {
    /// How routes stand now, in Prometheus' text format.
    package func routingMetrics(_ open: OpenResources) -> String {
        var text = PrometheusText()
        text.family("kimi_upstream_transfers", "gauge", "Requests to upstreams under way.")
        text.sample([], open.transfers)
        text.family("kimi_client_connections", "gauge", "Connections of clients that are open.")
        text.sample([], open.connections)
        text.family("kimi_route_queued", "gauge", "Requests that wait for an entry with max_concurrent.")
        text.sample([], routing.queued)
        let rows = zip(routeConfigs, routes).map { config, route in
            EntryRow(
                labels: [config.path, config.upstreamModel, config.provider], active: route.slots.active,
                isCold: route.health.cooldown.isWarm ? 0 : 1,
                coldKeys: route.keys.count { !$0.health.cooldown.isWarm })
        }
        text.entries(EntryRow.bounded(rows))
        return text.text
    }
}

/// How one entry of the configuration stands.
private struct EntryRow {
    /// Place, model and provider.
    var labels: [String]
    var active: Int
    var isCold: Int
    var coldKeys: Int

    /// The first `MetricLabels.maxEntries` as they are, and the sums of all others.
    static func bounded(_ rows: [EntryRow]) -> [EntryRow] {
        guard rows.count > MetricLabels.maxEntries else { return rows }
        let other = EntryRow(
            labels: [String](repeating: MetricLabels.other, count: 3), active: 0, isCold: 0, coldKeys: 0)
        let rest = rows.dropFirst(MetricLabels.maxEntries).reduce(into: other) { sum, row in
            sum.active += row.active
            sum.isCold += row.isCold
            sum.coldKeys += row.coldKeys
        }
        return rows.prefix(MetricLabels.maxEntries) + [rest]
    }

    var pairs: [(String, String)] { Array(zip(["route", "model", "provider"], labels)) }
}

extension PrometheusText {
    fileprivate mutating func entries(_ rows: [EntryRow]) {
        family("kimi_route_active", "gauge", "Attempts under way, by entry.")
        for row in rows { sample(row.pairs, row.active) }
        family("kimi_routes_cold", "gauge", "1 while the entry is left out of new attempts.")
        for row in rows { sample(row.pairs, row.isCold) }
        family("kimi_keys_cold", "gauge", "Keys of the entry that are left out of new attempts.")
        for row in rows { sample(row.pairs, row.coldKeys) }
    }
}
