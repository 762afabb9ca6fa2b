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
            (
                labels: [("route", config.path), ("model", config.upstreamModel), ("provider", config.provider)],
                route: route
            )
        }
        text.family("kimi_route_active", "gauge", "Attempts under way, by entry.")
        for row in rows { text.sample(row.labels, row.route.slots.active) }
        text.family("kimi_routes_cold", "gauge", "1 while the entry is left out of new attempts.")
        for row in rows { text.sample(row.labels, row.route.health.cooldown.isWarm ? 0 : 1) }
        text.family("kimi_keys_cold", "gauge", "Keys of the entry that are left out of new attempts.")
        for row in rows { text.sample(row.labels, row.route.keys.count { !$0.health.cooldown.isWarm }) }
        return text.text
    }
}
