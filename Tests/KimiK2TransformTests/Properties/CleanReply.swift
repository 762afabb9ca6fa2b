import KimiK2TransformLogic

/// A reply as an upstream sends it that parses its model's output well.
struct CleanReply {
    private static let words = [
        "word", " ", " ", "\n", "\n\n", "1 < 2", "a > b", "<b>bold</b>", "if (a<b) {", "{\"city\": \"Rome\"}", "東京",
        "🌦️", "“x”", "◁", "▷", "<|", "|>", "<|x|>", "call_begin", "functions.read:0", "`code`", "\\n", "\"", "\t",
        "get_weather({\"city\":\"Rome\"})", "<think", "think>", "(no contents)", "\u{FEFF}", "—", "%", "&amp;", "</p>",
    ]
    private static let names = ["read", "get_weather", "mcp__x-y", "a.b", "名前"]
    private static let values = [
        "1", "-2.5e3", "true", "null", "\"x\"", "\"\"", "\"1\"", "\"{\\\"a\\\":1}\"", "[]", "{}",
        "[1, \"b\", {\"c\": null}]",
        "\"quote \\\" and \\\\ back\"", "\"东京 🌦️\"", "\"```\"", "\"<b> & </b>\"", "\"line\\nline\"",
        "\"\\ud83c\\udf26\"",
    ]

    private var generator: SeededGenerator

    init(_ generator: SeededGenerator) { self.generator = generator }

    /// An answer with up to three calls.
    mutating func make() -> Answer {
        var answer = Answer()
        answer.thinkingBytes = text(0...6)
        answer.contentBytes = text(0...12)
        for index in 0..<Int.random(in: 0...3, using: &generator) {
            let members = (0..<Int.random(in: 0...4, using: &generator)).map { "\"k\($0)\": \(pick(Self.values))" }
            let call = Answer.Call(
                id: "call_\(index)x", name: pick(Self.names),
                arguments: Array("{\(members.joined(separator: ", "))}".utf8),
                isEnded: true)
            // Two calls that are the same in all but their id are two calls.
            answer.calls.append(call)
        }
        answer.finishReason = answer.calls.isEmpty ? "stop" : "tool_calls"
        return answer
    }

    /// Sends it in random pieces to a model that does not think by itself.
    mutating func send(_ answer: Answer) -> Reading {
        let tools = Self.names.map { DeclaredTool(name: $0) }
        let example = Case(clean: tools, reason: answer.finishReason)
        return Self.send(answer, example, options: NormaliserOptions(startsInThinking: .no)) { text in
            Cuts.random(text, longest: 20, &generator)
        }
    }

    /// Sends an answer in the fields that it belongs in.
    static func send(
        _ answer: Answer, _ example: Case, options: NormaliserOptions? = nil, cut: (String) -> [String] = { [$0] }
    ) -> Reading {
        var pieces = cut(answer.thinking).map { (TextChannel.reasoning, Array($0.utf8)) }
        pieces += cut(answer.content).map { (TextChannel.content, Array($0.utf8)) }
        let arguments = answer.calls.map { cut($0.text) }
        return Reading.of(pieces, example, options: options) { normaliser, reading in
            for (index, call) in answer.calls.enumerated() {
                Self.send(call, UInt32(index), arguments[index], &normaliser, &reading)
            }
        }
    }

    private static func send(
        _ call: Answer.Call, _ number: UInt32, _ pieces: [String], _ normaliser: inout Normaliser,
        _ reading: inout Reading
    ) {
        Array(call.id.utf8).withUnsafeBytes { id in
            Array(call.name.utf8).withUnsafeBytes {
                normaliser.structuredBegin(number, id: id, name: $0, to: &reading)
            }
        }
        for piece in pieces {
            Array(piece.utf8).withUnsafeBytes {
                reading.collected.feeds($0)
                normaliser.structuredArguments(number, $0, to: &reading)
            }
        }
        normaliser.structuredEnd(number, to: &reading)
    }

    // MARK: - Words

    private mutating func text(_ count: ClosedRange<Int>) -> [UInt8] {
        Array((0..<Int.random(in: count, using: &generator)).map { _ in pick(Self.words) }.joined().utf8)
    }

    private mutating func pick(_ choices: [String]) -> String {
        choices[Int.random(in: 0..<choices.count, using: &generator)]
    }
}

extension Case {
    /// A request with these tools, and nothing to say about the answer.
    init(clean tools: [DeclaredTool], reason: String) {
        name = "clean"
        model = "k2"
        isStream = true
        pieces = []
        channel = .content
        self.tools = tools
        upstreamReason = reason
        accepted = []
        isDebatable = false
        ignoresBlanks = false
        isExact = true
    }
}
