import Synchronization

/// Bounds repeated attempts to a share of the traffic, so that retries do not bury an upstream that is in trouble.
/// Any thread.
package final class RetryBudget: Sendable {
    /// Repeats that are always there to begin with, and the most that quiet times save up, in thousandths.
    static let reserve = 10_000

    private let perExchange: Int
    private let saved = Atomic<Int>(RetryBudget.reserve)

    /// - Parameter share: repeats per exchange in the long run, from 0 to 1.
    package init(share: Double) {
        perExchange = Int((min(max(share, 0), 1) * 1000).rounded())
    }

    /// An exchange began. Nearly always one load.
    package func exchangeBegan() {
        guard perExchange > 0, saved.load(ordering: .relaxed) < Self.reserve else { return }
        saved.wrappingAdd(perExchange, ordering: .relaxed)
    }

    /// Takes one repeat; false when there is none left.
    package func take() -> Bool {
        guard perExchange > 0 else { return false }
        guard saved.wrappingSubtract(1000, ordering: .relaxed).newValue < 0 else { return true }
        saved.wrappingAdd(1000, ordering: .relaxed)
        return false
    }
}
