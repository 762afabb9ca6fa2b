import CanonicalModel
import PluginABI
import PluginHost

/// What a plugin hands to the host.
enum OutputRules {
    static let all = [
        Rule(
            "R60", .output, "events keep their order (S11)",
            cure: "START once, calls as BEGIN, ARGS, END, one FINISH per choice, nothing after ERROR"
        ) { run($0, [.order]) },
        Rule(
            "R61", .output, "events say what their type allows: UTF-8, JSON, counts from 0",
            cure: "see 'Canonical events' in kimi_plugin.h"
        ) { run($0, [.value]) },
        Rule(
            "R62", .output, "plans and changed requests are whole and lawful (S06, S07)",
            cure: "one plan_step per next, after its fields; hosts as in the manifest; a request that is a JSON object"
        ) { run($0, [.plan, .edit]) },
        Rule(
            "R63", .output, "a failure says why, and an upstream's refusal becomes an ERROR with its category",
            cure: "call host->fail before a negative status; map 401, 429 and 5xx to kimi_category", errors),
        Rule(
            "R64", .output, "a whole answer ends with FINISH",
            cure: "emit one FINISH per choice before the reply is over, or ERROR, or fail", endings),
    ]

    private static func run(_ context: RuleContext, _ topics: Set<Breach.Topic>) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            for variant in [script, Cutter.joined(script), truncated(script)] {
                context.failOn(Exchange.make(instance, variant).finish().breaches, topics, variant.name)
            }
        }
    }

    private static func truncated(_ script: Script) -> Script {
        var script = script
        script.name += ", truncated"
        script.frames = Array(script.frames.prefix(script.frames.count * 2 / 3))
        script.events = Array(script.events.prefix(script.events.count * 2 / 3))
        script.why = KIMI_WHY_TRUNCATED
        return script
    }

    private static func endings(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        context.withInstances(plugin) { instance, script in
            let input = script.events.joined()
            let isEnded = plugin.kind == .provider || input.contains { $0.type == KIMI_EVENT_FINISH.rawValue }
            guard script.why == KIMI_WHY_END, isEnded, !script.name.hasPrefix("made-up empty objects") else { return }
            let outcome = Exchange.make(instance, script).finish()
            guard outcome.isWhole, outcome.failure == nil, !outcome.sawError else { return }
            if !outcome.sawFinish { context.fail("\(script.name): it ends without FINISH, ERROR or failure") }
        }
    }

    private struct Refusal {
        var name: String
        var status: UInt32
        var headers: [(name: String, value: String)] = [("content-type", "application/json")]
        var body: String
        var categories: [kimi_category]
    }

    private static let refusals = [
        Refusal(
            name: "401", status: 401, body: #"{"error":{"message":"bad key","type":"auth","code":"x"}}"#,
            categories: [KIMI_CAT_AUTH]),
        Refusal(
            name: "429", status: 429, headers: [("content-type", "application/json"), ("retry-after", "7")],
            body: #"{"error":{"message":"slow down"}}"#,
            categories: [KIMI_CAT_RATE_LIMITED, KIMI_CAT_QUOTA, KIMI_CAT_OVERLOADED]),
        Refusal(
            name: "500 with HTML", status: 500, headers: [("content-type", "text/html")],
            body: "<html><body>Internal Server Error</body></html>",
            categories: [KIMI_CAT_UPSTREAM, KIMI_CAT_OVERLOADED, KIMI_CAT_INTERNAL]),
        Refusal(
            name: "503 without a body", status: 503, headers: [], body: "",
            categories: [KIMI_CAT_UPSTREAM, KIMI_CAT_OVERLOADED]),
    ]

    private static func errors(_ context: RuleContext) {
        run(context, [.reason])
        guard let plugin = context.requirePlugin(), plugin.kind == .provider else { return }
        context.withInstances(plugin) { instance, script in
            let plain = Exchange.make(instance, script).finish()
            guard plain.steps.last?.kind == KIMI_STEP_SEND, plain.failure?.function != "next" else { return }
            for refusal in refusals { check(context, instance, script, refusal) }
        }
    }

    private static func check(
        _ context: RuleContext, _ instance: KitInstance, _ script: Script, _ refusal: Refusal
    ) {
        var script = script
        script.name += ", upstream says \(refusal.name)"
        script.head.status = refusal.status
        script.head.headers = refusal.headers
        script.head.body = Array(refusal.body.utf8)
        script.frames = [Framing.frames(script.head, .raw, isStream: true)]
        let outcome = Exchange.make(instance, script).finish()
        context.failOn(outcome.breaches, [.reason], script.name)
        let event = outcome.events.last { $0.type == KIMI_EVENT_ERROR.rawValue }
        guard let category = event.map({ $0.i0 }) ?? outcome.failure.map({ Int64($0.category) }) else {
            return context.fail("\(script.name): neither an ERROR event nor a failure")
        }
        if !refusal.categories.contains(where: { Int64($0.rawValue) == category }) {
            let words = EventPlace.categories
            let word = words.indices.contains(Int(category)) ? words[Int(category)] : "\(category)"
            context.fail("\(script.name): the category is \(word), which is not what that status means")
        }
        guard refusal.status == 429 else { return }
        let retry = event.map { $0.i2 } ?? Int64(clamping: outcome.failure?.retryAfterMs ?? 0)
        if retry != 7_000 { context.warn("\(script.name): Retry-After: 7 is not passed on as 7000 ms") }
    }
}
