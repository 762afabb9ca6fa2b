/// The routes of one request in the order to be tried. Copying it costs some retains.
package struct RouteChoice: Lanes, Sendable {
    private let plan: RoutePlan
    /// By `RouteConfig.index`.
    private let all: [Route]
    package let state: RoutingState

    init(plan: RoutePlan, all: [Route], state: RoutingState) {
        self.plan = plan
        self.all = all
        self.state = state
    }

    package var count: Int { plan.count }
    /// The one that the strategy chose.
    package var first: Route { self[0] }
    package subscript(place: Int) -> Route { all[plan.index(of: place)] }

    package func health(ofRoute route: Int) -> Health { self[route].health }
    package func keyCount(ofRoute route: Int) -> Int { self[route].keys.count }
    package func health(ofKey key: Int, ofRoute route: Int) -> Health { self[route].keys[key].health }
    package func isBusy(_ route: Int) -> Bool { self[route].slots.isFull }
    package func turn(ofRoute route: Int) -> Int { self[route].nextKey() }
}
