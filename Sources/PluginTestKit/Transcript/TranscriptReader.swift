import ConfigYAML
package import JSONSchema
import PluginABI

/// One thing that is wrong with a transcript, and where.
package struct TranscriptProblem: Error, Sendable, CustomStringConvertible {
    package var file: String
    package var mark: Mark?
    package var message: String

    package var description: String {
        mark.map { "\(file):\($0.line):\($0.column): \(message)" } ?? "\(file): \(message)"
    }
}

/// Reads transcripts: YAML, and hence JSON as well.
package struct TranscriptReader {
    /// A longer file is refused.
    package static let maxBytes = 16 << 20

    let file: String

    /// Reads one document.
    package static func read(_ text: String, file: String) throws(TranscriptProblem) -> Transcript {
        let (node, problems) = YAMLReader.read(text)
        if let problem = problems.first {
            throw TranscriptProblem(file: file, mark: problem.mark, message: problem.message)
        }
        guard let node else { throw TranscriptProblem(file: file, message: "is no YAML document") }
        return try TranscriptReader(file: file).transcript(node)
    }

    private static let members = [
        "kimi-transcript", "name", "kind", "config", "request", "stream", "native", "dialect", "model",
        "conversation", "attempt", "steps", "events-in", "events", "request-out", "fails", "ends",
    ]

    private func transcript(_ node: ConfigNode) throws(TranscriptProblem) -> Transcript {
        try check(node, Self.members, "the transcript")
        guard node["kimi-transcript"]?.int == 1 else {
            throw wrong(node["kimi-transcript"] ?? node, "write 'kimi-transcript: 1' in the first line")
        }
        guard let kind = try text(node, "kind").flatMap(Transcript.Kind.init(rawValue:)) else {
            throw wrong(node["kind"] ?? node, "'kind' must be provider or transform")
        }
        guard let request = node["request"] else { throw wrong(node, "'request' is missing") }
        var transcript = Transcript(
            file: file, name: try text(node, "name") ?? file, kind: kind,
            config: node["config"] ?? ConfigNode(.object(ConfigObject())), request: try input(request, node))
        guard transcript.config.object != nil else { throw wrong(transcript.config, "'config' must be an object") }
        transcript.why = try ending(node["ends"])
        for step in try list(node, "steps") { transcript.steps.append(try self.step(step)) }
        for event in try list(node, "events-in") { transcript.eventsIn += try events(event).map(\.event) }
        if node["events"] != nil {
            var patterns: [EventPattern] = []
            for event in try list(node, "events") { patterns += try events(event) }
            transcript.events = patterns
        }
        transcript.requestOut = try requestOut(node["request-out"])
        transcript.failure = try failure(node["fails"])
        try checkKind(transcript, node)
        return transcript
    }

    private func checkKind(_ transcript: Transcript, _ node: ConfigNode) throws(TranscriptProblem) {
        let foreign = transcript.kind == .provider ? ["events-in", "request-out"] : ["steps"]
        for name in foreign {
            if let node = node[name] { throw wrong(node, "'\(name)' has no place in a \(transcript.kind.rawValue)") }
        }
    }

    private func input(_ request: ConfigNode, _ node: ConfigNode) throws(TranscriptProblem) -> RequestInput {
        let json = request.string.map { Array($0.utf8) } ?? request.jsonBytes
        let value: ConfigNode
        do {
            value = try ConfigNode(parsingJSON: json)
        } catch {
            throw wrong(request, "'request' is a text that is no JSON: \(error.message)")
        }
        var input = RequestInput(json: json, model: try text(node, "model") ?? value["model"]?.string ?? "")
        input.isStream = try flag(node, "stream") ?? value["stream"]?.bool ?? false
        input.dialect = try text(node, "dialect") ?? input.dialect
        input.conversation = try text(node, "conversation") ?? ""
        if let native = try text(node, "native") {
            input.isNative = true
            input.dialect = native
        }
        if let attempt = node["attempt"] {
            guard let number = attempt.int, number > 0 else { throw wrong(attempt, "'attempt' counts from 1") }
            input.attempt = UInt64(number)
        }
        return input
    }

    private func ending(_ node: ConfigNode?) throws(TranscriptProblem) -> kimi_why {
        guard let node else { return KIMI_WHY_END }
        switch node.string {
        case "end": return KIMI_WHY_END
        case "truncated": return KIMI_WHY_TRUNCATED
        case "cancelled": return KIMI_WHY_CANCELLED
        default: throw wrong(node, "'ends' must be end, truncated or cancelled")
        }
    }

    private func requestOut(_ node: ConfigNode?) throws(TranscriptProblem) -> Transcript.RequestOut? {
        guard let node else { return nil }
        if let text = node.string { return text == "unchanged" ? .unchanged : .text(Array(text.utf8)) }
        guard node.object != nil else { throw wrong(node, "'request-out' must be an object, a text or 'unchanged'") }
        return .json(node)
    }

    private func failure(_ node: ConfigNode?) throws(TranscriptProblem) -> ExpectedFailure? {
        guard let node else { return nil }
        try check(node, ["in", "category", "message"], "'fails'")
        var failure = ExpectedFailure(function: try text(node, "in"), message: try text(node, "message"))
        if let category = node["category"] {
            var event = Event(KIMI_EVENT_ERROR)
            if let wanted = EventPlace.category.set(category, in: &event) {
                throw wrong(category, "'category' must be \(wanted)")
            }
            failure.category = event.i0
        }
        return failure
    }
}
