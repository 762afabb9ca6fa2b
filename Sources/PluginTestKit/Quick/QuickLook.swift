import CanonicalModel
import JSONSchema
import PluginABI
import WireJSON

/// `kimi-host plugin run`: one transcript through the plugin, everything printed that comes out.
enum QuickLook {
    static func run(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        for transcript in context.transcripts {
            guard transcript.kind == plugin.kind else {
                context.fail(
                    "\(transcript.file) is for a \(transcript.kind.rawValue), the plugin is a \(plugin.kind.rawValue)",
                    cure: "give a transcript of its kind")
                continue
            }
            guard let instance = context.instance(plugin, config: transcript.config) else { return }
            let outcome = Exchange.make(instance, Script(transcript, framing: plugin.framing)).finish()
            show(outcome, transcript, context)
        }
    }

    private static func show(_ outcome: Outcome, _ transcript: Transcript, _ context: RuleContext) {
        context.note("# \(transcript.name)")
        for step in outcome.steps { show(step, transcript.request.json, context) }
        if let request = outcome.request {
            context.note("request: " + (outcome.isChanged ? String(decoding: request, as: UTF8.self) : "unchanged"))
        }
        if !outcome.hasExchange { context.note("takes no part in the response") }
        for event in EventMerge.merged(outcome.events) { context.note(event.node.json) }
        if let failure = outcome.failure {
            context.note(
                "\(failure.function) failed: status \(failure.status), category \(category(failure)): \(failure.message)"
            )
        }
        for breach in outcome.breaches { context.fail(breach.message, cure: "kimi-host plugin check says which rule") }
        for difference in Golden.differences(transcript, outcome) { context.fail("expected otherwise: \(difference)") }
    }

    private static func category(_ failure: CallFailure) -> String {
        let words = EventPlace.categories
        return words.indices.contains(Int(failure.category)) ? words[Int(failure.category)] : "\(failure.category)"
    }

    private static func show(_ step: DescribedStep, _ request: [UInt8], _ context: RuleContext) {
        var line = "step: \(TranscriptReader.word(step.kind))"
        if let url = step.url { line += " \(step.method) \(url)" }
        for field in step.fields { line += " \(PlanRules.word(field.field))=\(StepComparison.short(field.value))" }
        context.note(line)
        for header in step.headers { context.note("  \(header.name): \(header.isSecret ? "***" : header.value)") }
        guard step.kind == KIMI_STEP_SEND || step.kind == KIMI_STEP_HTTP else { return }
        do {
            context.note("  " + String(decoding: try step.wholeBody(of: request), as: UTF8.self))
        } catch {
            context.fail("the body cannot be made: \(error.message)")
        }
    }
}
