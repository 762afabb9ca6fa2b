import CPluginTestKit
import CanonicalModel

/// What may be read, and for how long.
enum MemoryRules {
    static let all = [
        Rule(
            "R40", .memory, "reads no byte before or behind what it is given",
            cure: "go by the length: slices are not NUL-terminated", seconds: 60,
            notForPython: PythonRules.Because.copies
        ) { run($0, [.guardedEnd, .guardedStart]) },
        Rule(
            "R41", .memory, "keeps no pointer into what a call lent it",
            cure: "copy what is needed after the call returns", seconds: 60,
            notForPython: PythonRules.Because.copies
        ) { run($0, [.revoked]) },
        Rule(
            "R42", .memory, "uses sink, plan, out and error only inside their call, and never looks inside (S12)",
            cure: "do not store the handles", handles),
        Rule(
            "R43", .memory, "an exchange leaves nothing behind", cure: "free in end all that the exchange made",
            seconds: 60, leak),
    ]

    private static func run(_ context: RuleContext, _ modes: [LendingMode]) {
        guard let plugin = context.requirePlugin() else { return }
        for mode in modes {
            context.withInstances(plugin, lending: mode) { instance, script in
                var variants = [script]
                variants.append(Cutter.joined(script))
                for variant in variants { _ = Exchange.make(instance, variant, lending: mode).finish() }
            }
        }
    }

    private static func handles(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            let outcome = Exchange.make(instance, script).finish()
            context.failOn(outcome.breaches + instance.run.breaches, [.handle], script.name)
        }
        context.failOn(KitRun.stray.breaches, [.handle], "outside of any exchange")
    }

    private static let warmUp = 200
    private static let rounds = 2_000
    private static let allowedBytes = 48_000
    private static let maxSeconds: UInt64 = 20

    private static func leak(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        guard ptk_heap_in_use() > 0 else {
            return context.skip("this C library does not say how much memory is in use")
        }
        let deadline = Measure.wall() + maxSeconds * 1_000_000_000
        context.withInstances(plugin) { instance, script in
            guard script.pieceCount < 2_000 else { return }
            if let child = plugin.python {
                return PythonRules.exchangeGrowth(context, child, instance, script, until: deadline)
            }
            for _ in 0..<warmUp { _ = Exchange.make(instance, script).finish() }
            let start = Int(ptk_heap_in_use())
            var count = 0
            while count < rounds, Measure.wall() < deadline {
                _ = Exchange.make(instance, script).finish()
                count += 1
            }
            let grown = Int(ptk_heap_in_use()) - start
            guard count > 100, grown > allowedBytes, grown / count >= 8 else { return }
            context.fail("\(script.name): \(count) exchanges leave \(grown) bytes behind, \(grown / count) each")
        }
    }
}
