/// The routes of one request in the order to be tried. Copying it costs some retains.
package struct RouteChoice: Lanes, Sendable {
    /// The one that the strategy chose.
    package let first: Route
    /// Those that follow. No others: a long reply must not keep the instances of routes it will never take.
    private let others: [Route]
    package let state: RoutingState

    /// - Parameter all: by `RouteConfig.index`.
    init(plan: RoutePlan, all: [Route], state: RoutingState) {
        first = all[plan.index(of: 0)]
        others = plan.count > 1 ? (1..<plan.count).map { all[plan.index(of: $0)] } : []
        self.state = state
    }

    package var count: Int { others.count + 1 }
    package subscript(place: Int) -> Route { place == 0 ? first : others[place - 1] }

    package func health(ofRoute route: Int) -> Health { self[route].health }
    package func keyCount(ofRoute route: Int) -> Int { self[route].keys.count }
    package func health(ofKey key: Int, ofRoute route: Int) -> Health { self[route].keys[key].health }
    package func isBusy(_ route: Int) -> Bool { self[route].slots.isFull }
    package func turn(ofRoute route: Int) -> Int { self[route].nextKey() }
}
