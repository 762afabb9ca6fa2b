import CPluginTestKit
import CanonicalModel
import PluginABI
import PluginHost

/// The host says no.
enum FailureRules {
    static let all = [
        Rule(
            "R80", .failure, "returns at once when emit answers KIMI_STOP (S16)",
            cure: "check the result of every emit and text", seconds: 60, notForPython: PythonRules.Because.later
        ) { refuseEmit($0, KIMI_STOP.rawValue) },
        Rule(
            "R81", .failure, "fails when emit fails",
            cure: "check the result of every emit and text: negative means give up and return it", seconds: 60,
            notForPython: PythonRules.Because.later
        ) { refuseEmit($0, KIMI_E_LIMIT.rawValue) },
        Rule(
            "R82", .failure, "fails when a plan or a changed request is refused",
            cure: "check the results of plan_field, plan_step and put, and return a negative one", seconds: 60,
            notForPython: PythonRules.Because.later, plans),
        Rule(
            "R83", .failure, "works without host extensions, and with shorter tables of them",
            cure: "test the table for NULL and its members with KIMI_HAS", notForPython: PythonRules.Because.noTables,
            extensions),
        Rule(
            "R84", .failure, "does without random bytes, scratch memory and the host's memory, or fails cleanly",
            cure: "check the results of random, scratch and kv", services),
        Rule(
            "R85", .failure, "survives its own allocations failing",
            cure: "check malloc's result and fail with KIMI_E_NOMEM", seconds: 60,
            notForPython: PythonRules.Because.noMalloc, allocations),
    ]

    private static let topics: Set<Breach.Topic> = [.stop, .state, .reason, .handle]

    /// Refuses the n-th emit, for each n.
    private static func refuseEmit(_ context: RuleContext, _ answer: kimi_status) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            for number in 1...200 {
                var behaviour = HostBehaviour()
                (behaviour.emitAnswersFrom, behaviour.emitAnswer) = (number, answer)
                let outcome = Exchange.make(instance, script, behaviour: behaviour).finish()
                guard outcome.wasRefused else { break }
                context.failOn(outcome.breaches, topics, "\(script.name), emit \(number) refused")
                if answer < 0, outcome.failure == nil, outcome.hasExchange {
                    context.fail("\(script.name): emit \(number) answered \(answer), and the call did not fail")
                }
                if context.hasFailed { return }
            }
        }
    }

    private static func plans(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            for number in 1...100 {
                var behaviour = HostBehaviour()
                if plugin.kind == .provider { behaviour.planFailsAt = number } else { behaviour.putFails = true }
                let outcome = Exchange.make(instance, script, behaviour: behaviour).finish()
                context.failOn(outcome.breaches, topics, script.name)
                guard outcome.wasRefused else { break }
                if outcome.failure == nil {
                    let what = plugin.kind == .provider ? "call \(number) of plan_field or plan_step" : "put"
                    context.fail("\(script.name): \(what) was refused, and nothing failed")
                }
                if context.hasFailed || plugin.kind == .transform { return }
            }
        }
    }

    private static func extensions(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        for (name, offered) in [("without extensions", HostBehaviour.Extensions.none), ("with short tables", .short)] {
            var behaviour = HostBehaviour()
            behaviour.extensions = offered
            context.withInstances(plugin, behaviour: behaviour) { instance, script in
                guard let usual = context.instance(plugin, config: script.config) else { return }
                let normal = Exchange.make(usual, script).finish()
                let outcome = Exchange.make(instance, script, behaviour: behaviour).finish()
                context.failOn(outcome.breaches + instance.run.breaches, topics, "\(script.name), \(name)")
                if let failure = outcome.failure, normal.failure == nil {
                    context.fail("\(script.name), \(name): \(failure.function) fails: \(failure.message)")
                }
            }
        }
    }

    private static func services(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        var poor: [(String, HostBehaviour)] = []
        // What the binding has of them is the memory.
        for name in plugin.python == nil ? ["random", "scratch", "memory"] : ["memory"] {
            var behaviour = HostBehaviour()
            behaviour.randomFails = name == "random"
            behaviour.scratchFails = name == "scratch"
            behaviour.memoryFails = name == "memory"
            poor.append((name, behaviour))
        }
        for (name, behaviour) in poor {
            context.withInstances(plugin) { instance, script in
                let outcome = Exchange.make(instance, script, behaviour: behaviour).finish()
                context.failOn(outcome.breaches, topics, "\(script.name), without \(name)")
            }
        }
    }

    private static func allocations(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        guard let entry = EntryCall.symbol(context.file) else { return context.skip("the entry was not found") }
        let address = unsafeBitCast(entry, to: UnsafeRawPointer.self)
        guard ptk_fail_allocations(address, .max) > 0 else {
            return context.skip("it calls no malloc of its own")
        }
        if context.inspection?.elf?.needed.contains(where: { $0.hasPrefix("libswiftCore") }) == true {
            return context.skip("Swift's runtime ends the process when memory runs out, as Rust's and Go's do")
        }
        defer { ptk_fail_allocations(address, 0) }
        context.withInstances(plugin) { instance, script in
            for number in 1...60 {
                ptk_fail_allocations(address, number)
                let outcome = Exchange.make(instance, script).finish()
                let count = ptk_allocations()
                ptk_fail_allocations(address, 0)
                context.failOn(outcome.breaches, topics, "\(script.name), allocation \(number) and later fail")
                if context.hasFailed || count < number { return }
            }
        }
    }
}
