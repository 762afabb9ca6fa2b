import KimiHostCore
import Testing

@Suite struct RouterTests {
    /// A route whose upstream name is its label: "name@profile" and options.
    private func route(
        _ label: String, _ name: String = "m", profile: String? = nil, weight: Double = 1,
        strategy: RoutingStrategy? = nil
    ) -> RouteConfig {
        var route = RouteConfig(index: 0, path: "", modelName: name, provider: "p", upstreamModel: label)
        route.profile = profile
        route.weight = weight
        route.strategy = strategy
        return route
    }

    private func router(_ strategy: RoutingStrategy, _ routes: RouteConfig..., seed: UInt64 = 1) -> Router {
        Router(routes: routes, defaultStrategy: strategy, random: RandomSource(seed: seed))
    }

    private func picks(_ router: Router, _ count: Int, profile: String? = nil) throws -> [String] {
        try (0..<count).map { _ in try router.plan(model: "m", profile: profile).first.upstreamModel }
    }

    private func shares(_ router: Router, _ count: Int = 20_000) throws -> [String: Double] {
        try picks(router, count).reduce(into: [:]) { $0[$1, default: 0] += 1 / Double(count) }
    }

    @Test func firstTakesTheFirstAndKeepsTheOthersAsFallbacks() throws {
        let router = router(.first, route("a"), route("b"), route("c"))
        #expect(try picks(router, 3) == ["a", "a", "a"])
        #expect(try router.plan(model: "m").attempts.map(\.upstreamModel) == ["a", "b", "c"])
    }

    @Test func roundRobinTakesTurnsAndFallsBackRoundTheList() throws {
        let router = router(.roundRobin, route("a"), route("b"), route("c"))
        #expect(try picks(router, 4) == ["a", "b", "c", "a"])
        let plan = try router.plan(model: "m")
        #expect(
            plan.attempts.map(\.upstreamModel) == ["b", "c", "a"] && plan.count == 3 && plan[1].upstreamModel == "c")
    }

    @Test func roundRobinCountsPerModelAndProfile() throws {
        let router = router(
            .roundRobin, route("a"), route("b"), route("c"), route("pa", profile: "p"), route("pb", profile: "p"),
            route("x", "other"), route("y", "other"))
        var seen: [String] = []
        for _ in 0..<4 {
            seen += try picks(router, 1) + picks(router, 1, profile: "p")
            seen.append(try router.plan(model: "other").first.upstreamModel)
        }
        #expect(seen == ["a", "pa", "x", "b", "pb", "y", "c", "pa", "x", "a", "pb", "y"])
    }

    @Test func roundRobinIsExactWhenCalledFromManyThreads() async throws {
        let router = router(.roundRobin, route("a"), route("b"), route("c"))
        var counts: [String: Int] = [:]
        try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<6 {
                group.addTask { try (0..<1000).map { _ in try router.plan(model: "m").first.upstreamModel } }
            }
            for try await picked in group {
                for label in picked { counts[label, default: 0] += 1 }
            }
        }
        #expect(counts == ["a": 2000, "b": 2000, "c": 2000])
    }

    @Test func randomIsEvenWhateverTheWeights() throws {
        let shares = try shares(router(.random, route("a", weight: 9), route("b"), route("c")))
        for label in ["a", "b", "c"] { #expect(abs((shares[label] ?? 0) - 1.0 / 3) < 0.02) }
    }

    @Test func weightedRandomFollowsTheWeights() throws {
        let shares = try shares(
            router(
                .weightedRandom, route("a", weight: 1), route("off", weight: 0), route("b", weight: 2.5),
                route("c", weight: 6.5)))
        #expect(shares["off"] == nil)
        for (label, share) in ["a": 0.1, "b": 0.25, "c": 0.65] { #expect(abs((shares[label] ?? 0) - share) < 0.02) }
    }

    @Test func hugeAndTinyWeightsDoNotOverflow() throws {
        let huge = Double.greatestFiniteMagnitude
        let shares = try shares(
            router(.weightedRandom, route("a", weight: huge), route("b", weight: huge), route("c", weight: 1)))
        #expect(abs((shares["a"] ?? 0) - 0.5) < 0.02 && shares["c"] == nil)
    }

    @Test(arguments: RoutingStrategy.allCases) func weightZeroIsOffInEveryStrategy(strategy: RoutingStrategy) throws {
        let router = router(strategy, route("off", weight: 0), route("a"), route("b"))
        #expect(try !picks(router, 100).contains("off"))
        #expect(try router.plan(model: "m").count == 2)
    }

    @Test func aSeedRepeatsItself() throws {
        let routes = [route("a"), route("b"), route("c")]
        let picked = try (0..<2).map { _ in
            try picks(Router(routes: routes, defaultStrategy: .random, random: RandomSource(seed: 7)), 50)
        }
        #expect(picked[0] == picked[1])
    }

    @Test func theFirstEntryThatSetsAStrategyDecidesForItsGroup() throws {
        let router = router(
            .first, route("a"), route("b", weight: 0, strategy: .roundRobin), route("c", strategy: .random),
            route("pa", profile: "p"),
            route("pb", profile: "p"))
        #expect(try picks(router, 4) == ["a", "c", "a", "c"])
        #expect(try picks(router, 2, profile: "p") == ["pa", "pa"])
    }

    @Test func profilesSelectAndFallBack() throws {
        let router = router(
            .first, route("plain"), route("p", profile: "p"), route("only", "special", profile: "q"))
        #expect(try router.plan(model: "m").first.upstreamModel == "plain")
        #expect(try router.plan(model: "m", profile: "p").first.upstreamModel == "p")
        // A name without entries for the profile; and a base URL with /v1 doubled, which arrives as profile "v1".
        #expect(try router.plan(model: "m", profile: "q").first.upstreamModel == "plain")
        #expect(try router.plan(model: "m", profile: "v1").first.upstreamModel == "plain")
        #expect(try router.plan(model: "special", profile: "q").first.upstreamModel == "only")
        #expect(throws: RoutingError.self) { try router.plan(model: "special") }
        #expect(throws: RoutingError.self) { try router.plan(model: "special", profile: "p") }
    }

    @Test func theModelListIsWhatCanBeAskedFor() {
        let router = router(
            .first, route("1", "b"), route("2", "a"), route("3", "b"), route("4", "special", profile: "q"),
            route("5", "b", profile: "q"), route("6", "gone", weight: 0))
        #expect(router.modelNames() == ["b", "a"])
        #expect(router.modelNames(profile: "q") == ["b", "a", "special"])
        #expect(router.modelNames(profile: "v1") == ["b", "a"])
    }

    @Test func anUnknownModelNamesItsNeighbours() throws {
        let router = router(.first, route("1", "kimi-k2"), route("2", "kimi-k2-thinking"), route("3", "qwen3-coder"))
        let error = RoutingError.unknownModel(
            name: "kimi-k2-thinkin", profile: "p", near: ["kimi-k2", "kimi-k2-thinking"])
        #expect(throws: error) { try router.plan(model: "kimi-k2-thinkin", profile: "p") }
        #expect(
            error.message
                == "The model 'kimi-k2-thinkin' is not configured under the profile 'p'; did you mean 'kimi-k2', 'kimi-k2-thinking'?"
        )
        let unknown = RoutingError.unknownModel(name: "gpt", profile: nil, near: [])
        #expect(throws: unknown) { try router.plan(model: "gpt") }
        #expect(unknown.message == "The model 'gpt' is not configured; GET /v1/models lists what there is")
    }

    @Test func `sticky keeps a conversation where it is, by weight, whatever the order of the entries`() throws {
        func homes(_ routes: [RouteConfig]) throws -> [String] {
            let router = Router(routes: routes, defaultStrategy: .sticky)
            return try (0..<4_000).map { number in
                let hints = RoutingHints(conversation: UInt64(number))
                let first = try router.plan(model: "m", hints: hints).first.upstreamModel
                #expect(try router.plan(model: "m", hints: hints).first.upstreamModel == first)
                return first
            }
        }
        let (a, b, c) = (route("a", weight: 2), route("b"), route("c"))
        let found = try homes([a, b, c])
        let shares = found.reduce(into: [:]) { $0[$1, default: 0] += 1.0 / 4_000 }
        #expect(abs((shares["a"] ?? 0) - 0.5) < 0.03 && abs((shares["b"] ?? 0) - 0.25) < 0.03)
        #expect(try homes([c, a, b]) == found)
        // Without b only its own conversations move.
        let without = try homes([a, c])
        #expect(zip(found, without).allSatisfy { $0 == $1 || $0 == "b" })
    }

    @Test func `sticky is the same in every process`() throws {
        let router = router(.sticky, route("a"), route("b"), route("c"))
        let homes = try (0..<12).map {
            try router.plan(model: "m", hints: RoutingHints(conversation: $0)).first.upstreamModel
        }
        #expect(homes.joined() == "ccaccbaccbcc")
    }

    @Test func `least latency takes the fastest, and measures the others now and then`() throws {
        var (slow, fast, far) = (route("slow"), route("fast"), route("far"))
        (slow.index, fast.index, far.index) = (0, 1, 2)
        let router = router(.leastLatency, slow, fast, far)
        #expect(router.wantsHints)
        for (index, milliseconds) in [50.0, 10, 90].enumerated() {
            router.latencies[index].add(milliseconds, streamed: false)
        }
        let found = try shares(router)
        #expect(abs((found["fast"] ?? 0) - 0.967) < 0.01)
        #expect((found["slow"] ?? 0) > 0.01 && (found["far"] ?? 0) > 0.01)
        // Streamed answers are measured apart; what was never measured comes first.
        router.latencies[0].add(5, streamed: true)
        let next = try router.plan(model: "m", hints: RoutingHints(wantsStream: true)).first.upstreamModel
        #expect(next == "fast")
    }

    @Test func `a mean follows what is new`() {
        let latency = RouteLatency()
        #expect(latency.mean(streamed: true) == nil)
        latency.add(100, streamed: true)
        #expect(latency.mean(streamed: true) == 100)
        for _ in 0..<20 { latency.add(10, streamed: true) }
        #expect((latency.mean(streamed: true) ?? 0) < 12 && latency.mean(streamed: false) == nil)
    }
}
