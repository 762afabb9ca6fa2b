import PluginHost

extension PluginSet {
    /// Why a route cannot be served: its provider is quarantined, or one of its transforms, none of which may be left
    /// out. nil: it can.
    func quarantine(of route: RouteConfig) -> QuarantineReason? {
        if let reason = quarantine(.provider, named: route.provider) { return reason }
        return route.transforms.lazy.compactMap { quarantine(.transform, named: $0.plugin) }.first
    }
}

extension Route {
    /// A route of which nothing can be asked. No code of its plugins runs.
    convenience init(
        standingInFor plugin: LoadedPlugin?, _ config: RouteConfig, _ timeouts: RouteTimeouts,
        _ maxResponseBytes: Int, _ cooldown: CooldownPolicy, _ latency: RouteLatency, _ quarantine: QuarantineReason
    ) {
        let provider = ProviderInstance(standingInFor: plugin, name: config.provider)
        self.init(
            providers: [(provider, 1, nil)], transforms: [], upstreamModel: config.upstreamModel, timeouts: timeouts,
            maxResponseBytes: maxResponseBytes, cooldown: cooldown, latency: latency, quarantine: quarantine)
    }
}
