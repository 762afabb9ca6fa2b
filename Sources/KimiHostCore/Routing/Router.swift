import JSONSchema

/// Finds the routes for a model name. Immutable but for atomic counters: call it from any thread, without locks.
///
/// A profile in the URL selects entries with that profile; if the name has none, the entries without a profile are
/// used. Without a profile in the URL only those without one are eligible. Each (name, profile) has its own counter;
/// profiles that fall back share that of the entries they fall back to.
package final class Router: Sendable {
    private struct Model {
        var plain: RouteGroup?
        var profiles: [String: RouteGroup] = [:]
    }

    private let models: [String: Model]
    private let plainNames: [String]
    private let profileNames: [String: [String]]
    private let random: RandomSource
    /// By ``RouteConfig/index``.
    package let latencies: [RouteLatency]
    /// Does any strategy go by what the request says?
    package let wantsHints: Bool

    /// - Parameters:
    ///   - random: where `random` and `weighted_random` get their numbers; give a seeded one in tests.
    ///   - known: by ``RouteConfig/index``, for routes that served before the configuration was loaded anew.
    package init(
        routes: [RouteConfig], defaultStrategy: RoutingStrategy, random: RandomSource = RandomSource(),
        known: [Int: RouteLatency] = [:]
    ) {
        let latencies = (0...(routes.map(\.index).max() ?? 0)).map { known[$0] ?? RouteLatency() }
        var models: [String: Model] = [:]
        var names: [String] = []
        for (name, members) in Dictionary(grouping: routes, by: \.modelName) {
            var model = Model()
            for (profile, group) in Dictionary(grouping: members, by: \.profile) {
                let group = RouteGroup(members: group, defaultStrategy: defaultStrategy, latencies: latencies)
                if let profile { model.profiles[profile] = group } else { model.plain = group }
            }
            models[name] = model
        }
        var seen: Set<String> = []
        for route in routes where seen.insert(route.modelName).inserted { names.append(route.modelName) }
        plainNames = names.filter { models[$0]?.plain != nil }
        var profileNames: [String: [String]] = [:]
        for profile in Set(routes.compactMap(\.profile)) {
            profileNames[profile] = names.filter { models[$0]?.plain != nil || models[$0]?.profiles[profile] != nil }
        }
        self.models = models
        self.latencies = latencies
        wantsHints = models.values.contains { model in
            model.plain?.wantsHints == true || model.profiles.values.contains(where: \.wantsHints)
        }
        self.profileNames = profileNames
        self.random = random
    }

    package convenience init(
        _ config: HostConfig, random: RandomSource = RandomSource(), known: [Int: RouteLatency] = [:]
    ) {
        self.init(routes: config.routes, defaultStrategy: config.defaultStrategy, random: random, known: known)
    }

    /// The routes to try for `model`, the chosen one first. Two dictionary look-ups and at most one atomic step, but for
    /// the strategies that go by `hints`.
    package func plan(
        model: String, profile: String? = nil, hints: RoutingHints = RoutingHints()
    ) throws(RoutingError) -> RoutePlan {
        if let entry = models[model] {
            if let profile, let group = entry.profiles[profile] { return group.plan(random, hints) }
            if let group = entry.plain { return group.plan(random, hints) }
        }
        let near = Suggestion.near(model, among: modelNames(profile: profile))
        throw .unknownModel(name: model, profile: profile, near: near)
    }

    /// The names that can be asked for under `profile`, in config order, each once.
    package func modelNames(profile: String? = nil) -> [String] {
        profile.flatMap { profileNames[$0] } ?? plainNames
    }
}
