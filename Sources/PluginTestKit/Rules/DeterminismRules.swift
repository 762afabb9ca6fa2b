import CPluginTestKit
import CanonicalModel

/// The same input, clock and random bytes give the same output.
enum DeterminismRules {
    static let all = [
        Rule(
            "R70", .determinism, "the same exchange twice gives the same",
            cure: "take time and chance from the host only, and keep no state between exchanges", twice),
        Rule(
            "R71", .determinism, "exchanges interleaved on two instances give what each gives alone (S15)",
            cure: "keep all state in instances and exchanges, none in globals", interleaved),
        Rule(
            "R72", .determinism, "two threads at once give what one gives",
            cure: "instances are shared by threads: do not change them after create",
            notForPython: PythonRules.Because.oneThread, parallel),
    ]

    private static func twice(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            let first = Exchange.make(instance, script).finish()
            for _ in 0..<3 {
                if let difference = first.isSame(as: Exchange.make(instance, script).finish()) {
                    return context.fail("\(script.name): \(difference)")
                }
            }
            guard let other = context.instance(plugin, config: script.config) else { return }
            if let difference = first.isSame(as: Exchange.make(other, script).finish()) {
                context.fail("\(script.name), on another instance: \(difference)")
            }
        }
        if plugin.python != nil, !context.hasFailed { PythonRules.otherProcesses(context, plugin) }
    }

    private static func interleaved(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        var random = SplitMix(context.seed)
        var expected: [(script: Script, outcome: Outcome)] = []
        context.withInstances(plugin) { instance, script in
            expected.append((script, Exchange.make(instance, script).finish()))
        }
        guard !context.hasFailed, !expected.isEmpty else { return }
        for _ in 0..<25 {
            var live: [(exchange: Exchange, number: Int)] = []
            for number in 0..<8 {
                let index = Int.random(in: 0..<expected.count, using: &random)
                let first = live.first { $0.number == index }?.exchange.instance
                // Two instances per configuration: every other exchange begins one of its own.
                let shared = number % 2 == 0 ? first : nil
                guard let made = shared ?? context.instance(plugin, config: expected[index].script.config) else {
                    return
                }
                live.append((Exchange.make(made, expected[index].script), index))
            }
            while !live.isEmpty {
                let index = Int.random(in: 0..<live.count, using: &random)
                if live[index].exchange.step() { continue }
                let (exchange, number) = live.remove(at: index)
                if let difference = expected[number].outcome.isSame(as: exchange.result) {
                    return context.fail(
                        "\(exchange.script.name), among seven others, seed \(context.seed): \(difference)")
                }
            }
        }
    }

    /// One thread's work: the script again and again.
    private final class Worker {
        let instance: KitInstance
        let script: Script
        let expected: Outcome
        var difference: String?

        init(_ instance: KitInstance, _ script: Script, _ expected: Outcome) {
            (self.instance, self.script, self.expected) = (instance, script, expected)
        }

        func run() {
            for _ in 0..<50 where difference == nil {
                difference = expected.isSame(as: Exchange.make(instance, script).finish())
            }
        }
    }

    private static func parallel(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            let expected = Exchange.make(instance, script).finish()
            let workers = (0..<2).map { _ in Worker(instance, script, expected) }
            let work: @convention(c) (UnsafeMutableRawPointer?) -> Void = { pointer in
                guard let pointer else { return }
                Unmanaged<Worker>.fromOpaque(pointer).takeUnretainedValue().run()
            }
            let pointers = workers.map { Unmanaged.passUnretained($0).toOpaque() }
            guard ptk_on_two_threads(work, pointers[0], pointers[1]) == 0 else {
                return context.skip("no thread can be started")
            }
            withExtendedLifetime(workers) {
                for difference in workers.compactMap(\.difference) { context.fail("\(script.name): \(difference)") }
            }
        }
    }
}
