import Synchronization

/// The cooldown of one route, or of one of its keys, shared by all event loops. What is well costs one atomic load.
package final class Health: Sendable {
    private let policies: Mutex<CooldownPolicy>
    private let state = Mutex(Cooldown())
    /// Something has failed since it last worked.
    private let isTroubled = Atomic<Bool>(false)

    package init(_ policy: CooldownPolicy) {
        policies = Mutex(policy)
    }

    private var policy: CooldownPolicy { policies.withLock { $0 } }

    /// A configuration that was loaded anew has another policy; what is known stays.
    package func adopt(_ policy: CooldownPolicy) { policies.withLock { $0 = policy } }

    /// A copy, to be looked at.
    package var cooldown: Cooldown { state.withLock { $0 } }

    package func isOpen(_ now: Int64) -> Bool {
        guard isTroubled.load(ordering: .acquiring) else { return true }
        return state.withLock { $0.isOpen(now) }
    }

    package func claim(_ now: Int64) -> Cooldown.Claim {
        guard isTroubled.load(ordering: .acquiring) else { return .yes }
        let policy = policy
        return state.withLock { $0.claim(now, policy) }
    }

    package func succeeded() {
        guard isTroubled.load(ordering: .acquiring) else { return }
        state.withLock { state in
            state.succeeded()
            isTroubled.store(false, ordering: .releasing)
        }
    }

    /// True when it went cold by this.
    package func failed(_ now: Int64, isProbe: Bool, atOnce: Bool, retryAfterMs: Int?) -> Bool {
        let policy = policy
        return state.withLock { state in
            let isCold = state.failed(now, policy, isProbe: isProbe, atOnce: atOnce, retryAfterMs: retryAfterMs)
            isTroubled.store(!state.isSpotless, ordering: .releasing)
            return isCold
        }
    }

    package func abandoned(_ now: Int64) { state.withLock { $0.abandoned(now) } }
}
