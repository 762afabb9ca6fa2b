import Dialects
import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// The enabled routes of one model name under one profile, with the state of their strategy.
final class RouteGroup: Sendable {
    private let routes: [RouteConfig]
    private let strategy: RoutingStrategy
    /// Running sums of the weights, as shares of the largest weight, so that they cannot overflow.
    private let shares: [Double]
    private let turn = Atomic<UInt64>(0)
    /// What `least_latency` goes by, like `routes`.
    private let latencies: [RouteLatency]
    /// What `sticky` tells the routes apart by; it stays when entries are moved.
    private let names: [UInt64]
    /// The share of requests that measure a route that is not the fastest.
    static let exploration = 0.05

    /// - Parameter members: every entry of the group in config order. The first that sets a strategy decides, even if
    ///   its weight is 0. Returns nil if no entry has a weight above 0.
    init?(members: [RouteConfig], defaultStrategy: RoutingStrategy, latencies: [RouteLatency] = []) {
        let routes = members.filter { $0.weight > 0 }
        guard let heaviest = routes.map(\.weight).max() else { return nil }
        self.routes = routes
        self.latencies = routes.map { $0.index < latencies.count ? latencies[$0.index] : RouteLatency() }
        self.names = Self.names(of: routes)
        strategy = members.compactMap(\.strategy).first ?? defaultStrategy
        var sum = 0.0
        shares = routes.map {
            sum += $0.weight / heaviest
            return sum
        }
    }

    var wantsHints: Bool { strategy.wantsHints && routes.count > 1 }

    func plan(_ random: RandomSource, _ hints: RoutingHints) -> RoutePlan {
        RoutePlan(routes: routes, chosen: routes.count == 1 ? 0 : choose(random, hints))
    }

    private func choose(_ random: RandomSource, _ hints: RoutingHints) -> Int {
        switch strategy {
        case .first: return 0
        case .roundRobin: return Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(routes.count))
        case .random: return random.index(below: routes.count)
        case .weightedRandom:
            let point = random.unit() * (shares.last ?? 0)
            // Rounding may put the point on the last sum itself.
            return shares.firstIndex { point < $0 } ?? routes.count - 1
        case .leastLatency: return fastest(random, hints)
        case .sticky: return home(of: hints.conversation)
        }
    }

    /// One that was never measured comes first; now and then any of them, or none would ever be found to be better.
    private func fastest(_ random: RandomSource, _ hints: RoutingHints) -> Int {
        if random.unit() < Self.exploration { return random.index(below: routes.count) }
        let means = latencies.map { $0.mean(streamed: hints.wantsStream) ?? 0 }
        return means.indices.min { means[$0] < means[$1] } ?? 0
    }

    /// Each conversation draws a lot for each route, and the best lot wins: when a route comes or goes, only the
    /// conversations that it wins or had won move. Weights are its chances.
    private func home(of conversation: UInt64) -> Int {
        let lots = routes.indices.map { place in
            var hash = StableHash(seed: names[place])
            hash.combine(conversation)
            return -log((Double(hash.value >> 11) + 0.5) * 0x1p-53) / routes[place].weight
        }
        return lots.indices.min { lots[$0] < lots[$1] } ?? 0
    }

    private static func names(of routes: [RouteConfig]) -> [UInt64] {
        var seen: [UInt64: UInt64] = [:]
        return routes.map { route in
            var hash = StableHash()
            hash.combine(route.provider)
            hash.combine(route.upstreamModel)
            let number = seen[hash.value, default: 0]
            seen[hash.value] = number + 1
            hash.combine(number)
            return hash.value
        }
    }
}
