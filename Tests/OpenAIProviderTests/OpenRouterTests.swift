import OpenRouterProviderLogic
import PluginABI
import Testing

@Suite("OpenRouter")
struct OpenRouterTests {
    private func attempt(
        _ config: String = "", _ json: String = "{}", dialect: String = "openai.chat", model: String = "m/n",
        stream: Bool = false
    ) -> Attempt {
        Attempt(
            OpenRouterProvider.self, config: #"{"apiKey":"k"\#(config)}"#, stream: stream, dialect: dialect, json: json,
            model: model)
    }

    private func body(
        _ config: String, _ json: String = "{}", dialect: String = "openai.chat", model: String = "m/n"
    ) -> String {
        attempt(config, json, dialect: dialect, model: model).body(of: json)
    }

    @Test(
        "what the config says of routing",
        arguments: [
            ("", #"{"usage":{"include":true}}"#), (#","usage":false"#, "{}"),
            (
                #","usage":false,"order":["a","b"],"only":["c"],"sort":"price","allow_fallbacks":false"#,
                #"{"provider":{"order":["a","b"],"only":["c"],"sort":"price","allow_fallbacks":false}}"#
            ),
            (
                #","usage":false,"order":["a"],"sort":"price","provider":{"order":["z"],"max_price":{"prompt":1.5},"zdr":true}"#,
                #"{"provider":{"sort":"price","order":["z"],"max_price":{"prompt":1.5},"zdr":true}}"#
            ),
            (
                #","usage":false,"models":["x","y"],"route":"fallback","transforms":[],"plugins":[{"id":"web"}]"#,
                #"{"models":["x","y"],"route":"fallback","transforms":[],"plugins":[{"id":"web"}]}"#
            ),
            (#","usage":false,"shortcut":"nitro""#, #"{"model":"m/n:nitro"}"#),
            (#","usage":false,"shortcut":":floor""#, #"{"model":"m/n:floor"}"#),
            (#","usage":false,"extra_body":{"/provider/new":1}"#, #"{"provider":{"new":1}}"#),
        ])
    func routing(config: String, expected: String) {
        #expect(body(config) == expected)
    }

    @Test("a client's own routing stays where the config has none; a model's own suffix stays")
    func clients() {
        let json = #"{"model":"m/n:free","provider":{"zdr":true,"sort":"price"},"models":["a"]}"#
        #expect(
            body(#","usage":false,"shortcut":"nitro","sort":"latency""#, json, model: "m/n:free")
                == #"{"model":"m/n:free","provider":{"zdr":true,"sort":"latency"},"models":["a"]}"#)
    }

    @Test("thoughts go back as reasoning_details, in what form they ever come")
    func up() {
        func message(_ members: String, _ model: String = "anthropic/claude", dialect: String = "anthropic.messages")
            -> String
        {
            let sent = body(
                #","usage":false"#, #"{"messages":[{"role":"assistant",\#(members)}]}"#, dialect: dialect, model: model)
            return String(sent.dropFirst(#"{"messages":[{"role":"assistant","#.count).dropLast("}]}".count))
        }
        let blocks =
            #""thinking_blocks":[{"type":"thinking","thinking":"a\n","signature":"s"},{"type":"redacted_thinking","data":"d"}]"#
        let details =
            #""reasoning_details":[{"type":"reasoning.text","text":"a\n","signature":"s","format":"anthropic-claude-v1","index":0},{"type":"reasoning.encrypted","data":"d","format":"anthropic-claude-v1","index":1}]"#
        #expect(message(#""content":"c","reasoning_content":"a\n",\#(blocks)"#) == #""content":"c",\#(details)"#)
        #expect(message(#"\#(blocks),"content":"c""#, dialect: "openai.chat") == #""content":"c",\#(details)"#)
        // Nothing that was signed: the text stays as it is.
        #expect(
            message(
                #""content":"c","reasoning_content":"a","thinking_blocks":[{"type":"thinking","thinking":"a","signature":""}]"#
            )
                == #""content":"c","reasoning_content":"a""#)
        let item =
            #"{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"t"}],"encrypted_content":"e"}"#
        #expect(
            message(#""content":"c","reasoning_items":[\#(item)]"#, "openai/gpt-5", dialect: "openai.responses")
                == #""content":"c","reasoning_details":[{"type":"reasoning.summary","summary":"t","format":"openai-responses-v1","index":0},{"type":"reasoning.encrypted","data":"e","id":"rs","format":"openai-responses-v1","index":1}]"#
        )
        let own = #""content":"c","reasoning_details":[{"a":1 }]"#
        #expect(message(own) == own)
        #expect(message(own, dialect: "openai.chat") == own)
        #expect(
            message(
                #""reasoning_details":[{"a":1 }],"content":"c","thinking_blocks":[{"type":"redacted_thinking","data":"d"}]"#,
                "m")
                == #""content":"c","reasoning_details":[{"type":"reasoning.encrypted","data":"d","index":0},{"a":1 }]"#)
    }

    @Test("what comes down is enough to send it back, for each kind of client")
    func down() {
        let delta =
            #"{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","signature":"s","format":"anthropic-claude-v1","index":0}]}"#
        let gemini = #"{"type":"reasoning.encrypted","data":"x","id":"t1","format":"google-gemini-v1","index":0}"#
        func lines(_ dialect: String, _ delta: String) -> [String] {
            let attempt = attempt(#""#, #"{"messages":[]}"#, dialect: dialect, stream: true)
            attempt.events([chunk(delta)])
            #expect(attempt.record.violations.isEmpty)
            return Array(attempt.record.lines.dropFirst())
        }
        let text = ["REASONING 0 a", "REASONING 0  signed «s»"]
        #expect(lines("anthropic.messages", delta) == text)
        #expect(lines("openai.responses", delta) == text)
        let details =
            #"JSON 2 0 reasoning_details=[{"type":"reasoning.text","text":"a","signature":"s","format":"anthropic-claude-v1","index":0}]"#
        #expect(lines("openai.chat", delta) == text + [details])
        let sealed = #"{"reasoning_details":[\#(gemini)]}"#
        #expect(lines("openai.chat", sealed) == ["JSON 2 0 reasoning_details=[\(gemini)]"])
        #expect(lines("openai.responses", sealed) == ["JSON 2 0 reasoning_details=[\(gemini)]"])
        // Texts that say no more are told once.
        let plain =
            #"{"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","format":"unknown","index":0}]}"#
        #expect(lines("openai.chat", plain) == ["REASONING 0 b"])
        // A Messages client keeps the data only: it comes back as it was.
        let line = lines("anthropic.messages", sealed)[0]
        let data = line.split(separator: #""data":""#).last?.dropLast(#""}]"#.count) ?? ""
        #expect(data.hasPrefix("kimi-host.detail.1."))
        let back = body(
            #","usage":false"#,
            #"{"messages":[{"role":"assistant","content":"c","thinking_blocks":[{"type":"redacted_thinking","data":"\#(data)"}]}]}"#,
            dialect: "anthropic.messages", model: "google/gemini")
        #expect(back == #"{"messages":[{"role":"assistant","content":"c","reasoning_details":[\#(gemini)]}]}"#)
    }

    @Test("errors in the middle, with and without words; the cost is in the usage")
    func stream() {
        let broken = attempt("", #"{"messages":[]}"#, stream: true)
        broken.events([
            chunk(#"{"content":"a"}"#),
            #"{"id":"g","error":{"code":502,"message":"down","metadata":{"provider_name":"P"}},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}"#,
        ])
        #expect(broken.record.lines.last == "ERROR 7 502 -1 [502] down (P)")
        let mute = attempt("", #"{"messages":[]}"#, stream: true)
        mute.events([
            chunk(#"{"content":"a"}"#),
            #"{"id":"g","choices":[{"index":0,"delta":{},"finish_reason":"error","native_finish_reason":"oops"}]}"#,
        ])
        #expect(mute.record.lines.last == "ERROR 7 0 -1 [] The upstream's model broke off with an error (oops).")
        #expect(mute.record.violations.isEmpty && broken.record.violations.isEmpty)
        let paid = attempt("", #"{"messages":[]}"#, stream: true)
        paid.events([
            chunk("{}", finish: "stop"),
            #"{"id":"c1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"cost":0.00012,"cost_details":{"upstream_inference_cost":null}}}"#,
            "[DONE]",
        ])
        #expect(paid.record.lines.last?.contains(#""cost":0.00012"#) == true)
    }
}
