import Synchronization

/// The enabled routes of one model name under one profile, with the state of their strategy.
final class RouteGroup: Sendable {
    private let routes: [RouteConfig]
    private let strategy: RoutingStrategy
    /// Running sums of the weights, as shares of the largest weight, so that they cannot overflow.
    private let shares: [Double]
    private let turn = Atomic<UInt64>(0)

    /// - Parameter members: every entry of the group in config order. The first that sets a strategy decides, even if
    ///   its weight is 0. Returns nil if no entry has a weight above 0.
    init?(members: [RouteConfig], defaultStrategy: RoutingStrategy) {
        routes = members.filter { $0.weight > 0 }
        guard let heaviest = routes.map(\.weight).max() else { return nil }
        strategy = members.compactMap(\.strategy).first ?? defaultStrategy
        var sum = 0.0
        shares = routes.map {
            sum += $0.weight / heaviest
            return sum
        }
    }

    func plan(_ random: RandomSource) -> RoutePlan {
        RoutePlan(routes: routes, chosen: routes.count == 1 ? 0 : choose(random))
    }

    private func choose(_ random: RandomSource) -> Int {
        switch strategy {
        case .first: return 0
        case .roundRobin: return Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(routes.count))
        case .random: return random.index(below: routes.count)
        case .weightedRandom:
            let point = random.unit() * (shares.last ?? 0)
            // Rounding may put the point on the last sum itself.
            return shares.firstIndex { point < $0 } ?? routes.count - 1
        }
    }
}
