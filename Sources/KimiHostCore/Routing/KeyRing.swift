package import PluginHost
import Synchronization

/// One key of a route: a configured provider, with where its tokens come from.
package struct RouteKey: Sendable {
    package let provider: ProviderInstance
    /// Nil where the provider's library fetches none.
    package let tokens: TokenSource?
    package let health: Health
}

/// In which order weighted things take turns: smoothly, so that 3 to 1 is a a b a and not a a a b. Immutable but for an
/// atomic counter: any thread.
package final class Rotation: Sendable {
    /// Turns after which the order repeats, at most.
    static let maxTurns = 1_000

    private let order: [Int]
    private let turn = Atomic<UInt64>(0)

    /// - Parameter weights: at least one, all above 0.
    package init(weights: [Double]) {
        order = Self.order(Self.shares(weights))
    }

    /// Whose turn it is. One atomic step.
    package func next() -> Int {
        guard order.count > 1 else { return 0 }
        return order[Int(turn.wrappingAdd(1, ordering: .relaxed).oldValue % UInt64(order.count))]
    }

    /// The weights as small whole numbers.
    private static func shares(_ weights: [Double]) -> [Int] {
        // By the heaviest first, so that the sum cannot overflow.
        let heaviest = weights.max() ?? 1
        let sum = weights.reduce(0) { $0 + $1 / heaviest }
        let shares = weights.map { max(1, Int(($0 / heaviest / sum * Double(maxTurns)).rounded())) }
        let divisor = shares.reduce(0, greatestCommonDivisor)
        return shares.map { $0 / max(1, divisor) }
    }

    private static func greatestCommonDivisor(_ first: Int, _ second: Int) -> Int {
        second == 0 ? first : greatestCommonDivisor(second, first % second)
    }

    /// Each turn everybody gains their share, and the one who has most pays all shares.
    private static func order(_ shares: [Int]) -> [Int] {
        let sum = shares.reduce(0, +)
        var credit = [Int](repeating: 0, count: shares.count)
        return (0..<sum).map { _ in
            for index in shares.indices { credit[index] += shares[index] }
            let chosen = credit.indices.max { (credit[$0], -$0) < (credit[$1], -$1) } ?? 0
            credit[chosen] -= sum
            return chosen
        }
    }
}
