package import CanonicalModel
import Enforcement
package import Logging
import PluginABI
package import PluginHost

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// A configuration made ready to serve: plugin instances, routes and limits. Immutable; any thread.
package final class HostRuntime: Sendable {
    package let limits: HostConfig.Limits
    /// Milliseconds of silence after which a client connection is closed; 0: never.
    package let clientTimeoutMs: Int
    /// Unix seconds; the `created` of listed models.
    package let startedAt: Int64
    package let hostedTools: HostedToolsPolicy
    /// What plugins were lent, for `/metrics`.
    package let services: PluginServices
    /// Plugins that are quarantined now, for `/metrics`.
    package var quarantined: [String] { plugins.quarantined }
    private let plugins: PluginSet
    private let router: Router
    let routing: RoutingState
    /// By `RouteConfig.index`.
    let routes: [Route]
    /// What they were made of.
    let routeConfigs: [RouteConfig]
    private let dialects: Set<String>

    /// Creates an instance of each plugin for each route that uses it. Throws all refusals, each with its place.
    ///
    /// - Parameter former: what serves until now, see ``FormerRoutes``; instances that stay the same are not created anew.
    package init(
        config: HostConfig, plugins: PluginSet, services: PluginServices, logger: Logger, former: HostRuntime? = nil
    ) throws(RuntimeError) {
        self.services = services
        self.plugins = plugins
        self.hostedTools = config.hostedTools
        self.limits = config.limits
        self.clientTimeoutMs = config.timeouts.client?.milliseconds ?? 0
        self.startedAt = Int64(time(nil))
        let kept = former.map { FormerRoutes($0.routeConfigs, $0.routes).matches(config.routes) } ?? [:]
        let router = Router(config, known: kept.compactMapValues(\.latency))
        self.router = router
        let policy = RoutingPolicy(config.routing)
        let queue = RouteQueueLimits(
            maxQueued: config.limits.maxQueued, queueMs: config.timeouts.queue.milliseconds)
        self.routing = RoutingState(
            policy: policy, budgetShare: config.routing.retryBudget, queue: queue, former: former?.routing)
        self.routeConfigs = config.routes
        let timeouts = RouteTimeouts(config.timeouts)
        var routes: [Route] = []
        let answers = FinalAnswers()
        var refusals: [Diagnostic] = []
        for route in config.routes {
            do {
                routes.append(
                    try Self.route(
                        route, plugins, services, timeouts, config.limits.maxResponseBytes, policy,
                        router.latencies[route.index], route.policy(config.enforcementAttempts, answers), logger,
                        kept[route.index]))
            } catch {
                refusals.append(
                    Diagnostic(.error, file: config.file, mark: route.mark, path: route.path, message: error.message))
            }
        }
        guard refusals.isEmpty else { throw RuntimeError(refusals: refusals) }
        for route in routes { route.adopt(policy.cooldown) }
        self.routes = routes
        self.dialects = Set(routes.flatMap(\.dialects))
    }

    package var hasRoutes: Bool { !routes.isEmpty }

    /// Is there a route whose upstream speaks this dialect itself?
    package func speaks(_ dialect: String) -> Bool { dialects.contains(dialect) }

    /// The names that can be asked for under a profile, in config order.
    package func modelNames(profile: String?) -> [String] { router.modelNames(profile: profile) }

    /// Does any strategy go by what requests say?
    package var wantsHints: Bool { router.wantsHints }

    /// The routes for a request, in the order that the strategy wants.
    package func routes(
        model: String, profile: String?, hints: RoutingHints = RoutingHints()
    ) throws(ExchangeError) -> RouteChoice {
        do {
            let plan = try router.plan(model: model, profile: profile, hints: hints)
            return RouteChoice(plan: plan, all: routes, state: routing)
        } catch {
            throw ExchangeError(KIMI_CAT_NOT_FOUND, error.message, param: "model", code: "model_not_found")
        }
    }

    /// The routes that a recorded exchange took, in its order. Throws which one there is no more.
    package func routes(
        model: String, profile: String?, following taken: [(provider: String, upstreamModel: String)]
    ) throws(ExchangeError) -> RouteChoice {
        let plan: RoutePlan
        do {
            plan = try router.plan(model: model, profile: profile)
        } catch {
            throw ExchangeError(KIMI_CAT_NOT_FOUND, error.message, param: "model", code: "model_not_found")
        }
        var found: [RouteConfig] = []
        for place in taken {
            let fitting = plan.attempts.filter {
                $0.provider == place.provider && $0.upstreamModel == place.upstreamModel
            }
            // An exchange asks every entry before it asks one again.
            let fresh = fitting.first { entry in !found.contains { $0.index == entry.index } }
            guard let entry = fresh ?? fitting.first else {
                throw ExchangeError(
                    KIMI_CAT_CONFIG,
                    "the configuration has no entry of '\(model)' with provider \(place.provider) and model "
                        + "\(place.upstreamModel) any more", code: Self.routeIsGone)
            }
            if !found.contains(where: { $0.index == entry.index }) { found.append(entry) }
        }
        return RouteChoice(plan: RoutePlan(routes: found, chosen: 0), all: routes, state: routing)
    }

    package static let routeIsGone = "route_is_gone"

    private static func route(
        _ config: RouteConfig, _ plugins: PluginSet, _ services: PluginServices, _ timeouts: RouteTimeouts,
        _ maxResponseBytes: Int, _ policy: RoutingPolicy, _ latency: RouteLatency, _ enforcement: EnforcementPolicy?,
        _ logger: Logger, _ former: FormerRoute?
    ) throws(ExchangeError) -> Route {
        if let quarantine = plugins.quarantine(of: config) {
            logger.warning(
                "\(config) answers 503: \(quarantine.message)", metadata: [LogKeys.event: "route_quarantined"])
            return Route(
                standingInFor: plugins.plugin(.provider, named: config.provider), config, timeouts, maxResponseBytes,
                policy.cooldown, latency, quarantine)
        }
        guard let plugin = plugins.plugin(.provider, named: config.provider) else {
            throw ExchangeError(KIMI_CAT_CONFIG, "no plugin provides '\(config.provider)'")
        }
        var providers: [(provider: ProviderInstance, weight: Double, former: RouteKey?)] = []
        for key in config.keys {
            let same = former?.key(key.config)
            if let same, same.provider.library === plugin.library {
                providers.append((same.provider, key.weight, same))
                continue
            }
            let provider = try ProviderInstance(
                plugin, name: config.provider, config: key.config, logger: logger, services: services)
            providers.append((provider, key.weight, same))
        }
        let transforms = try config.transforms.map { use throws(ExchangeError) in
            try transform(use, plugins, services, logger, former)
        }
        return Route(
            providers: providers, transforms: transforms, upstreamModel: config.upstreamModel, timeouts: timeouts,
            maxResponseBytes: maxResponseBytes, cooldown: policy.cooldown, latency: latency, health: former?.health,
            slots: former?.slots(limit: config.maxConcurrent) ?? RouteSlots(limit: config.maxConcurrent),
            resume: config.resume, enforcement: enforcement)
    }

    private static func transform(
        _ use: TransformUse, _ plugins: PluginSet, _ services: PluginServices, _ logger: Logger,
        _ former: FormerRoute?
    ) throws(ExchangeError) -> TransformInstance {
        guard let plugin = plugins.plugin(.transform, named: use.plugin) else {
            throw ExchangeError(KIMI_CAT_CONFIG, "no plugin provides the transform '\(use.plugin)'")
        }
        if let same = former?.transform(plugin.library, use.config) { return same }
        return try TransformInstance(plugin, name: use.plugin, config: use.config, logger: logger, services: services)
    }
}

/// Why a configuration that passed its checks cannot be served: what plugins say of their part.
package struct RuntimeError: Error {
    /// At least one.
    package let refusals: [Diagnostic]
}

extension RouteConfig {
    func policy(_ attempts: Int, _ answers: FinalAnswers) -> EnforcementPolicy? {
        guard ensureToolCall != .never else { return nil }
        return EnforcementPolicy(
            model: upstreamModel, isForAll: ensureToolCall == .always, attempts: attempts, answers: answers)
    }
}

extension RouteTimeouts {
    init(_ timeouts: HostConfig.Timeouts) {
        self.init(
            connect: timeouts.connect.milliseconds, head: timeouts.head.milliseconds,
            idle: timeouts.idle.milliseconds, total: timeouts.total?.milliseconds ?? 0,
            hold: timeouts.hold?.milliseconds ?? 0,
            token: timeouts.token.milliseconds, firstToken: timeouts.firstToken?.milliseconds ?? 0,
            betweenTokens: timeouts.betweenTokens?.milliseconds ?? 0)
    }
}

extension RoutingPolicy {
    init(_ routing: HostConfig.Routing) {
        self.init(
            retries: routing.retries, backoffMs: routing.backoff.milliseconds,
            maxBackoffMs: routing.maxBackoff.milliseconds, maxRetryAfterMs: routing.maxRetryAfter.milliseconds,
            cooldown: CooldownPolicy(
                failures: routing.cooldownAfter, firstMs: routing.cooldown.milliseconds,
                maxMs: routing.maxCooldown.milliseconds))
    }
}

extension Duration {
    /// Whole milliseconds.
    package var milliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}
