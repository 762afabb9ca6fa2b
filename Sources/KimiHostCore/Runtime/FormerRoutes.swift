import JSONSchema
import PluginHost

/// What a configuration that is loaded anew takes over from the one before: what is known of upstreams, tokens, and the
/// instances of plugins that are the same in both, library and configuration.
///
/// A route is the same if model, profile, provider and upstream model are; of several such ones the first goes with
/// the first. What is known of it counts as long as one of its keys is the same.
struct FormerRoutes {
    private struct Identity: Hashable {
        let model: String
        let profile: String?
        let provider: String
        let upstreamModel: String
        let number: Int
    }

    private let routes: [Identity: Route]

    /// - Parameter former: by `RouteConfig.index`, with their configurations.
    init(_ configs: [RouteConfig], _ former: [Route]) {
        let places = zip(Self.identities(configs), configs.map(\.index)).filter { former.indices.contains($0.1) }
        routes = Dictionary(places.map { ($0.0, former[$0.1]) }, uniquingKeysWith: { first, _ in first })
    }

    /// What there is of each route of a new configuration, by `RouteConfig.index`.
    func matches(_ configs: [RouteConfig]) -> [Int: FormerRoute] {
        var found: [Int: FormerRoute] = [:]
        for (identity, config) in zip(Self.identities(configs), configs) {
            if let route = routes[identity] { found[config.index] = FormerRoute(route, config) }
        }
        return found
    }

    private static func identities(_ configs: [RouteConfig]) -> [Identity] {
        var seen: [Identity: Int] = [:]
        return configs.map { config in
            func identity(_ number: Int) -> Identity {
                Identity(
                    model: config.modelName, profile: config.profile, provider: config.provider,
                    upstreamModel: config.upstreamModel, number: number)
            }
            let number = seen[identity(0), default: 0]
            seen[identity(0)] = number + 1
            return identity(number)
        }
    }
}

/// The former self of one route.
struct FormerRoute {
    private let route: Route
    private let isKnown: Bool

    init(_ route: Route, _ config: RouteConfig) {
        self.route = route
        isKnown = config.keys.contains { key in route.keys.contains { $0.provider.config == key.config } }
    }

    /// What is known of its upstream; nil when it talks to another one now, or with other credentials.
    var health: Health? { isKnown ? route.health : nil }
    /// Those under way still count, as long as the bound is the same.
    func slots(limit: Int?) -> RouteSlots? { isKnown && route.slots.limit == limit ? route.slots : nil }
    var latency: RouteLatency? { isKnown ? route.latency : nil }

    /// The key with this configuration.
    func key(_ config: ConfigNode) -> RouteKey? { route.keys.first { $0.provider.config == config } }

    /// An instance of that library with this configuration.
    func transform(_ library: PluginLibrary, _ config: ConfigNode) -> TransformInstance? {
        route.transforms.first { $0.library === library && $0.config == config }
    }
}
