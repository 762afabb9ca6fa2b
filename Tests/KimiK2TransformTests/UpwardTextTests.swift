import KimiK2TransformLogic
import Testing
import WireJSON

@Suite("Upward: texts, markup and tool_choice")
struct UpwardTextTests {
    private func text(_ part: String) -> String { #"{"type":"text","text":"\#(part)"}"# }

    @Test(
        "empty text beside calls is null",
        arguments: [#""""#, #"" \n\t""#, "[]", #"[{"type":"text","text":""}]"#, "null"])
    func emptyBesideCalls(_ content: String) {
        let call = ("\"functions.x:0\"", "x", "{}")
        let result = Rewritten(Say.request([Say.assistant([call], content), Say.result("\"functions.x:0\"")]))
        #expect(result.contents("assistant") == ["null"])
        let words = Rewritten(Say.request([Say.assistant([call], #""On it.""#), Say.result("\"functions.x:0\"")]))
        #expect(words.patch == nil)
        #expect(Rewritten(Say.request([Say.assistant([], #""""#)])).patch == nil)
    }

    @Test("lists of nothing but text become one string, for every role, byte for byte") func lists() {
        for role in ["system", "developer", "user", "assistant"] {
            let list = "[\(text(#"a\u00e4\n"#)), \(text(#"\"b"#))]"
            let result = Rewritten(Say.request([#"{"role":"\#(role)","content":\#(list)}"#]))
            #expect(result.text.contains(#""content":"a\u00e4\n\"b"}"#), "\(role)")
            #expect(result.count("history_text") == 1)
        }
        let tool = #"{"role":"tool","tool_call_id":"functions.x:0","content":[\#(text("r"))]}"#
        let result = Rewritten(Say.request([Say.assistant([("\"functions.x:0\"", "x", "{}")]), tool]))
        #expect(result.contents("tool") == ["r"])
    }

    @Test(
        "lists with anything else in them stay",
        arguments: [
            #"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#,
            #"[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]"#,
            #"["a","b"]"#, #"[{"type":"text","text":5}]"#, #"[{"text":"a"}]"#, "[]", #"[{"type":"text"}]"#, "5", "{}",
        ])
    func otherLists(_ content: String) {
        #expect(Rewritten(Say.request([#"{"role":"user","content":\#(content)}"#])).patch == nil)
    }

    @Test("empty parts beside others are left out") func emptyParts() {
        let image = #"{"type":"image_url","image_url":{"url":"u"}}"#
        let result = Rewritten(Say.request([#"{"role":"user","content":[\#(text("")), \#(image),\#(text("a"))]}"#]))
        #expect(result.contents("user") == ["[\(image),\(text("a"))]"])
    }

    // MARK: - Markup

    static func call(_ id: String, _ arguments: String = "{}") -> String {
        "<|tool_call_begin|>\(id)<|tool_call_argument_begin|>\(arguments)<|tool_call_end|>"
    }

    static func section(_ calls: String...) -> String {
        "<|tool_calls_section_begin|>\(calls.joined())<|tool_calls_section_end|>"
    }

    private func answer(_ text: String, _ rest: [String], _ model: String = "kimi", _ more: String = "") -> Rewritten {
        Rewritten(Say.request([Say.user("hi"), Say.assistant([], "\"\(text)\"")] + rest, more), model: model)
    }

    @Test("two leaked calls with results are calls again, wherever the numbers stood") func leaked() {
        let both = Self.section(Self.call("functions.a:3"), Self.call("functions.b-c:4"))
        for ids in [
            ("\"functions.a:3\"", "\"functions.b-c:4\""), ("\"3\"", "\"4\""), ("\"functions_a_3\"", "\"b-c:4\""),
        ] {
            let result = answer("Sure. \(both)", [Say.result(ids.0), Say.result(ids.1), Say.user("go")])
            #expect(result.callIDs == ["functions.a:3", "functions.b-c:4"])
            #expect(result.callNames == ["a", "b-c"])
            #expect(result.resultIDs == result.callIDs)
            #expect(result.contents("assistant") == ["Sure."])
            #expect(Rewritten(result.text).patch == nil)
        }
        let alone = answer(both, [Say.result(nil), Say.result(nil)])
        #expect(alone.contents("assistant") == ["null"])
        #expect(alone.resultIDs == ["functions.a:3", "functions.b-c:4"])
        #expect(alone.conversation.nextIndex == 5)
    }

    @Test("calls nobody answered stay as they are: the upstream would refuse them") func unanswered() {
        let both = Self.section(Self.call("functions.a:3"), Self.call("functions.b:4"))
        #expect(answer("Sure. \(both)", [Say.user("go")]).patch == nil)
        #expect(answer("Sure. \(both)", []).patch == nil)
        #expect(answer("Sure. \(both)", [Say.result("\"functions.a:3\"")]).callIDs == [])
    }

    @Test("thoughts in the text go where they belong") func thoughts() {
        for text in [
            "<think>hm</think>Yes", "hm</think>Yes", "\\u003cthink\\u003ehm\\u003c/think\\u003eYes",
            "<think>hm</think>\\n\\nYes",
        ] {
            let result = answer(text, [Say.user("go")], "kimi-k2-thinking")
            #expect(result.thoughts == ["hm"], "\(text)")
            #expect(result.contents("assistant") == ["Yes"], "\(text)")
            #expect(answer(text, [], "kimi-k2.5", #","thinking":{"type":"disabled"}"#).patch == nil)
        }
        let withCall = answer(
            "<think>hm</think>\(Self.section(Self.call("functions.a:0")))", [Say.result("\"functions.a:0\"")],
            "kimi-k2.5")
        #expect(withCall.thoughts == ["hm"])
        #expect(withCall.callIDs == ["functions.a:0"])
    }

    @Test("the end of a turn leaves the text") func envelope() {
        #expect(answer("Done.<|im_end|>", []).contents("assistant") == ["Done."])
    }

    @Test("an inline copy of a structured call leaves the text") func copies() {
        let call = Self.section(Self.call("functions.a:0"))
        let message = Say.assistant([("\"functions.a:0\"", "a", "{}")], "\"On it. \(call)\"")
        let result = Rewritten(Say.request([message, Say.result("\"functions.a:0\"")]))
        #expect(result.contents("assistant") == ["On it."])
        #expect(result.callIDs == ["functions.a:0"])
    }

    @Test(
        "quoted documentation stays byte for byte",
        arguments: [
            "Use `<|tool_call_begin|>` and `</think>`.",
            "```\\n<|tool_calls_section_begin|>\\n<think>\\n```\\nThat is it.",
            "The tag <think> opens a thought.", "`<think>a</think>`", "a < b && c <div> d", "\\u003cb\\u003e",
            "\u{25C1} \u{2022}",
        ])
    func quoted(_ text: String) {
        for model in ["kimi", "kimi-k2.5", "kimi-k3"] {
            for rest in [[], [Say.user("go")], [Say.result("\"functions.a:0\"")]] {
                let result = answer(text, rest, model)
                #expect(result.text.contains("\"content\":\"\(text)\""))
                #expect(result.callIDs == [])
            }
        }
        let user = Rewritten(Say.request([Say.user("\(text) \(Self.section(Self.call("functions.a:0")))")]))
        #expect(user.patch == nil)
    }

    // MARK: - tool_choice

    private func choice(_ value: String, _ model: String, _ config: String = "{}", _ more: String = "") -> Rewritten {
        let config = KimiK2Config(json: Array(config.utf8)) ?? KimiK2Config()
        return Rewritten(
            Say.request([Say.user("hi")], #","tool_choice":\#(value)\#(more)"#), config: config, model: model)
    }

    static let named = #"{"type":"function","function":{"name":"a"}}"#

    @Test("a forced choice goes up as the upstream takes it") func choices() {
        func auto(_ value: String, _ model: String, _ config: String = "{}", _ more: String = "") -> String {
            choice(value, model, config, more).read { $0["tool_choice"].text } ?? ""
        }
        for forced in ["\"required\"", Self.named] {
            let same = forced == Self.named ? Self.named : "required"
            #expect(auto(forced, "kimi-k2-thinking") == "auto")
            #expect(auto(forced, "kimi-k2.5") == "auto")
            #expect(auto(forced, "kimi-k3") == "required")
            #expect(auto(forced, "kimi") == same)
            #expect(auto(forced, "kimi-k2-instruct") == same)
            #expect(auto(forced, "kimi-k2.5", "{}", #","thinking":{"type":"disabled"}"#) == same)
            #expect(auto(forced, "kimi-k2.5", #"{"toolChoice":"keep"}"#) == same)
            #expect(auto(forced, "kimi-k2.5", #"{"repairs":{"tool_choice":false}}"#) == same)
            #expect(auto(forced, "kimi", #"{"toolChoice":"degrade"}"#) == "auto")
        }
        for free in ["\"auto\"", "\"none\"", "null", "5", "[]", "{}"] {
            #expect(choice(free, "kimi-k2.5").patch == nil)
        }
        #expect(choice("\"required\"", "kimi-k2.5").count("tool_choice") == 1)
    }

    @Test("or thinking is switched off for it, and nothing is added to the history then") func noThinking() {
        let config = KimiK2Config(json: Array(#"{"toolChoice":"no-thinking"}"#.utf8)) ?? KimiK2Config()
        let call = Say.assistant([("\"functions.x:0\"", "x", "{}")])
        let more = #","tool_choice":"required","thinking":{"type":"enabled","keep":"all"}"#
        let result = Rewritten(
            Say.request([call, Say.result("\"functions.x:0\"")], more), config: config, model: "kimi-k2.5")
        #expect(result.text.contains(#""thinking":{"type":"disabled"}"#))
        #expect(result.text.contains(#""chat_template_kwargs":{"thinking":false}"#))
        #expect(result.text.contains(#""tool_choice":"required""#))
        #expect(result.thoughts == ["-"])
        #expect(result.recorder == nil)
        #expect(
            choice("\"required\"", "kimi-k2.5", #"{"toolChoice":"no-thinking"}"#, #","thinking":{"type":"disabled"}"#)
                .patch == nil)
        #expect(
            choice(Self.named, "kimi-k3", #"{"toolChoice":"no-thinking"}"#).text.contains(#""tool_choice":"required""#))
    }
}
