import CanonicalModel
import PluginABI

/// One input of the fuzzer and what must hold for it.
enum FuzzCase {
    /// The script that belongs to a seed: one of the plugin's scripts, changed a few times.
    static func script(_ scripts: [Script], _ seed: UInt64) -> Script? {
        var random = SplitMix(seed)
        guard var script = scripts.randomElement(using: &random) else { return nil }
        for _ in 0..<Int.random(in: 1...6, using: &random) { Mutation.apply(&script, &random) }
        if Int.random(in: 0..<6, using: &random) == 0 { script.why = KIMI_WHY_TRUNCATED }
        script.name = "fuzz \(seed): \(script.name)"
        // A transform passes on what it gets; disorder in is disorder out.
        script.checksOrder = script.events.isEmpty
        return script
    }

    /// Nil, or what is wrong. A crash says so by itself.
    static func fault(_ instance: KitInstance, _ script: Script, _ seed: UInt64) -> String? {
        let reference = Exchange.make(instance, script).finish()
        let topics: Set<Breach.Topic> =
            instance.plugin.kind == .provider
            ? [.state, .handle, .order, .value, .reason, .plan] : [.state, .handle, .reason]
        if let breach = reference.breaches.first(where: { topics.contains($0.topic) }) { return breach.message }
        if let difference = reference.isSame(as: Exchange.make(instance, script).finish()) {
            return "the same exchange twice: \(difference)"
        }
        var random = SplitMix(seed)
        for _ in 0..<3 {
            let cut = Exchange.make(instance, Cutter.random(script, &random)).finish()
            if let difference = reference.isSame(as: cut) { return "cut elsewhere: \(difference)" }
        }
        _ = Exchange.make(instance, script, lending: .revoked).finish()
        return nil
    }
}

/// The children's side of `kimi-host plugin fuzz`.
enum FuzzChild {
    /// One child's share: then a fresh process goes on, so that leaks do not add up.
    static let casesPerChild = 2_000

    /// Goes through seeds from the given one and says which it is at.
    static func search(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        let scripts = context.scripts(plugin)
        for seed in context.seed..<(context.seed + UInt64(casesPerChild)) {
            guard let script = FuzzCase.script(scripts, seed),
                let instance = context.instance(plugin, config: script.config)
            else { return }
            ChildReport.send("at", "\(seed)")
            if let fault = FuzzCase.fault(instance, script, seed) {
                ChildReport.send("found", fault)
                return
            }
        }
    }

    /// Tries the one transcript given.
    static func attempt(_ context: RuleContext) {
        guard let plugin = context.requirePlugin(), let transcript = context.transcripts.first else { return }
        var script = Script(transcript, framing: plugin.framing)
        script.checksOrder = script.events.isEmpty
        guard let instance = context.instance(plugin, config: script.config) else { return }
        if let fault = FuzzCase.fault(instance, script, context.seed) { ChildReport.send("found", fault) }
    }

    /// Writes the script of a seed as transcript to the file given by the parent, through the report.
    static func export(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        guard let script = FuzzCase.script(context.scripts(plugin), context.seed) else { return }
        ChildReport.send("transcript", TranscriptWriter.text(script, kind: plugin.kind, config: plugin.config))
    }
}
