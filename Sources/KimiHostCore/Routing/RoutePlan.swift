/// Which routes to try for one request, in order. Copying it costs one retain.
package struct RoutePlan: Sendable {
    private let routes: [RouteConfig]
    private let chosen: Int

    init(routes: [RouteConfig], chosen: Int) {
        self.routes = routes
        self.chosen = chosen
    }

    /// How many attempts there are, at least 1.
    package var count: Int { routes.count }

    /// The route the strategy chose.
    package var first: RouteConfig { routes[chosen] }

    /// The route of an attempt, 0 being the chosen one; the others follow in config order, round the list.
    package subscript(attempt: Int) -> RouteConfig { routes[(chosen + attempt) % routes.count] }

    /// ``RouteConfig/index`` of an attempt's route.
    package func index(of attempt: Int) -> Int { routes[(chosen + attempt) % routes.count].index }

    /// All routes in the order they are to be tried.
    package var attempts: [RouteConfig] { routes.indices.map { self[$0] } }
}

/// Why there is no route for a request.
package enum RoutingError: Error, Sendable, Equatable {
    /// No entry serves this name under this profile. `near` are names that do exist and look alike, best first.
    case unknownModel(name: String, profile: String?, near: [String])

    /// One sentence for the client, with the cure.
    package var message: String {
        switch self {
        case .unknownModel(let name, let profile, let near):
            let scope = profile.map { " under the profile '\($0)'" } ?? ""
            let names = near.map { "'\($0)'" }.joined(separator: ", ")
            let cure = near.isEmpty ? "GET /v1/models lists what there is" : "did you mean \(names)?"
            return "The model '\(name.prefix(200))' is not configured\(scope); \(cure)"
        }
    }
}
