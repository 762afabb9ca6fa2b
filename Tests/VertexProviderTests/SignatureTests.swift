import PluginABI
import Testing

@Suite("Thought signatures")
struct SignatureTests {
    private let reply =
        #"{"candidates":[{"content":{"role":"model","parts":[{"text":"hm","thought":true},"#
        + #"{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"g"}}]},"#
        + #""finishReason":"STOP"}]}"#

    private func answered(_ dialect: String, _ desk: Desk = Desk()) -> [String] {
        let attempt = Attempt(
            #"{"messages":[{"role":"user","content":"x"}]}"#, model: "gemini-3-pro-preview", dialect: dialect,
            desk: desk)
        attempt.head()
        attempt.events([reply])
        attempt.flush()
        #expect(attempt.record.violations.isEmpty)
        return attempt.record.lines
    }

    private func sent(_ assistant: String, _ model: String = "gemini-3-pro-preview", _ desk: Desk = Desk()) -> String {
        let attempt = Attempt(
            #"{"messages":[{"role":"user","content":"x"},\#(assistant),{"role":"tool","tool_call_id":"call_0000000000000001","content":"1"}]}"#,
            model: model, desk: desk)
        let body = attempt.body
        let start = body.range(of: #"{"role":"model""#)?.lowerBound ?? body.startIndex
        let end = body.range(of: #",{"role":"user","parts":[{"functionResponse""#)?.lowerBound ?? body.endIndex
        return String(body[start..<end])
    }

    private func assistant(_ extra: String, call: String = "") -> String {
        #"{"role":"assistant","content":null\#(extra),"tool_calls":[{"id":"call_0000000000000001","type":"function","function":{"name":"f","arguments":"{}"}\#(call)}]}"#
    }

    private func model(_ signature: String) -> String {
        #"{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}\#(signature)}]}"#
    }

    @Test("a Chat or Responses client gets and gives extra_content")
    func chat() {
        #expect(
            answered("openai.chat") == [
                "START   0", "REASONING 0 hm", "BEGIN 0.0 call_0000000000000001 f", #"ARGS 0.0 {"a":1}"#, "END 0.0",
                #"JSON 2 0 tool_call_extras=[{"index":0,"extra_content":{"google":{"thought_signature":"c2ln"}}}]"#,
                "BEGIN 0.1 call_0000000000000002 g", "ARGS 0.1 {}", "END 0.1", "FINISH 0 tool_calls (STOP)",
            ])
        #expect(
            sent(assistant("", call: #","extra_content":{"google":{"thought_signature":"c2ln"}}"#))
                == model(#","thoughtSignature":"c2ln""#))
    }

    @Test("an Anthropic client keeps it in the thinking block before the call")
    func anthropic() {
        #expect(
            answered("anthropic.messages") == [
                "START   0", "REASONING 0 hm", "REASONING 0  signed «gemini1:0:c2ln»",
                "BEGIN 0.0 call_0000000000000001 f", #"ARGS 0.0 {"a":1}"#, "END 0.0",
                "BEGIN 0.1 call_0000000000000002 g", "ARGS 0.1 {}", "END 0.1", "FINISH 0 tool_calls (STOP)",
            ])
        #expect(
            sent(assistant(#","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"gemini1:0:c2ln"}]"#))
                == model(#","thoughtSignature":"c2ln""#))
    }

    @Test("a client that keeps nothing: the host's memory has it")
    func memory() {
        let desk = Desk()
        _ = answered("openai.chat", desk)
        #expect(desk.store == ["call:call_0000000000000001": "c2ln"])
        #expect(sent(assistant(""), "gemini-3-pro-preview", desk) == model(#","thoughtSignature":"c2ln""#))
    }

    @Test("lost: Gemini 3 gets the documented constant on the first call, earlier models nothing")
    func lost() {
        #expect(sent(assistant("")) == model(#","thoughtSignature":"skip_thought_signature_validator""#))
        #expect(sent(assistant(""), "gemini-2.5-pro") == model(""))
        let two = assistant("").replacing(
            "}}]}", with: #"}},{"id":"z","type":"function","function":{"name":"g","arguments":"{}"}}]}"#)
        #expect(sent(two).components(of: "skip_thought_signature_validator") == 1)
    }

    @Test("another upstream's signature is not sent to Gemini")
    func foreign() {
        let text = sent(
            assistant(#","thinking_blocks":[{"type":"thinking","thinking":"a","signature":"EqQBabc"}]"#),
            "gemini-2.5-pro")
        #expect(text == model(""))
    }

    @Test("a signed thought goes back whole; a signed text too")
    func thought() {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        attempt.head()
        attempt.events([
            #"{"candidates":[{"content":{"parts":[{"text":"t","thought":true,"thoughtSignature":"dA=="},{"text":"a"},{"text":"","thoughtSignature":"eA=="}]},"finishReason":"STOP"}]}"#
        ])
        attempt.flush()
        #expect(
            attempt.record.lines == [
                "START   0", "REASONING 0 t signed «gemini1:thought:dA==»", "TEXT 0 a",
                #"JSON 2 0 extra_content={"google":{"thought_signature":"eA=="}}"#, "FINISH 0 stop (STOP)",
            ])
        let body = Attempt(
            #"{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"a","extra_content":{"google":{"thought_signature":"eA=="}},"thinking_blocks":[{"type":"thinking","thinking":"t","signature":"gemini1:thought:dA=="}]},{"role":"user","content":"y"}]}"#
        ).body
        #expect(
            body.contains(
                #"{"role":"model","parts":[{"thought":true,"text":"t","thoughtSignature":"dA=="},{"text":"a","thoughtSignature":"eA=="}]}"#
            ))
    }
}

extension String {
    fileprivate func components(of word: String) -> Int { ranges(of: word).count }

    fileprivate func range(of word: String) -> Range<String.Index>? { firstRange(of: word) }
}
