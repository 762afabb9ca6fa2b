import KimiK2TransformLogic
import Testing

@Suite("What a reader found who tried to break it")
struct BreakTests {
    private static let call =
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{}"
        + "<|tool_call_end|><|tool_calls_section_end|>"

    private func read(
        _ pieces: [String], model: String = "kimi", config: KimiK2Config = KimiK2Config(), reason: String? = "stop"
    ) -> Answer {
        let tools = DeclaredTools([DeclaredTool(name: "f")])
        var normaliser = Normaliser(options: config.options(modelName: model, asksForThought: nil), tools: tools)
        var output = Collector()
        for piece in pieces { Array(piece.utf8).withUnsafeBytes { normaliser.text(.content, $0, to: &output) } }
        normaliser.finish(upstreamReason: reason, to: &output)
        return output.finished(normaliser.finishReason(upstream: reason ?? "")).answer
    }

    @Test("an example whose fence the limit of tokens cut off is no call", arguments: ["```\n", "~~~\n", "```json\n"])
    func cutExample(_ fence: String) {
        let text = "The format:\n\(fence)\(Self.call)"
        for pieces in [[text], Cuts.everyCharacter(text)] {
            let answer = read(pieces, model: "kimi-k2-instruct", reason: "length")
            #expect(answer.calls == [])
            #expect(answer.content == text)
            #expect(answer.finishReason == "length")
            #expect(read(pieces, model: "kimi-k2-instruct").calls.count == 1, "who ends his turn so means the call")
        }
    }

    @Test("markup in a name is not in the id made of it") func idWithoutMarkup() {
        let config = KimiK2Config(ids: .native)
        let text = "<|open|>call tool=\"<x\"<|sep|><|open|>argument key=\"a\"<|sep|>1"
        #expect(read([text], model: "kimi-k3", config: config).calls.map(\.id) == ["functions.x:0"])
    }

    @Test("what is held counts with all it costs", arguments: ["kimi", "kimi-k2-thinking"])
    func heldCallsCount(_ model: String) {
        // Text, then calls without end, all held behind it: the limit lets them go.
        let calls = String(repeating: Self.call, count: 3000)
        let answer = read(["Words. "] + Cuts.everyCharacter(calls) + ["more", "</think>done"], model: model)
        #expect(answer.calls.count == 3000)
        #expect(answer.content.hasPrefix("Words."))
    }

    @Test("objects glued to each other without end are a few calls at most") func gluedWithoutEnd() {
        let head = "<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>"
        let objects = String(repeating: "{\"a\":1}", count: 5000)
        for open in ["", "<|tool_calls_section_begin|>"] {
            let whole = read([open + head + objects])
            #expect(whole.calls.count == 65)
            #expect(read(Cuts.everyCharacter(open + head + objects)) == whole)
        }
    }

    @Test("XML behind K3's own markup is text, however it is cut") func foreignBehindXTML() {
        let xml = "Use\n<function=f>\n<parameter=q>x</parameter>\n</function>"
        let text = "<|open|>response<|sep|>\(xml)"
        for pieces in [[text], Cuts.everyCharacter(text)] {
            let answer = read(pieces, model: "kimi-k3")
            #expect(answer.calls == [])
            #expect(answer.content == xml)
        }
    }
}
