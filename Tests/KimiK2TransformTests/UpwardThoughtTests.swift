import KimiK2TransformLogic
import PluginABI
import PluginKit
import Testing

@Suite("Upward: thoughts that clients drop")
struct UpwardThoughtTests {
    static let call = ("\"0\"", "x", #"{"b":[1,2],"a":"\#u{FC}"}"#)

    /// One turn: the request goes up, the model thinks and calls or answers.
    @discardableResult
    private func turn(
        _ host: BeginHost, _ messages: [String], thought: String, text: String = "",
        call: (String, String, String)? = nil,
        model: String = "kimi-k2.5", config: String = "{}", conversation: String = ""
    ) throws -> String {
        let (request, exchange) = try host.begin(
            Say.request(messages), config: config, model: model, conversation: conversation)
        let (sink, script) = (FakeHost(), EventScript())
        for piece in thought { script.add(KIMI_EVENT_REASONING, String(piece)) }
        if !text.isEmpty { script.add(KIMI_EVENT_TEXT, text) }
        if let call {
            script.add(KIMI_EVENT_TOOL_BEGIN, String(call.0.dropFirst().dropLast()), call.1)
            for piece in call.2 { script.add(KIMI_EVENT_TOOL_ARGS, String(piece)) }
            script.add(KIMI_EVENT_TOOL_END)
        }
        script.add(KIMI_EVENT_FINISH, call == nil ? "stop" : "tool_calls")
        try script.events.withUnsafeBufferPointer { try exchange?.feed($0, to: sink.sink) }
        withExtendedLifetime(script) {}
        return request
    }

    private func thoughts(
        _ host: BeginHost, _ messages: [String], model: String = "kimi-k2.5", config: String = "{}",
        conversation: String = ""
    ) throws -> [String] {
        var read = Rewritten("{}")
        read.text = try host.begin(Say.request(messages), config: config, model: model, conversation: conversation)
            .request
        return read.thoughts
    }

    @Test("the thought that led to a call is back, and the arguments may be written anew") func calls() throws {
        let host = BeginHost()
        try turn(host, [Say.user("hi")], thought: "I must ask x.", call: Self.call)
        for arguments in [Self.call.2, "{ \"a\": \"\u{FC}\",\n \"b\": [1.0, 2] }", #"{"a":"\u00fc","b":[1,2]}"#] {
            let answer = Say.assistant([("\"0\"", "x", arguments)])
            #expect(try thoughts(host, [Say.user("hi"), answer, Say.result("\"0\"")]) == ["I must ask x."])
        }
        #expect(host.notes["history_reasoning"] == 3)
        for other in [("\"1\"", "x", Self.call.2), ("\"0\"", "y", Self.call.2), ("\"0\"", "x", "{}")] {
            #expect(try thoughts(host, [Say.user("hi"), Say.assistant([other]), Say.result(other.0)]) == [" "])
        }
    }

    @Test("arguments as an object, and ids that a client sanitises") func clients() throws {
        let host = BeginHost()
        try turn(host, [Say.user("hi")], thought: "hm", call: ("\"functions.x:0\"", "x", #"{"a":{"c":1,"b":null}}"#))
        let call = #"{"id":"functions_x_0","function":{"name":"x","arguments":{"a":{"b":null,"c":1}}}}"#
        let answer = #"{"role":"assistant","content":null,"tool_calls":[\#(call)]}"#
        // Which id goes out is the other helper's matter: native ones are asked for here.
        #expect(try !thoughts(host, [Say.user("hi"), answer, Say.result("\"functions_x_0\"")]).isEmpty)
    }

    @Test("a thought that is known takes the place of a client's placeholder") func clientPlaceholders() throws {
        let host = BeginHost()
        try turn(host, [Say.user("hi")], thought: "I must ask x.", call: Self.call)
        let known: [(String, String)] = [(" ", "I must ask x."), ("", "I must ask x."), (".", "."), ("mine", "mine")]
        for (own, expected) in known {
            let answer = Say.assistant([Self.call], "null", #","reasoning_content":"\#(own)""#)
            #expect(try thoughts(host, [Say.user("hi"), answer, Say.result("\"0\"")]) == [expected])
        }
    }

    @Test("behind an unknown name a thought in the history tells that the model thinks, from there on") func evidence()
    {
        func call(_ number: Int, _ more: String = "") -> String {
            Say.assistant([("\"functions.x:\(number)\"", "x", "{}")], "null", more)
        }
        let messages = [call(0), call(1, #","reasoning_content":"hm""#), call(2)]
        #expect(Rewritten(Say.request(messages)).thoughts == ["-", "hm", " "])
        #expect(Rewritten(Say.request(messages, #","thinking":{"type":"disabled"}"#)).thoughts == ["-", "hm", "-"])
        #expect(Rewritten(Say.request(messages), model: "kimi-k2-instruct").thoughts == ["-", "hm", "-"])
    }

    @Test("two conversations with equal ids do not mix") func conversations() throws {
        let host = BeginHost()
        try turn(host, [Say.user("one")], thought: "first", call: Self.call)
        try turn(host, [Say.user("two")], thought: "second", call: Self.call)
        let rest = [Say.assistant([Self.call]), Say.result("\"0\"")]
        #expect(try thoughts(host, [Say.user("one")] + rest) == ["first"])
        #expect(try thoughts(host, [Say.user("two")] + rest) == ["second"])
        #expect(try thoughts(host, [Say.user("three")] + rest) == [" "])
        try turn(host, [Say.user("one")], thought: "third", call: Self.call, conversation: "c1")
        try turn(host, [Say.user("one")], thought: "fourth", call: Self.call, conversation: "c2")
        #expect(try thoughts(host, [Say.user("one")] + rest, conversation: "c1") == ["third"])
        #expect(try thoughts(host, [Say.user("one")] + rest, conversation: "c2") == ["fourth"])
        #expect(try thoughts(host, [Say.user("one")] + rest) == ["first"])
    }

    @Test("answers without calls get theirs where the model keeps it, and equal answers each its own") func answers()
        throws
    {
        let host = BeginHost()
        let long = String(repeating: "word ", count: 400)
        var messages = [Say.user("hi")]
        var expected: [String] = []
        for (number, text) in ["Done.", "Done.", long, "\n Done. \n"].enumerated() {
            for model in ["kimi-k2.7", "kimi-k3"] {
                try turn(host, messages, thought: "thought \(number)", text: text, model: model)
            }
            let shown = text.replacing("\n", with: "\\n")
            messages += [Say.assistant([], "\"\(shown)\""), Say.user("go on")]
            expected.append("thought \(number)")
            #expect(try thoughts(host, messages, model: "kimi-k2.7") == expected)
        }
        #expect(try thoughts(host, messages, model: "kimi-k2.5") == ["-", "-", "-", "-"])
        // As a list of text it is the same answer.
        messages[1] = #"{"role":"assistant","content":[{"type":"text","text":"Do"},{"type":"text","text":"ne."}]}"#
        #expect(try thoughts(host, messages, model: "kimi-k2.7") == expected)
    }

    @Test("a request may ask for all thoughts") func keepAll() throws {
        let host = BeginHost()
        let more = #","thinking":{"type":"enabled","keep":"all"}"#
        let (_, exchange) = try host.begin(Say.request([Say.user("hi")], more))
        let sink = FakeHost()
        let script = EventScript().add(KIMI_EVENT_REASONING, "hm").add(KIMI_EVENT_TEXT, "Yes").add(
            KIMI_EVENT_FINISH, "stop")
        try script.events.withUnsafeBufferPointer { try exchange?.feed($0, to: sink.sink) }
        var read = Rewritten("{}")
        read.text = try host.begin(Say.request([Say.user("hi"), Say.assistant([], "\"Yes\"")], more)).request
        #expect(read.thoughts == ["hm"])
    }

    @Test("a message that has its thought keeps it; one under another name is moved") func own() {
        func thoughts(_ more: String) -> Rewritten {
            Rewritten(
                Say.request([Say.assistant([("\"functions.x:0\"", "x", "{}")], "null", more)]), model: "kimi-k2.5")
        }
        #expect(thoughts(#","reasoning_content":"mine""#).patch == nil)
        let details = #","reasoning_details":[{"type":"reasoning.text","text":"a"},{"text":"b"}]"#
        #expect(thoughts(details).text.hasSuffix(#"\#(details),"reasoning_content":"ab"}]}"#))
        #expect(thoughts(#","reasoning_details":[{"type":"reasoning.encrypted","data":"a"}]"#).patch == nil)
        #expect(thoughts(#","reasoning_details":[{"type":"reasoning.text"}],"reasoning":"a""#).thoughts == ["a"])
        #expect(thoughts(#","reasoning":"mine \u00fc""#).text.contains(#""reasoning_content":"mine \u00fc"}"#))
        #expect(thoughts(#","reasoning_content":null,"reasoning":"mine""#).thoughts == ["mine"])
        for empty in [
            #","reasoning_content":"""#, #","reasoning_content":null"#, "", #","reasoning":"","reasoning_details":[]"#,
        ] {
            #expect(thoughts(empty).thoughts == [" "])
        }
    }

    @Test("placeholders: only beside calls, only while a model known to think thinks") func placeholders() {
        let messages = [
            Say.user("hi"), Say.assistant([("\"functions.x:0\"", "x", "{}")]), Say.result("\"functions.x:0\""),
            Say.assistant([], "\"done\""),
        ]
        func thoughts(_ model: String, _ more: String = "", _ config: String = "{}") -> [String] {
            Rewritten(
                Say.request(messages, more), config: KimiK2Config(json: Array(config.utf8)) ?? KimiK2Config(),
                model: model
            )
            .thoughts
        }
        for model in ["kimi-k2-thinking", "kimi-k2.5", "kimi-k3"] { #expect(thoughts(model) == [" ", "-"]) }
        for model in ["kimi", "kimi-k2-instruct"] { #expect(thoughts(model) == ["-", "-"]) }
        for off in [#","thinking":{"type":"disabled"}"#, #","chat_template_kwargs":{"thinking":false}"#] {
            #expect(thoughts("kimi-k2.5", off) == ["-", "-"])
        }
        #expect(thoughts("kimi", "", #"{"reasoningPlaceholder":"always","placeholderText":"."}"#) == [".", "-"])
        #expect(thoughts("kimi-k2.5", "", #"{"reasoningPlaceholder":"never"}"#) == ["-", "-"])
        #expect(thoughts("kimi-k2.5", "", #"{"repairs":{"history_placeholder":false}}"#) == ["-", "-"])
    }

    @Test("nothing is put back while thinking is off, or switched off here, or for models that never think") func off()
        throws
    {
        let host = BeginHost()
        try turn(host, [Say.user("hi")], thought: "hm", call: Self.call)
        let messages = [Say.user("hi"), Say.assistant([Self.call]), Say.result("\"0\"")]
        var read = Rewritten("{}")
        read.text = try host.begin(Say.request(messages, #","thinking":{"type":"disabled"}"#)).request
        #expect(read.thoughts == ["-"])
        #expect(try thoughts(host, messages, config: #"{"repairs":{"history_reasoning":false}}"#) == [" "])
        #expect(try thoughts(host, messages, model: "kimi-k2-instruct") == ["-"])
        #expect(try thoughts(host, messages) == ["hm"])
    }

    @Test("what is remembered is bounded, and a host without a memory does no harm") func bounds() throws {
        let host = BeginHost()
        let (_, exchange) = try host.begin(Say.request([Say.user("hi")]))
        let (sink, script) = (FakeHost(), EventScript())
        for _ in 0..<300 { script.add(KIMI_EVENT_REASONING, String(repeating: "x", count: 1024)) }
        script.add(KIMI_EVENT_TOOL_BEGIN, "0", "x").add(KIMI_EVENT_TOOL_END).add(KIMI_EVENT_FINISH, "tool_calls")
        try script.events.withUnsafeBufferPointer { try exchange?.feed($0, to: sink.sink) }
        #expect(host.memory.puts == 0)
        host.memory.isOffered = false
        try turn(host, [Say.user("hi")], thought: "hm", call: Self.call)
        #expect(try thoughts(host, [Say.user("hi"), Say.assistant([Self.call]), Say.result("\"0\"")]) == [" "])
        host.memory.isOffered = true
        try turn(host, [Say.user("hi")], thought: "", call: Self.call)
        try turn(host, [Say.user("hi")], thought: "", text: "Done", model: "kimi-k3")
        #expect(host.memory.puts == 0)
    }

    @Test("calls and thoughts that come as markup are remembered as they go out") func markup() throws {
        let host = BeginHost()
        let (_, exchange) = try host.begin(Say.request([Say.user("hi")]), model: "kimi-k2-thinking")
        let sink = FakeHost()
        let text =
            #"<think>I see.</think>On it. <|tool_calls_section_begin|><|tool_call_begin|>functions.x:0"#
            + #"<|tool_call_argument_begin|>{"a":1}<|tool_call_end|><|tool_calls_section_end|>"#
        for piece in Cuts.everyCharacter(text) {
            let script = EventScript().add(KIMI_EVENT_TEXT, piece)
            try script.events.withUnsafeBufferPointer { try exchange?.feed($0, to: sink.sink) }
            withExtendedLifetime(script) {}
        }
        try exchange?.flush(KIMI_WHY_END, to: sink.sink)
        let id = try #require(sink.answer().calls.first?.id)
        let answer = Say.assistant([("\"\(id)\"", "x", #"{"a": 1}"#)], "\"On it.\"")
        #expect(
            try thoughts(host, [Say.user("hi"), answer, Say.result("\"\(id)\"")], model: "kimi-k2-thinking") == [
                "I see."
            ])
    }
}
