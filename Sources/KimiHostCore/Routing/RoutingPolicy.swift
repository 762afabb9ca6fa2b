import Synchronization

/// What is done about attempts that fail. Times in milliseconds.
package struct RoutingPolicy: Sendable, Equatable {
    /// Attempts of one exchange, whatever the configuration has of routes and keys.
    package static let maxAttempts = 16

    /// Attempts beyond those in which every route and key had its turn.
    package var retries: Int
    /// The pause before the first of those; it doubles, and a part of it is by chance.
    package var backoffMs: Int
    package var maxBackoffMs: Int
    /// An upstream that wants to be left alone for longer is not waited for.
    package var maxRetryAfterMs: Int
    package var cooldown: CooldownPolicy

    package init(
        retries: Int = 1, backoffMs: Int = 250, maxBackoffMs: Int = 8_000, maxRetryAfterMs: Int = 20_000,
        cooldown: CooldownPolicy = CooldownPolicy()
    ) {
        self.retries = retries
        self.backoffMs = backoffMs
        self.maxBackoffMs = max(backoffMs, maxBackoffMs)
        self.maxRetryAfterMs = maxRetryAfterMs
        self.cooldown = cooldown
    }

    /// The pause before a repeat, 0 being the first. `chance`: from 0 up to 1; between half of the pause and all of it.
    package func pauseMs(before number: Int, chance: Double) -> Int {
        var pause = backoffMs
        for _ in 0..<number where pause < maxBackoffMs { pause *= 2 }
        return Int(Double(min(pause, maxBackoffMs)) * (0.5 + chance / 2))
    }
}

/// What all exchanges share for routing. Any thread.
package final class RoutingState: Sendable {
    package let policy: RoutingPolicy
    package let budget: RetryBudget
    package let random: RandomSource
    package let queue: RouteQueueLimits
    private let waiting = Atomic<Int>(0)

    private let budgetShare: Double

    /// - Parameter former: the one before the configuration was loaded anew; what is left of its budget goes on.
    package init(
        policy: RoutingPolicy, budgetShare: Double, random: RandomSource = RandomSource(),
        queue: RouteQueueLimits = RouteQueueLimits(), former: RoutingState? = nil
    ) {
        self.queue = queue
        self.policy = policy
        self.budgetShare = budgetShare
        let kept = former.flatMap { $0.budgetShare == budgetShare ? $0.budget : nil }
        self.budget = kept ?? RetryBudget(share: budgetShare)
        self.random = random
    }

    /// Exchanges that wait for a route with a bound.
    package var queued: Int { waiting.load(ordering: .relaxed) }

    /// One more waits. False: too many do.
    package func beginWait() -> Bool {
        if waiting.wrappingAdd(1, ordering: .relaxed).newValue <= queue.maxQueued { return true }
        endWait()
        return false
    }

    package func endWait() { waiting.wrappingSubtract(1, ordering: .relaxed) }
}
