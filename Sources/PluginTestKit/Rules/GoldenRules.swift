import CanonicalModel
import JSONSchema
import PluginABI

/// Transcripts.
enum GoldenRules {
    static let all = [
        Rule(
            "R95", .golden, "makes of each transcript what the transcript says",
            cure: "correct the plugin, or the transcript", transcripts)
    ]

    private static func transcripts(_ context: RuleContext) {
        guard let plugin = context.requirePlugin() else { return }
        let own = context.transcripts.filter { $0.kind == plugin.kind }
        guard !own.isEmpty else {
            return context.skip(
                "no transcripts, so the rules above saw made-up input only; write some (docs/plugins/testing.md) and give "
                    + "--transcripts DIR")
        }
        for transcript in own {
            guard let instance = context.instance(plugin, config: transcript.config) else { return }
            let outcome = Exchange.make(instance, Script(transcript, framing: plugin.framing)).finish()
            for difference in Golden.differences(transcript, outcome) {
                context.fail("\(transcript.file) (\(transcript.name)): \(difference)")
            }
        }
        context.note("\(own.count) transcripts")
    }
}

/// Compares an outcome with what a transcript says.
enum Golden {
    static func differences(_ transcript: Transcript, _ outcome: Outcome) -> [String] {
        var all: [String] = []
        if let difference = failure(transcript.failure, outcome.failure) { all.append(difference) }
        if transcript.kind == .provider, let difference = steps(transcript, outcome) { all.append(difference) }
        if let difference = request(transcript, outcome) { all.append(difference) }
        if let expected = transcript.events,
            let difference = EventComparison.difference(expected, EventMerge.merged(outcome.events))
        {
            all.append(difference)
        }
        return all
    }

    private static func failure(_ expected: ExpectedFailure?, _ actual: CallFailure?) -> String? {
        switch (expected, actual) {
        case (nil, nil): return nil
        case (nil, let actual?): return "\(actual.function) fails: \(actual.message)"
        case (_?, nil): return "it does not fail, as 'fails' asks for"
        case (let expected?, let actual?):
            if let function = expected.function, function != actual.function {
                return "\(actual.function) fails, \(function) should: \(actual.message)"
            }
            if let category = expected.category, category != Int64(actual.category) {
                return "it fails with category \(actual.category), expected is \(category)"
            }
            if let words = expected.message, !actual.message.contains(words) {
                return "it fails with '\(actual.message)', which has no '\(words)' in it"
            }
            return nil
        }
    }

    private static func steps(_ transcript: Transcript, _ outcome: Outcome) -> String? {
        for (number, step) in outcome.steps.enumerated() {
            guard number < transcript.steps.count else {
                return "step \(number + 1) is too much: \(TranscriptReader.word(step.kind)) \(step.url ?? "")"
            }
            let expected = transcript.steps[number].expected
            if let difference = StepComparison.difference(expected, step, request: transcript.request.json) {
                return "step \(number + 1): \(difference)"
            }
        }
        guard outcome.steps.count < transcript.steps.count else { return nil }
        let missing = transcript.steps[outcome.steps.count].expected.kind
        return "step \(outcome.steps.count + 1) is missing: \(TranscriptReader.word(missing))"
    }

    private static func request(_ transcript: Transcript, _ outcome: Outcome) -> String? {
        guard let expected = transcript.requestOut else { return nil }
        let actual = outcome.request ?? []
        switch expected {
        case .unchanged: return outcome.isChanged && actual != transcript.request.json ? "the request is changed" : nil
        case .text(let text):
            return actual == text ? nil : "the request is \(StepComparison.short(actual)), not byte for byte as written"
        case .json(let node): return StepComparison.bodyDifference(node, actual, "the request")
        }
    }
}
