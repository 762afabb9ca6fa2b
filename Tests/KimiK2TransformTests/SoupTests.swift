import KimiK2TransformLogic
import Testing

@Suite("Markup in any order breaks nothing")
struct SoupTests {
    static let words = [
        "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_section_begin|>",
        "<|tool_call_begin|>",
        "<|tool_call_begin|>", "<|tool_call_end|>", "<|tool_call_end|>", "<|tool_call_argument_begin|>",
        "<|tool_call_argument_begin|>", "<think>", "</think>", "</think>", "◁think▷", "◁/think▷", "<thinking>",
        "</thinking>", "<|im_end|>", "<|im_assistant|>", "assistant", "<|im_middle|>", "functions.read:0", "read", "7",
        "call_9", "{\"a\":", "\"x", "\"", "\"}", "}", "{}", "{\"path\":\"/srv\"}", "\\", "\\\"", "[", "`", "``", "```",
        "\n",
        "\n\n", " ", "  ", "(no content)", "(no c", "word", " word", "東京", "◁", "▷", "“x”", "<", "<|", "<|tool", "</",
        "<b>",
        "<tool_call>", "</tool_call>", "<function=read>", "</function>", "<parameter=path>", "</parameter>", "<invoke ",
        "name=\"read\">", "</invoke>", "<function_calls>", "</function_calls>", "{\"name\":\"read\",\"arguments\":{}}",
        "<exec>", "</exec>", "<tool_call>{\"name\":\"x\",\"arguments\":{}}</tool_call>",
        "<|tool_call_begin|>functions.read:1<|tool_call_argument_begin|>{\"path\":\"a\"}<|tool_call_end|>",
    ]

    /// The same for K3.
    static let xtmlWords = [
        "<|open|>", "<|close|>", "<|sep|>", "<|sep|>", "<|end_of_msg|>", "<| open |>", "<|close |>", "<| sep|>",
        "think", "response", "tools", "call", "argument", "message", " ", " tool=\"read\"", " tool=", " key=\"path\"",
        " key=\"a&amp;\"", " type=\"string\"", " type=\"number\"", " type=\"object\"", "\"", "'", "=", "5", "{\"a\":",
        "\"x\"}", "<|close|>think<|sep|>", "<|open|>think<|sep|>", "<|open|>response<|sep|>",
        "<|close|>response<|sep|>", "<|open|>tools<|sep|>", "<|close|>tools<|sep|>",
        "<|open|>call tool=\"read\" index=\"1\"<|sep|>", "<|open|>call tool=\"x\"<|sep|>", "<|close|>call<|sep|>",
        "<|open|>argument key=\"path\" type=\"string\"<|sep|>", "<|open|>argument key=\"a\" type=\"number\"<|sep|>",
        "<|close|>argument<|sep|>", "<|close|>argument", "<|close|>message<|sep|>", "word", " word", "東京", "“x”",
        "<", "<|", "<|o", "<|cl", "`", "```", "\n", "\n\n", "(no content)", "<think>", "</think>",
        "<|tool_call_begin|>", "functions.read:0", "<|tool_call_argument_begin|>", "{}", "<|tool_call_end|>",
    ]

    static let readings = [
        NormaliserOptions(), NormaliserOptions(startsInThinking: .yes), NormaliserOptions(startsInThinking: .no),
        NormaliserOptions(isThinker: true), NormaliserOptions(isThinker: true, maxHeldThinkingBytes: 20),
    ]

    @Test("the same comes out for every cut, events keep their order, no code point is cut", arguments: 0..<20)
    func soup(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed) + 77)
        for round in 0..<400 {
            let count = Int.random(in: 1...24, using: &generator)
            let text = (0..<count).map { _ in Self.words.randomElement(using: &generator) ?? "" }.joined()
            let whole = Self.answer([text], round)
            for pieces in [
                Cuts.everyCharacter(text), Cuts.random(text, longest: 3, &generator),
                Cuts.random(text, longest: 30, &generator),
            ] {
                let parts = Self.answer(pieces, round)
                guard parts.answer == whole.answer, parts.breaches.isEmpty, whole.breaches.isEmpty else {
                    Issue.record(
                        """
                        \(text.debugDescription) cut as \(pieces):
                        \(parts.answer) \(parts.breaches), but whole
                        \(whole.answer) \(whole.breaches)
                        """)
                    return
                }
            }
        }
    }

    @Test("the same with the markup of K3", arguments: 0..<20)
    func xtmlSoup(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed) + 4077)
        for round in 0..<400 {
            let count = Int.random(in: 1...30, using: &generator)
            let text = (0..<count).map { _ in Self.xtmlWords.randomElement(using: &generator) ?? "" }.joined()
            let whole = Self.answer([text], round, isK3: round % 2 == 0)
            for pieces in [
                Cuts.everyCharacter(text), Cuts.random(text, longest: 3, &generator),
                Cuts.random(text, longest: 30, &generator),
            ] {
                let parts = Self.answer(pieces, round, isK3: round % 2 == 0)
                guard parts.answer == whole.answer, parts.breaches.isEmpty, whole.breaches.isEmpty else {
                    Issue.record(
                        """
                        round \(round): \(text.debugDescription) cut as \(pieces):
                        \(parts.answer) \(parts.breaches), but whole
                        \(whole.answer) \(whole.breaches)
                        """)
                    return
                }
            }
        }
    }

    @Test("K3: what is not markup is kept, and tokens outside code and arguments are not", arguments: 0..<10)
    func xtmlConservation(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed) + 7991)
        let tokens = [
            "<|open|>", "<|close|>", "<|sep|>", "<|end_of_msg|>", "<|close|>call<|sep|>", "<| sep |>",
            "<|open|>response<|sep|>", "<|close|>think<|sep|>", "<|open|>think<|sep|>", "<|close|>message<|sep|>",
        ]
        for round in 0..<400 {
            var text = ""
            var kept = ""
            for number in 0..<Int.random(in: 1...12, using: &generator) {
                text += " w\(number)."
                kept += "w\(number)."
                if Bool.random(using: &generator) { text += tokens.randomElement(using: &generator) ?? "" }
            }
            let answer = Self.answer([text], round, isK3: true).answer
            let words = (answer.thinking + " " + answer.content).split(whereSeparator: { $0 == "." || $0.isWhitespace })
            #expect(words.sorted() == kept.split(separator: ".").sorted())
            #expect(!(answer.content + answer.thinking).contains("<|"))
        }
    }

    @Test("what is not markup is kept, and markup outside code and arguments is not", arguments: 0..<10)
    func conservation(_ seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed) + 991)
        let markers = Self.words.filter { $0.hasPrefix("<|") && $0.hasSuffix("|>") && !$0.contains("functions") }
            .filter { !$0.contains("im_assistant") }
        for round in 0..<400 {
            var text = ""
            var kept = ""
            for number in 0..<Int.random(in: 1...12, using: &generator) {
                let word = " w\(number)."
                text += word
                kept += word
                if Bool.random(using: &generator) {
                    text +=
                        [
                            "<|tool_calls_section_end|>", "<|tool_call_end|>", "<|im_end|>",
                            "<|tool_call_argument_begin|>",
                        ]
                        .randomElement(using: &generator) ?? ""
                }
            }
            let answer = Self.answer([text], round).answer
            #expect((answer.content + answer.thinking).filter { $0 != " " } == kept.filter { $0 != " " })
            #expect(!markers.contains { answer.content.contains($0) })
        }
    }

    private static func answer(_ pieces: [String], _ round: Int, isK3: Bool = false) -> Collector {
        let tools = [
            DeclaredTool(name: "read", properties: ["path"], required: ["path"]),
            DeclaredTool(name: "x", properties: ["a"]), DeclaredTool(name: "exec"),
        ]
        var options = readings[round % readings.count]
        if isK3 { options.family = .k3 }
        var normaliser = Normaliser(options: options, tools: DeclaredTools(tools))
        var output = Collector()
        for piece in pieces {
            Array(piece.utf8).withUnsafeBytes { bytes in
                output.feeds(bytes)
                let channel: TextChannel = round % 7 == 6 ? .reasoning : .content
                if let target = normaliser.cleanTarget(channel, bytes) {
                    output.text(target, bytes, transient: false)
                } else {
                    normaliser.text(channel, bytes, to: &output)
                }
            }
        }
        output.feeds(nil)
        normaliser.finish(to: &output)
        return output.finished(normaliser.finishReason(upstream: "stop"))
    }
}
