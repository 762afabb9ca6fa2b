import OpenAIProviderLogic
import PluginABI
import Testing

@Suite("Requests to Responses upstreams")
struct ResponsesRequestTests {
    private func sent(
        _ json: String, dialect: String = "openai.chat", config: String = "", model: String = "gpt-5",
        stream: Bool = false
    ) -> (body: String, notes: [String], url: String) {
        let attempt = Attempt(
            config: #"{"apiKey":"k","api":"responses"\#(config)}"#, stream: stream, dialect: dialect, json: json,
            model: model)
        #expect(attempt.status == 0, "\(attempt.failure.message)")
        attempt.frames([("", "{}")])
        let notes = attempt.record.notes.map { String($0.dropFirst("dropped ".count).prefix { $0 != ":" }) }
        return (attempt.body(of: json), notes, attempt.plan.values(KIMI_FIELD_URL).first ?? "")
    }

    /// The items that messages become.
    private func input(_ messages: String, dialect: String = "openai.chat") -> String {
        let body = sent(#"{"messages":[\#(messages)]}"#, dialect: dialect).body
        let head = #"{"model":"gpt-5","input":["#
        let tail = #"],"include":["reasoning.encrypted_content"],"store":false}"#
        return body.hasPrefix(head) && body.hasSuffix(tail)
            ? String(body.dropFirst(head.count).dropLast(tail.count)) : "not expected: " + body
    }

    @Test("the endpoint, and what every request has")
    func envelope() {
        let request = sent(#"{"messages":[{"role":"user","content":"a\u0062"}],"stream":true}"#, stream: true)
        #expect(request.url == "https://api.openai.com/v1/responses")
        #expect(
            request.body
                == #"{"model":"gpt-5","input":[{"type":"message","role":"user","content":"a\u0062"}],"stream":true,"include":["reasoning.encrypted_content"],"store":false}"#
        )
        #expect(request.notes.isEmpty)
    }

    @Test(
        "messages become items",
        arguments: [
            (#"{"role":"system","content":"s"}"#, #"{"type":"message","role":"system","content":"s"}"#),
            (
                #"{"role":"user","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"data:x","detail":"low"}},{"type":"file","file":{"file_data":"d","filename":"f"}}]}"#,
                #"{"type":"message","role":"user","content":[{"type":"input_text","text":"t"},{"type":"input_image","image_url":"data:x","detail":"low"},{"type":"input_file","file_data":"d","filename":"f"}]}"#
            ),
            (
                #"{"role":"assistant","content":"hi","refusal":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{ }"}}]}"#,
                #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi"}]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{ }"}"#
            ),
            (
                #"{"role":"assistant","content":null,"refusal":"no"}"#,
                #"{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no"}]}"#
            ),
            (#"{"role":"assistant","content":""}"#, ""),
            (
                #"{"role":"tool","tool_call_id":"c1","content":"r","is_error":true}"#,
                #"{"type":"function_call_output","call_id":"c1","output":"Error: r"}"#
            ),
            (
                #"{"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}}]}"#,
                #"{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"u","detail":"auto"}]}"#
            ),
            (
                #"{"role":"assistant","tool_calls":[{"id":"x","type":"custom","custom":{"name":"n","input":"i"}}]},{"role":"tool","tool_call_id":"x","content":"o"}"#,
                #"{"type":"custom_tool_call","call_id":"x","name":"n","input":"i"},{"type":"custom_tool_call_output","call_id":"x","output":"o"}"#
            ),
        ])
    func items(messages: String, expected: String) {
        #expect(input(messages) == expected)
    }

    @Test("thoughts go back as the items they were")
    func thoughts() {
        let item =
            #"{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"e","status":null}"#
        let back =
            #"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"e"}"#
        let said = #"{"type":"message","role":"assistant","content":[{"type":"output_text","text":"a"}]}"#
        #expect(
            input(#"{"role":"assistant","content":"a","reasoning_content":"s","reasoning_items":[\#(item)]}"#) == back
                + "," + said)
        // What the decoder sealed for a Messages client comes back the same.
        let transcript = ResponsesReplyTests.Transcript(name: "thought-sealed.anthropic")
        let line = transcript.lines.first { $0.contains("signed «") } ?? ""
        let signature = line.drop { $0 != "«" }.dropFirst().dropLast()
        let block = #"{"type":"thinking","thinking":"s","signature":"\#(signature)"}"#
        let sealed = #"{"role":"assistant","content":"a","thinking_blocks":[\#(block)],"reasoning_content":"s"}"#
        #expect(
            input(sealed, dialect: "anthropic.messages")
                == #"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"**A**"},{"type":"summary_text","text":"B"}],"encrypted_content":"gAAA=="},"#
                + said)
        // And what it sealed for a Responses client, whose item has lost its id.
        let own = #"{"type":"reasoning","id":"rs_other","summary":[],"encrypted_content":"\#(signature)"}"#
        #expect(
            input(#"{"role":"assistant","content":"a","reasoning_items":[\#(own)]}"#, dialect: "openai.responses")
                .hasPrefix(#"{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"**A**"}"#))
        let cut = sealed.replacing(signature, with: signature.dropLast(3))
        let foreign = sent(#"{"messages":[\#(cut)]}"#, dialect: "anthropic.messages")
        #expect(foreign.notes == ["1 messages[*].thinking_blocks", "1 messages[*].reasoning_content"])
        #expect(!foreign.body.contains("reasoning\""))
    }

    @Test("tools, and the choice of them")
    func tools() {
        let body = sent(
            #"""
            {"messages":[],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type": "object"}}},
            {"type":"function","function":{"name":"g","strict":true}},
            {"type":"custom","custom":{"name":"c","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}},
            {"type":"native","native":{"type":"bash_20250124"}}],
            "tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":false}
            """#)
        #expect(
            body.body.contains(
                #""tools":[{"type":"function","name":"f","description":"d","parameters":{"type": "object"},"strict":false},{"type":"function","name":"g","parameters":{"type":"object","properties":{}},"strict":true},{"type":"custom","name":"c","format":{"type":"grammar","definition":"x","syntax":"lark"}}],"tool_choice":{"type":"function","name":"f"},"parallel_tool_calls":false"#
            ), "\(body.body)")
        #expect(body.notes == ["1 tools[*] (bash_20250124)"])
        let none = sent(#"{"messages":[],"tools":[{"type":"native","native":{"type":"x"}}],"tool_choice":"auto"}"#)
        #expect(!none.body.contains("tool"))
        let own = sent(
            #"{"messages":[],"tools":[{"type":"native","native":{"type":"web_search"}}]}"#, dialect: "openai.responses")
        #expect(own.body.contains(#""tools":[{"type":"web_search"}]"#) && own.notes.isEmpty)
    }

    @Test("all other members, and what is dropped is told by name")
    func members() {
        let request = sent(
            #"""
            {"messages":[],"max_tokens":5,"temperature":1.0,"top_p":0.5,"user":"u","metadata":{"a":"b"},"service_tier":"flex",
            "prompt_cache_key":"k","reasoning_effort":"high","verbosity":"low","store":true,"logprobs":true,"top_logprobs":2,
            "response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"x":1 },"strict":true}},
            "stop":["a"],"seed":1,"n":1,"presence_penalty":0,"frequency_penalty":0.5,"logit_bias":{},"odd one":1}
            """#)
        #expect(
            request.body
                == #"{"model":"gpt-5","input":[],"max_output_tokens":5,"text":{"format":{"type":"json_schema","name":"n","schema":{"x":1 },"strict":true},"verbosity":"low"},"reasoning":{"effort":"high"},"include":["reasoning.encrypted_content","message.output_text.logprobs"],"store":true,"temperature":1.0,"top_p":0.5,"user":"u","metadata":{"a":"b"},"service_tier":"flex","prompt_cache_key":"k","top_logprobs":2}"#
        )
        #expect(request.notes == ["1 stop", "1 seed", "1 frequency_penalty", "1 logit_bias", "1 (other members)"])
        #expect(sent(#"{"messages":[],"metadata":{"a":1}}"#).notes == ["1 metadata"])
    }

    @Test("thinking becomes an effort, with a summary for who wants to see it")
    func thinking() {
        let on = #"{"messages":[],"thinking":{"type":"enabled","budget_tokens":9000}}"#
        #expect(sent(on).body.contains(#""reasoning":{"effort":"high","summary":"auto"}"#))
        #expect(sent(on, config: #","reasoning_summary":"none""#).body.contains(#""reasoning":{"effort":"high"}"#))
        #expect(!sent(#"{"messages":[],"thinking":{"type":"disabled"}}"#).body.contains(#""reasoning":"#))
        let own = #"{"messages":[],"reasoning":{"summary":"detailed","effort":"low"},"reasoning_effort":"high"}"#
        #expect(sent(own).body.contains(#""reasoning":{"effort":"high","summary":"detailed"}"#))
    }

    @Test("models without thoughts are not asked for sealed ones; extra_body comes last")
    func options() {
        #expect(!sent(#"{"messages":[]}"#, model: "gpt-4.1").body.contains("include"))
        #expect(!sent(#"{"messages":[]}"#, config: #","encrypted_reasoning":false"#).body.contains("include"))
        #expect(
            sent(#"{"messages":[]}"#, config: #","encrypted_reasoning":true"#, model: "gpt-4o").body.contains("include")
        )
        let extra = sent(#"{"messages":[]}"#, config: #","extra_body":{"/store":null,"/a":1}"#).body
        #expect(extra.hasSuffix(#""include":["reasoning.encrypted_content"],"a":1}"#))
    }

    @Test(
        "any JSON goes through without harm",
        arguments: [
            #"{"messages":7}"#, #"{"messages":[7,null,"a",[]]}"#, #"{"messages":[{"role":7,"content":7}]}"#,
            #"{"messages":[{"role":"assistant","content":[7,{}],"tool_calls":[7,{}],"reasoning_items":7,"thinking_blocks":[7]}]}"#,
            #"{"messages":[{"role":"tool"}],"tools":[7,{"function":7}],"tool_choice":{},"response_format":7,"thinking":7}"#,
            "{}",
        ])
    func odd(json: String) {
        let body = sent(json).body
        #expect(Canonical.merge("{}", body) == body)
    }
}
