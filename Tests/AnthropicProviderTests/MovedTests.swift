import PluginABI
import Testing

@Suite("Conversations from other routes, natively")
struct MovedTests {
    private func status(_ content: String, thinking: String = "", model: String = "claude-opus-4-6") -> Int32 {
        let json =
            #"{"model":"m","max_tokens":9,\#(thinking)"messages":[{"role":"user","content":"x"},"#
            + #"{"role":"assistant","content":\#(content)},{"role":"user","content":"y"}]}"#
        return Attempt(
            dialect: "anthropic.messages", json: json, model: model, flags: KIMI_REQUEST_NATIVE.rawValue
        ).status
    }

    private let unsupported = KIMI_E_UNSUPPORTED.rawValue
    private let call = #"{"type":"tool_use","id":"t","name":"f","input":{}}"#

    @Test(
        "what another provider of this host signed or sealed is left to the canonical way",
        arguments: ["claude-x", "kimi"])
    func marks(model: String) {
        #expect(
            status(#"[{"type":"thinking","thinking":"t","signature":"gemini1:0:c2ln"}]"#, model: model) == unsupported)
        #expect(
            status(#"[{"type":"thinking","thinking":"t","signature":"kimi-host.item.1.e30="}]"#, model: model)
                == unsupported)
        #expect(
            status(#"[{"type":"redacted_thinking","data":"kimi-host.detail.1.e30="}]"#, model: model) == unsupported)
        #expect(status(#"[{"type":"thinking","thinking":"t","signature":"c2ln"}]"#, model: model) == 0)
        // Elsewhere these are words like others.
        #expect(status(#"[{"type":"text","text":"gemini1: kimi-host.","data":"kimi-host."}]"#, model: model) == 0)
        #expect(status(#""kimi-host.item.1.e30=""#, model: model) == 0)
    }

    @Test("unsigned thoughts, and loops without a thought, are no matter of other makers' models")
    func claude() {
        let thinking = #""thinking":{"type":"enabled","budget_tokens":1024},"#
        let unsigned = #"[{"type":"thinking","thinking":"t","signature":""}]"#
        #expect(status(unsigned) == unsupported)
        #expect(status(#"[{"type":"thinking","thinking":"t"}]"#) == unsupported)
        #expect(status(unsigned, model: "kimi") == 0)
        #expect(status("[\(call)]", thinking: thinking) == unsupported)
        #expect(status("[\(call)]", thinking: thinking, model: "kimi") == 0)
        #expect(status("[\(call)]") == 0)
        #expect(status(#"[{"type":"redacted_thinking","data":"R"},\#(call)]"#, thinking: thinking) == 0)
    }

    @Test("odd shapes are the upstream's matter", arguments: ["null", "7", "[]", "[null]", "[[]]", #"[{"type":7}]"#])
    func odd(content: String) { #expect(status(content) == 0) }
}
