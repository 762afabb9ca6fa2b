import CPluginTestKit
import CanonicalModel
import PluginABI
import PluginHost

/// Time.
enum TimeRules {
    static let all = [
        Rule(
            "R90", .time, "no call takes longer than the manifest's max_call_us",
            cure: "do less per call, or say what it takes in max_call_us", seconds: 60, calls),
        Rule(
            "R91", .time, "does nothing between calls", cure: "no threads that poll; act when called", idle),
    ]

    /// Microseconds, where the manifest says nothing.
    private static let usual = 50_000
    private static let repeats = 12

    private static func calls(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        let limit = UInt64(plugin.plugin.manifest.maxCallMicroseconds ?? usual)
        var longest: UInt64 = 0
        context.withInstances(plugin) { instance, script in
            // The least of several runs: what a busy machine adds is not the plugin's.
            var best = UInt64.max
            var function = ""
            for _ in 0..<repeats {
                let exchange = Exchange.make(instance, script)
                exchange.clock = Measure.wall
                let outcome = exchange.finish()
                guard outcome.longest.nanoseconds < best else { continue }
                (best, function) = (outcome.longest.nanoseconds, outcome.longest.function)
            }
            guard best != .max else { return }
            longest = max(longest, best / 1_000)
            if best / 1_000 > limit {
                context.fail("\(script.name): \(function) takes \(best / 1_000) us, \(limit) are allowed")
            }
        }
        context.note("the longest call took \(longest) us")
        if plugin.plugin.manifest.maxCallMicroseconds == nil {
            context.note("the manifest has no max_call_us; \(usual) us were allowed")
        }
    }

    private static let pauseMs: UInt32 = 400
    /// Nanoseconds of CPU in that time.
    private static let allowed: UInt64 = 20_000_000

    private static func idle(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        let threads = ProcessFacts.now().threads
        guard let script = context.scripts(plugin).first,
            let instance = context.instance(plugin, config: script.config)
        else { return }
        let exchange = Exchange.make(instance, script)
        if let child = plugin.python { return PythonRules.idle(context, child, exchange) }
        for _ in 0..<4 { _ = exchange.step() }
        let before = Measure.processCPU()
        Measure.pause(milliseconds: pauseMs)
        let used = Measure.processCPU() - before
        let started = ProcessFacts.now().threads - threads
        _ = exchange.finish()
        if used > allowed { context.fail("\(used / 1_000_000) ms of CPU in \(pauseMs) ms in which nothing was called") }
        if started > 0, !context.isGo {
            context.warn("create started \(started) threads", cure: "a plugin needs none")
        }
    }
}
