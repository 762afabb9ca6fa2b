import KimiK2TransformLogic
import Testing

@Suite("Time grows with the input only, and clean text is not touched", .serialized)
struct LimitTests {
    /// Long inputs that a backtracking reader would choke on.
    static let probes: [(name: String, unit: String)] = [
        ("call begins", "<|tool_call_begin|>"), ("section begins", "<|tool_calls_section_begin|> "),
        ("call ends in a string", "<|tool_call_end|>"), ("backticks", "`<think>``"), ("fences", "```\n<think>\n"),
        ("think tags", "<think>x</think>"), ("angles", "<<|<|tool_"), ("blanks", " \n"),
        ("no content", "(no content) "),
        ("broken strings", "<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{\"a\":\"x<|tool_call_end|>"),
        ("foreign openings", "<tool_call>"), ("foreign values", "<function=f><parameter=a>"),
        ("foreign JSON", "<tool_call>{\"name\":\"f\",\"arguments\":{\"a\":[{"), ("foreign words", "<tool_call>fff"),
        ("foreign calls", "<function=f><parameter=a>x</parameter></function>\n"), ("half tags", "<invoke name=\"f"),
        ("wrappers", "<function_calls>"), ("quoted markers", "{\"a\":\"<|tool_call_end|>\"}"),
        ("prose", "Some words, then more of them. "),
        ("opens", "<|open|>"), ("closes", "<|close|>argument"), ("whole closes", "<|close|>argument<|sep|>\n"),
        ("half XTML tags", "<|open|>call tool=\"<| o"), ("seps", "<|sep|>`"),
        ("two ends", "<|close|>call<|close|>tools"),
        ("arguments", "<|open|>argument key=\"k\" type=\"object\"<|sep|>{"),
        ("calls", "<|open|>call tool=\"f\"<|sep|>x<|close|>call<|sep|>"),
        ("blanks after an end", "<|close|>argument<|sep|>" + String(repeating: " ", count: 1100)),
    ]

    /// Generous, because the machine is shared: a quadratic reader misses these bounds by orders of magnitude.
    @Test("twice as much takes about twice as long", arguments: probes.indices)
    func linear(_ probe: Int) {
        let unit = Self.probes[probe].unit
        let prefixes = [
            "", "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{\"a\":\"",
            "<|open|>tools<|sep|><|open|>call tool=\"f\"<|sep|><|open|>argument key=\"a\" type=\"string\"<|sep|>",
            "<|open|>tools<|sep|><|open|>call tool=\"f\"<|sep|>", "<|open|>response<|sep|>",
        ]
        for prefix in prefixes {
            let count = 500_000 / unit.utf8.count
            let short = time(prefix + String(repeating: unit, count: count))
            let long = time(prefix + String(repeating: unit, count: 2 * count))
            #expect(long < short * 4 + .milliseconds(300), "\(Self.probes[probe].name): \(short), then \(long)")
            #expect(long < .seconds(5))
        }
    }

    @Test("200 000 call begins, whole and in small pieces") func manyBegins() {
        let text = String(repeating: "<|tool_call_begin|>", count: 200_000)
        #expect(time(text) < .seconds(2))
        #expect(time(text, piece: 7) < .seconds(4))
    }

    @Test("200 000 tokens of K3, whole and in small pieces", arguments: ["<|open|>", "<|close|>argument"])
    func manyTokens(_ token: String) {
        let text = String(repeating: token, count: 200_000)
        for family in [nil, ModelFamily.k3] {
            #expect(time(text, family: family) < .seconds(2))
            #expect(time(text, piece: 7, family: family) < .seconds(4))
        }
    }

    @Test("2 MB in one string argument of K3, in small pieces") func longString() {
        let head = "<|open|>tools<|sep|><|open|>call tool=\"f\"<|sep|><|open|>argument key=\"a\" type=\"string\"<|sep|>"
        let text = head + String(repeating: "let x = \"<b>\" // 東京\n", count: 80_000)
        #expect(time(text, piece: 7) < .seconds(4))
    }

    @Test("1 MB in small pieces") func smallPieces() {
        let text = String(repeating: "words and <b>tags</b>, `code`, “quotes”\n", count: 25_000)
        #expect(time(text, piece: 5) < .seconds(2))
    }

    @Test("clean text passes byte for byte, in one event for each that came") func clean() {
        let pieces = ["Hello", ",", " world", "! 1 > 0", " (fine)", "\n\nNew", " paragraph: é東🌦️ “x”."]
        var normaliser = Normaliser(options: NormaliserOptions(startsInThinking: .no), tools: DeclaredTools([]))
        var output = Collector()
        for piece in pieces { Array(piece.utf8).withUnsafeBytes { normaliser.text(.content, $0, to: &output) } }
        #expect(output.answer.content == pieces.joined())
        #expect(output.events == pieces.count)
    }

    private func time(_ text: String, piece: Int? = nil, family: ModelFamily? = nil) -> Duration {
        let bytes = Array(text.utf8)
        var options = NormaliserOptions()
        options.family = family
        return ContinuousClock().measure {
            let tools = [DeclaredTool(name: "f"), DeclaredTool(name: "ffffff")]
            var normaliser = Normaliser(options: options, tools: DeclaredTools(tools))
            var output = Counter()
            bytes.withUnsafeBytes { all in
                var start = 0
                while start < all.count {
                    let end = min(all.count, start + (piece ?? all.count))
                    normaliser.text(.content, UnsafeRawBufferPointer(rebasing: all[start..<end]), to: &output)
                    start = end
                }
            }
            normaliser.finish(to: &output)
        }
    }

    struct Counter: NormalisedOutput {
        var bytes = 0

        mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
            self.bytes += bytes.count
        }
        mutating func toolBegin(_ index: UInt32, id: String, name: String) {}
        mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
            self.bytes += bytes.count
        }
        mutating func toolEnd(_ index: UInt32) {}
    }
}
