import KimiHostCore
import Testing

@Suite("Cooldowns") struct CooldownTests {
    private let policy = CooldownPolicy(failures: 3, firstMs: 1_000, maxMs: 5_000)

    /// Cold since 0, as the threshold has it.
    private func cold() -> Cooldown {
        var state = Cooldown()
        for _ in 0..<3 { _ = state.failed(0, policy) }
        return state
    }

    @Test func `it takes failures in a row`() {
        var state = Cooldown()
        #expect(!state.failed(0, policy) && !state.failed(1, policy))
        state.succeeded()
        #expect(state.isSpotless)
        #expect(!state.failed(2, policy) && !state.failed(3, policy))
        #expect(state.isWarm && !state.isSpotless)
        let became = state.failed(4, policy)
        #expect(became)
        #expect(state.openFrom == 1_004 && !state.isWarm)
    }

    @Test func `one failure is enough at once`() {
        var state = Cooldown()
        let became = state.failed(10, policy, atOnce: true)
        #expect(became && state.openFrom == 1_010)
    }

    @Test func `what the upstream asks for is obeyed, up to the cap`() {
        var state = Cooldown()
        _ = state.failed(0, policy, retryAfterMs: 3_000)
        #expect(state.openFrom == 3_000)
        state = Cooldown()
        _ = state.failed(0, policy, retryAfterMs: 86_400_000)
        #expect(state.openFrom == 5_000)
    }

    @Test func `one probe at a time`() {
        var state = cold()
        #expect(!state.isOpen(999) && state.claim(999, policy) == .no)
        #expect(state.isOpen(1_000))
        #expect(state.claim(1_000, policy) == .probe)
        #expect(state.claim(1_001, policy) == .no)
    }

    @Test func `a probe that works makes it warm, as does any other success`() {
        var state = cold()
        _ = state.claim(1_000, policy)
        state.succeeded()
        #expect(state.isSpotless && state.claim(1_001, policy) == .yes)
        state = cold()
        state.succeeded()
        #expect(state.isSpotless)
    }

    @Test func `probes that fail double the wait, up to the cap`() {
        var state = cold()
        var now: Int64 = 0
        var waits: [Int64] = []
        for _ in 0..<5 {
            now = state.openFrom
            let claim = state.claim(now, policy)
            let became = state.failed(now, policy, isProbe: true)
            #expect(claim == .probe && became)
            waits.append(state.openFrom - now)
        }
        #expect(waits == [2_000, 4_000, 5_000, 5_000, 5_000])
    }

    @Test func `failures of others neither double nor end the probe`() {
        var state = cold()
        let others = (0..<200).map { _ in state.failed(500, policy) }
        #expect(!others.contains(true))
        #expect(state.openFrom == 1_000)
        _ = state.claim(1_000, policy)
        let became = state.failed(1_001, policy)
        #expect(!became && state.claim(1_002, policy) == .no)
    }

    @Test func `a probe without an outcome gives way to the next`() {
        var state = cold()
        _ = state.claim(1_000, policy)
        state.abandoned(1_200)
        #expect(state.claim(1_200, policy) == .probe)
    }

    @Test func `a probe that never reports is not waited for longer than the cap`() {
        var state = cold()
        _ = state.claim(1_000, policy)
        #expect(state.claim(5_999, policy) == .no)
        #expect(state.claim(6_000, policy) == .probe)
    }

    @Test func `0 leaves nothing out`() {
        var state = Cooldown()
        let policy = CooldownPolicy(failures: 1, firstMs: 0, maxMs: 0)
        let became = state.failed(0, policy, atOnce: true, retryAfterMs: 10_000)
        #expect(!became)
        #expect(state.isSpotless)
    }

    @Test func `shared health grants one probe to many threads`() async {
        let health = Health(policy)
        for _ in 0..<3 { _ = health.failed(0, isProbe: false, atOnce: false, retryAfterMs: nil) }
        let probes = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<200).count { _ in health.claim(1_000) == .probe } }
            }
            return await group.reduce(0, +)
        }
        #expect(probes == 1)
        health.succeeded()
        #expect(health.claim(1_001) == .yes)
    }
}
