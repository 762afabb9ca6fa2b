import JSONSchema
import PluginABI

extension TranscriptReader {
    private static let kinds: [(word: String, kind: kimi_step)] = [
        ("send", KIMI_STEP_SEND), ("http", KIMI_STEP_HTTP), ("token", KIMI_STEP_TOKEN), ("sign", KIMI_STEP_SIGN),
        ("wait", KIMI_STEP_WAIT), ("local-reply", KIMI_STEP_LOCAL_REPLY), ("grant", KIMI_STEP_GRANT),
    ]

    /// The word of a step in transcripts and messages.
    static func word(_ kind: kimi_step) -> String {
        kinds.first { $0.kind == kind }?.word ?? "step \(kind.rawValue)"
    }

    func step(_ node: ConfigNode) throws(TranscriptProblem) -> Step {
        try check(node, Self.kinds.map(\.word) + ["answer"], "a step")
        let named = Self.kinds.filter { node[$0.word] != nil }
        guard named.count == 1, let (word, kind) = named.first, let body = node[word] else {
            throw wrong(node, "a step names one of \(Self.kinds.map(\.word).joined(separator: ", "))")
        }
        var step = Step(expected: ExpectedStep(kind: kind), answer: Answer(), mark: node.mark)
        try read(body, word, &step.expected)
        if let answer = node["answer"] { step.answer = try self.answer(answer) }
        return step
    }

    private func read(_ body: ConfigNode, _ word: String, _ step: inout ExpectedStep) throws(TranscriptProblem) {
        guard !body.isNull else { return }
        switch step.kind {
        case KIMI_STEP_SEND, KIMI_STEP_HTTP: try request(body, word, &step)
        case KIMI_STEP_TOKEN: try fields(body, word, [("key", KIMI_FIELD_TOKEN_KEY)], &step)
        case KIMI_STEP_SIGN:
            try fields(
                body, word,
                [("alg", KIMI_FIELD_SIGN_ALG), ("key", KIMI_FIELD_SIGN_KEY), ("data", KIMI_FIELD_SIGN_DATA)], &step)
        case KIMI_STEP_GRANT:
            try fields(
                body, word,
                [
                    ("token", KIMI_FIELD_TOKEN_VALUE), ("expires-at", KIMI_FIELD_EXPIRES_AT),
                    ("refresh-at", KIMI_FIELD_REFRESH_AT),
                ], &step)
        default:
            try check(body, ["ms"], "'\(word)'")
            step.argument = try number(body, "ms")
        }
    }

    private func request(_ body: ConfigNode, _ word: String, _ step: inout ExpectedStep) throws(TranscriptProblem) {
        try check(body, ["method", "url", "headers", "secret-headers", "body", "body-text"], "'\(word)'")
        step.method = try text(body, "method")
        step.url = try text(body, "url")
        step.headers = try pairs(body, "headers")
        step.secretHeaders = try pairs(body, "secret-headers")
        step.body = body["body"]
        step.bodyBytes = try text(body, "body-text").map { Array($0.utf8) }
    }

    private func fields(
        _ body: ConfigNode, _ word: String, _ known: [(String, kimi_field)], _ step: inout ExpectedStep
    ) throws(TranscriptProblem) {
        try check(body, known.map(\.0), "'\(word)'")
        for (name, field) in known {
            if let value = try text(body, name) { step.fields.append((field, value)) }
        }
    }

    private func answer(_ node: ConfigNode) throws(TranscriptProblem) -> Answer {
        try check(node, ["status", "headers", "body", "body-base64", "sse", "lines", "fails"], "'answer'")
        var answer = Answer()
        answer.status = UInt32(clamping: try number(node, "status") ?? 200)
        answer.headers = try pairs(node, "headers") ?? []
        answer.failure = try text(node, "fails")
        let bodies = ["body", "body-base64", "sse", "lines"].filter { node[$0] != nil }
        guard bodies.count <= 1 else { throw wrong(node, "write one of \(bodies.joined(separator: " and "))") }
        if let body = node["body"] { answer.body = body.string.map { Array($0.utf8) } ?? body.jsonBytes }
        if let body = try text(node, "body-base64") {
            guard let bytes = Base64.decoded(body) else { throw wrong(node, "'body-base64' is not base64") }
            answer.body = bytes
        }
        var type = "application/json"
        for event in try list(node, "sse") {
            answer.body += try serverSentEvent(event)
            type = "text/event-stream"
        }
        for line in try list(node, "lines") {
            answer.body += Self.line(line) + [0x0A]
            type = "application/x-ndjson"
        }
        if answer.header("content-type") == nil { answer.headers.append(("content-type", type)) }
        return answer
    }

    private static func line(_ node: ConfigNode) -> [UInt8] { node.string.map { Array($0.utf8) } ?? node.jsonBytes }

    /// A text, a JSON value, `{event, data}` or `{comment}`.
    private func serverSentEvent(_ node: ConfigNode) throws(TranscriptProblem) -> [UInt8] {
        if let keys = node.object?.keys, keys == ["comment"] || keys == ["event", "data"] {
            if let comment = try text(node, "comment") { return Array(": \(comment)\n\n".utf8) }
            guard let name = try text(node, "event"), let data = node["data"] else { return [] }
            return Array("event: \(name)\n".utf8) + Self.data(data)
        }
        return Self.data(node)
    }

    private static func data(_ node: ConfigNode) -> [UInt8] {
        let lines = line(node).split(separator: 0x0A, omittingEmptySubsequences: false)
        return lines.flatMap { Array("data: ".utf8) + $0 + [0x0A] } + [0x0A]
    }
}
