import CanonicalModel
import JSONSchema
import PluginABI

/// The body: cut anywhere, odd, and broken off.
enum StreamRules {
    static let all = [
        Rule(
            "R50", .stream, "the same stream cut elsewhere gives the same events (200 random cuts)",
            cure: "hold what cannot be decided yet until the rest has come", seconds: 120, rechunking),
        Rule(
            "R51", .stream, "odd input does no harm", cure: "check every length and type that is read; bound recursion",
            seconds: 90, odd),
        Rule(
            "R52", .stream, "a truncated stream is not taken for a whole one",
            cure: "on flush(TRUNCATED) without an end, fail or emit ERROR", truncated),
    ]

    static let cuts = 200

    private static func rechunking(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        var cutSomething = false
        context.withInstances(plugin) { instance, script in
            guard script.pieceCount > 1 || script.frames.first?.first?.kind == KIMI_FRAME_RAW.rawValue else { return }
            cutSomething = true
            var random = SplitMix(context.seed)
            let reference = Exchange.make(instance, script).finish()
            var variants = [("all at once", Cutter.joined(script)), ("in the smallest pieces", Cutter.single(script))]
            for number in 1...cuts { variants.append(("cut \(number)", Cutter.random(script, &random))) }
            for (name, variant) in variants {
                let outcome = Exchange.make(instance, variant).finish()
                guard let difference = reference.isSame(as: outcome) else { continue }
                context.fail("\(script.name), \(name), seed \(context.seed): \(difference)")
                return
            }
        }
        if !cutSomething { context.skip("there is no stream to cut: its answers come whole, or are made by itself") }
    }

    private static func odd(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        var random = SplitMix(context.seed)
        context.withInstances(plugin) { instance, script in
            var variants = plugin.kind == .provider ? OddInput.frames(script) : OddInput.events(script)
            for number in 0..<150 { variants.append(OddInput.mutated(script, number, &random)) }
            for variant in variants {
                let outcome = Exchange.make(instance, variant).finish()
                context.failOn(outcome.breaches, topics(plugin), variant.name)
                if context.hasFailed { return context.note("seed \(context.seed)") }
            }
        }
    }

    /// A transform passes on what it gets: odd events in are odd events out.
    private static func topics(_ plugin: PluginUnderTest) -> Set<Breach.Topic> {
        plugin.kind == .provider ? [.state, .handle, .order, .value, .reason] : [.state, .handle, .reason]
    }

    private static func truncated(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        guard plugin.kind == .provider else {
            return context.skip("a transform's input ends where its provider's does")
        }
        var tried = false
        context.withInstances(plugin) { instance, script in
            guard script.head.status < 400, script.frames.count > 1 else { return }
            for count in 0..<script.frames.count {
                tried = true
                var cut = script
                cut.frames = Array(script.frames.prefix(count))
                cut.why = KIMI_WHY_TRUNCATED
                let outcome = Exchange.make(instance, cut).finish()
                guard outcome.failure == nil, !outcome.sawError, !outcome.sawFinish else { continue }
                context.fail("\(script.name), truncated after \(count) frames: neither FINISH nor ERROR nor a failure")
                return
            }
        }
        if !tried { context.skip("there is no stream in frames to cut off") }
    }
}
