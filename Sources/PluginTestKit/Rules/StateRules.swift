import CPluginTestKit
import CanonicalModel
import PluginABI

/// The order of calls, in every lawful way.
enum StateRules {
    static let all = [
        Rule(
            "R30", .state, "an exchange may end after any call (S04, S08, S10)",
            cure: "let end free whatever there is at that point", seconds: 60, lives),
        Rule(
            "R31", .state, "two instances and eight exchanges live side by side, called in any order (S15)",
            cure: "keep all state in instances and exchanges", random),
        Rule(
            "R32", .state, "an exchange may be called on another thread each time ([serial])",
            cure: "keep no state in thread-locals", notForPython: PythonRules.Because.oneThread, threads),
    ]

    private static let topics: Set<Breach.Topic> = [.state]
    /// Ends tried per script.
    private static let maxEnds = 200

    private static func lives(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            let whole = Exchange.make(instance, script).finish()
            context.failOn(whole.breaches, topics, script.name)
            if context.hasFailed { return }
            for variant in variants(script, calls: whole.calls) {
                let outcome = Exchange.make(instance, variant).finish()
                context.failOn(outcome.breaches, topics, variant.name)
                if context.hasFailed { return }
            }
        }
    }

    /// The same exchange ended early, truncated, cancelled, with empty feeds, with time-outs.
    private static func variants(_ script: Script, calls: Int) -> [Script] {
        var variants: [Script] = []
        func add(_ name: String, _ change: (inout Script) -> Void) {
            var variant = script
            change(&variant)
            variant.name += ", " + name
            variants.append(variant)
        }
        for end in stride(from: 1, to: max(calls, 2), by: max(1, calls / maxEnds)) {
            add("ended after \(end) calls") { $0.endsAfterCalls = end }
            add("failed after \(end) calls") { ($0.endsAfterCalls, $0.cancelReason) = (end, KIMI_WHY_FAILED) }
        }
        add("truncated") { $0.why = KIMI_WHY_TRUNCATED }
        add("cancelled") { $0.why = KIMI_WHY_CANCELLED }
        add("with empty feeds") { $0.hasEmptyFeeds = true }
        add("with time-outs") { $0.timeouts = Set(0...script.events.count) }
        add("without a body") { ($0.frames, $0.events) = ([], []) }
        add("with an upstream that cannot be reached") { $0.head.failure = "connection refused" }
        return variants
    }

    private static func random(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        var random = SplitMix(context.seed)
        let scripts = context.scripts(plugin)
        for _ in 0..<40 {
            guard let first = context.instance(plugin), let second = context.instance(plugin) else { return }
            var live = (0..<8).compactMap { number -> Exchange? in
                guard var script = scripts.randomElement(using: &random) else { return nil }
                // A script's own configuration may be needed to understand its events; here only the order counts.
                if Int.random(in: 0..<3, using: &random) == 0 {
                    script.endsAfterCalls = Int.random(in: 1..<20, using: &random)
                }
                script.hasEmptyFeeds = Bool.random(using: &random)
                return Exchange.make(number % 2 == 0 ? first : second, script)
            }
            while !live.isEmpty {
                let index = Int.random(in: 0..<live.count, using: &random)
                if live[index].step() { continue }
                context.failOn(live[index].result.breaches, topics, live[index].script.name)
                live.remove(at: index)
            }
            if context.hasFailed { return context.note("seed \(context.seed)") }
        }
    }

    private static func threads(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            let here = Exchange.make(instance, script).finish()
            let there = Exchange.make(instance, script)
            let work: @convention(c) (UnsafeMutableRawPointer?) -> Void = { pointer in
                guard let pointer else { return }
                _ = Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue().step()
            }
            for _ in 0..<(here.calls + 4) {
                guard ptk_on_new_thread(work, Unmanaged.passUnretained(there).toOpaque()) == 0 else {
                    return context.skip("no thread can be started")
                }
            }
            if let difference = here.isSame(as: there.finish()) {
                context.fail("\(script.name): on one thread and on many, \(difference)")
            }
        }
    }
}
