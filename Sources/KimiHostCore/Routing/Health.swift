import Synchronization

/// The cooldown of one route, or of one of its keys, shared by all event loops. What is well costs one atomic load.
package final class Health: Sendable {
    private struct State {
        var cooldown = Cooldown()
        /// Of the last failure.
        var reason = ""
    }

    private let policies: Mutex<CooldownPolicy>
    private let state = Mutex(State())
    /// Something has failed since it last worked.
    private let isTroubled = Atomic<Bool>(false)

    package init(_ policy: CooldownPolicy) {
        policies = Mutex(policy)
    }

    private var policy: CooldownPolicy { policies.withLock { $0 } }

    /// A configuration that was loaded anew has another policy; what is known stays.
    package func adopt(_ policy: CooldownPolicy) { policies.withLock { $0 = policy } }

    /// A copy, to be looked at.
    package var cooldown: Cooldown { state.withLock { $0.cooldown } }

    /// Why it last failed; empty when nothing has failed since it last worked.
    package var reason: String { state.withLock { $0.reason } }

    package func isOpen(_ now: Int64) -> Bool {
        guard isTroubled.load(ordering: .acquiring) else { return true }
        return state.withLock { $0.cooldown.isOpen(now) }
    }

    package func claim(_ now: Int64) -> Cooldown.Claim {
        guard isTroubled.load(ordering: .acquiring) else { return .yes }
        let policy = policy
        return state.withLock { $0.cooldown.claim(now, policy) }
    }

    package func succeeded() {
        guard isTroubled.load(ordering: .acquiring) else { return }
        state.withLock { state in
            state = State()
            isTroubled.store(false, ordering: .releasing)
        }
    }

    /// Forgets all failures. False when there were none.
    package func clear() -> Bool {
        guard isTroubled.load(ordering: .acquiring) else { return false }
        succeeded()
        return true
    }

    /// True when it went cold by this. `reason`: for operators, without secrets.
    package func failed(
        _ now: Int64, isProbe: Bool, atOnce: Bool, retryAfterMs: Int?, reason: @autoclosure () -> String = ""
    ) -> Bool {
        let policy = policy
        return state.withLock { state in
            let isCold = state.cooldown.failed(
                now, policy, isProbe: isProbe, atOnce: atOnce, retryAfterMs: retryAfterMs)
            let isSpotless = state.cooldown.isSpotless
            state.reason = isSpotless ? "" : reason()
            isTroubled.store(!isSpotless, ordering: .releasing)
            return isCold
        }
    }

    package func abandoned(_ now: Int64) { state.withLock { $0.cooldown.abandoned(now) } }
}
