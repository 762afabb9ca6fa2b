import KimiK2TransformLogic
import Testing

@Suite("What the request and the configuration decide")
struct RequestTests {
    @Test(
        "families by name",
        arguments: [
            ("moonshotai/Kimi-K2-Instruct-0905", ModelFamily.k2), ("kimi-k2-turbo-preview", .k2),
            ("moonshotai/kimi-k2-thinking-maas", .k2Thinking), ("kimi-k2-thinking-turbo", .k2Thinking),
            ("moonshotai/kimi-k2.5", .k25), ("accounts/fireworks/models/kimi-k2p5", .k25), ("kimi-k2.7-code", .k25),
            ("kimi-k3", .k3), ("kimi-k2_6", .k25), ("Kimi-K2-5", .k25), ("kimi-k2.8-code", .k25), ("kimi-k2-8bit", nil),
            ("kimi-k2-56", nil), ("kimi-k2", nil), ("mock", nil), ("", nil),
            // Signs that join the last letter are another character.
            ("k3\u{301}", nil), ("k3\u{301}-k3", .k3), ("\u{212A}3-é", .k3), ("k2-turbo\u{20E3}", nil),
            ("k2-thinking\u{200D}", nil),
        ] as [(String, ModelFamily?)])
    func families(_ name: String, _ family: ModelFamily?) { #expect(ModelFamily(modelName: name) == family) }

    @Test("reads tools and the switch for thinking") func reading() {
        func read(_ json: String) -> RequestReading { Array(json.utf8).withUnsafeBytes { RequestReading(json: $0) } }
        #expect(read(#"{"tools": [1, 2] }"#).tools == Array("[1, 2]".utf8))
        #expect(read(#"{"messages":[]}"#).asksForThought == nil)
        #expect(read(#"{"thinking":{"type":"disabled"}}"#).asksForThought == false)
        #expect(read(#"{"thinking":{"type":"enabled"}}"#).asksForThought == true)
        #expect(read(#"{"chat_template_kwargs":{"thinking":false}}"#).asksForThought == false)
        #expect(read(#"{"reasoning":{"effort":"none"}}"#).asksForThought == false)
        #expect(read(#"{"reasoning_effort":"high"}"#).asksForThought == true)
        #expect(read(#"{"reasoning_effort":"none"}"#).asksForThought == nil)
        #expect(read(#"{"reasoning_effort":"high","thinking":{"type":"disabled"}}"#).asksForThought == false)
        #expect(read("not json").tools == [])
    }

    @Test("tools come from the request as it is written") func tools() {
        let json = #"""
            [{"type":"function","function":{"name":"find","parameters":{"properties":{"q":{}},"required":["q"]}}},
             {"name":"read","input_schema":{"properties":{"path":{}}}}, {"odd":1}]
            """#
        var normaliser = Normaliser(
            options: NormaliserOptions(startsInThinking: .no), tools: DeclaredTools(json: Array(json.utf8)))
        var output = Collector()
        let text = #"<|tool_call_begin|>0<|tool_call_argument_begin|>{"path":"a"}<|tool_call_end|>"#
        Array(text.utf8).withUnsafeBytes { normaliser.text(.content, $0, to: &output) }
        normaliser.finish(to: &output)
        #expect(output.answer.calls.map(\.name) == ["read"])
    }

    @Test("the configuration outranks the name, the request outranks nothing said") func options() {
        let config = KimiK2Config(
            json: Array(#"{"family":"k2.5","startsInThinking":true,"maxHeldThinkingBytes":5}"#.utf8))
        let options = config?.options(modelName: "kimi-k2-instruct", asksForThought: false)
        #expect(options?.startsInThinking == .yes)
        #expect(options?.isThinker == true)
        #expect(options?.maxHeldThinkingBytes == 5)
        #expect(KimiK2Config().options(modelName: "kimi-k2.5", asksForThought: false).startsInThinking == .no)
        #expect(KimiK2Config().options(modelName: "kimi-k2-instruct", asksForThought: nil).startsInThinking == .no)
        #expect(KimiK2Config().options(modelName: "mock", asksForThought: nil).startsInThinking == .unknown)
        #expect(KimiK2Config(json: Array(#"{"family":"auto","startsInThinking":"auto"}"#.utf8)) != nil)
        #expect(KimiK2Config(json: Array("oops".utf8)) == nil)
    }
}
