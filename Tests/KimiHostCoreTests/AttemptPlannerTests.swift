import CanonicalModel
import KimiHostCore
import PluginABI
import Testing

/// Routes with so many keys each, all of one policy.
private struct FakeLanes: Lanes {
    let keys: [[Health]]
    let routes: [Health]

    init(_ keys: [Int], _ policy: CooldownPolicy) {
        self.keys = keys.map { count in (0..<count).map { _ in Health(policy) } }
        self.routes = keys.map { _ in Health(policy) }
    }

    var count: Int { routes.count }
    func health(ofRoute route: Int) -> Health { routes[route] }
    func keyCount(ofRoute route: Int) -> Int { keys[route].count }
    func health(ofKey key: Int, ofRoute route: Int) -> Health { keys[route][key] }
    func turn(ofRoute route: Int) -> Int { 0 }
}

@Suite("Planning attempts") struct AttemptPlannerTests {
    private typealias Next = AttemptPlanner<FakeLanes>.Next
    private static let cooldown = CooldownPolicy(failures: 1, firstMs: 1_000, maxMs: 60_000)
    private let down = AttemptFailure(.route, canRepeat: true)
    private let refused = AttemptFailure(.key, canRepeat: false)

    private func lanes(_ keys: Int...) -> FakeLanes { FakeLanes(keys, Self.cooldown) }

    private func planner(_ lanes: FakeLanes, retries: Int = 0) -> AttemptPlanner<FakeLanes> {
        AttemptPlanner(lanes, RoutingPolicy(retries: retries, backoffMs: 100, maxRetryAfterMs: 2_000))
    }

    private func next(
        _ planner: inout AttemptPlanner<FakeLanes>, _ failure: AttemptFailure, _ choice: AttemptChoice,
        now: Int64 = 0, remaining: Int64? = nil, budget: Bool = true
    ) -> Next {
        planner.next(after: failure, of: choice, now: now, remainingMs: remaining, chance: 0) { budget }
    }

    /// Route and key of each attempt while all fail alike; pauses as negative numbers between.
    private func walk(_ planner: inout AttemptPlanner<FakeLanes>, _ failure: AttemptFailure) -> [[Int]] {
        var choice = planner.first(0)
        var places = [[choice.route, choice.key]]
        while places.count < 100 {
            switch next(&planner, failure, choice) {
            case .giveUp: return places
            case .now(let after): choice = after
            case .after(let pause, let after):
                places.append([-pause])
                choice = after
            }
            places.append([choice.route, choice.key])
        }
        return places
    }

    @Test func `whoever waited is let in at a key that is not cold, and else at the least cold one`() {
        let lanes = lanes(1, 2)
        _ = lanes.health(ofKey: 0, ofRoute: 1).failed(0, isProbe: false, atOnce: true, retryAfterMs: 50_000)
        let planner = planner(lanes)
        for _ in 0..<3 { #expect(planner.admitted(to: 1, 10) == AttemptChoice(route: 1, key: 1)) }
        _ = lanes.health(ofKey: 1, ofRoute: 1).failed(10, isProbe: false, atOnce: true, retryAfterMs: 20_000)
        #expect(planner.admitted(to: 1, 20) == AttemptChoice(route: 1, key: 1))
        #expect(planner.admitted(to: 1, 25_000).isKeyProbe)
    }

    @Test func `a route that is down is left for the next, whatever keys it has`() {
        var planner = planner(lanes(2, 1, 3))
        #expect(walk(&planner, down) == [[0, 0], [1, 0], [2, 0]])
    }

    @Test func `a key that is refused is left for the next key first`() {
        var planner = planner(lanes(2, 1, 3))
        #expect(walk(&planner, refused) == [[0, 0], [0, 1], [1, 0], [2, 0], [2, 1], [2, 2]])
    }

    @Test func `retries follow when all had their turn, with growing pauses`() {
        var planner = planner(lanes(1, 1), retries: 3)
        #expect(walk(&planner, down) == [[0, 0], [1, 0], [-50], [0, 0], [-100], [1, 0], [-200], [0, 0]])
        #expect(planner.repeats == 3)
    }

    @Test func `a retry takes a route's other key first`() {
        var planner = planner(lanes(2), retries: 1)
        #expect(walk(&planner, down) == [[0, 0], [-50], [0, 1]])
    }

    @Test func `refused keys are not tried again`() {
        var planner = planner(lanes(2), retries: 3)
        #expect(walk(&planner, refused) == [[0, 0], [0, 1]])
    }

    @Test func `a bad request is not tried elsewhere`() {
        var planner = planner(lanes(2, 2), retries: 3)
        #expect(walk(&planner, AttemptFailure(.request, canRepeat: false)) == [[0, 0]])
    }

    @Test func `the number of attempts is bounded`() {
        var planner = planner(FakeLanes([Int](repeating: 1, count: 40), Self.cooldown), retries: 10)
        #expect(walk(&planner, down).count == RoutingPolicy.maxAttempts)
    }

    @Test func `without budget there is no retry`() {
        var planner = planner(lanes(1), retries: 3)
        let first = planner.first(0)
        let after = next(&planner, down, first, budget: false)
        #expect(after == .giveUp)
    }

    @Test func `retry-after is waited for, unless it is too long or there is no time`() {
        let busy = AttemptFailure(.key, canRepeat: true, retryAfterMs: 1_500)
        var one = planner(lanes(1), retries: 1)
        var first = one.first(0)
        let after = next(&one, busy, first)
        #expect(after == .after(milliseconds: 1_500, AttemptChoice(route: 0, key: 0)))

        one = planner(lanes(1), retries: 1)
        first = one.first(0)
        let late = next(&one, busy, first, remaining: 1_400)
        #expect(late == .giveUp)

        one = planner(lanes(1), retries: 1)
        first = one.first(0)
        let long = next(&one, AttemptFailure(.key, canRepeat: true, retryAfterMs: 2_001), first)
        #expect(long == .giveUp)
    }

    @Test func `cold routes and keys are passed over, and the least cold is tried when all are`() {
        let lanes = lanes(2, 1)
        _ = lanes.keys[0][0].failed(0, isProbe: false, atOnce: true, retryAfterMs: nil)
        var one = planner(lanes)
        #expect(one.first(500) == AttemptChoice(route: 0, key: 1))
        _ = lanes.routes[0].failed(0, isProbe: false, atOnce: true, retryAfterMs: 9_000)
        one = planner(lanes)
        #expect(one.first(500) == AttemptChoice(route: 1, key: 0))
        _ = lanes.routes[1].failed(0, isProbe: false, atOnce: true, retryAfterMs: 8_000)
        one = planner(lanes)
        #expect(one.first(500) == AttemptChoice(route: 1, key: 0))
    }

    @Test func `one exchange probes, the others keep away`() {
        let lanes = lanes(1, 1)
        _ = lanes.routes[0].failed(0, isProbe: false, atOnce: true, retryAfterMs: nil)
        var (one, two) = (planner(lanes), planner(lanes))
        #expect(one.first(1_000) == AttemptChoice(route: 0, key: 0, isRouteProbe: true))
        #expect(two.first(1_000) == AttemptChoice(route: 1, key: 0))
    }

    @Test func `what errors mean`() {
        func fault(_ category: kimi_category) -> AttemptFailure.Fault {
            AttemptFailure(ExchangeError(category, "")).fault
        }
        for category in [KIMI_CAT_NETWORK, KIMI_CAT_TIMEOUT, KIMI_CAT_UPSTREAM, KIMI_CAT_PROTOCOL, KIMI_CAT_OVERLOADED]
        {
            #expect(fault(category) == .route)
        }
        for category in [KIMI_CAT_AUTH, KIMI_CAT_PERMISSION, KIMI_CAT_QUOTA, KIMI_CAT_RATE_LIMITED] {
            #expect(fault(category) == .key)
        }
        for category in [KIMI_CAT_BAD_REQUEST, KIMI_CAT_CONTEXT_LENGTH, KIMI_CAT_CONTENT_FILTER, KIMI_CAT_NOT_FOUND] {
            #expect(fault(category) == .request)
        }
        #expect(AttemptFailure(ExchangeError(KIMI_CAT_TIMEOUT, "")).canRepeat)
        #expect(!AttemptFailure(ExchangeError(KIMI_CAT_TIMEOUT, "", code: "timeout")).canRepeat)
    }

    @Test func `pauses double up to their cap, and half of them is chance`() {
        let policy = RoutingPolicy(backoffMs: 100, maxBackoffMs: 500)
        #expect((0..<5).map { policy.pauseMs(before: $0, chance: 0) } == [50, 100, 200, 250, 250])
        #expect(policy.pauseMs(before: 0, chance: 0.999) == 99)
        #expect(policy.pauseMs(before: 1_000_000, chance: 0) == 250)
    }

    @Test func `the budget is a share of the traffic`() {
        let budget = RetryBudget(share: 0.2)
        #expect((0..<50).count { _ in budget.take() } == 10)
        for _ in 0..<25 { budget.exchangeBegan() }
        #expect((0..<50).count { _ in budget.take() } == 5)
        #expect(!RetryBudget(share: 0).take())
    }
}
