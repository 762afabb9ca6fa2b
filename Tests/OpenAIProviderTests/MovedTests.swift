import OpenAIProviderLogic
import OpenRouterProviderLogic
import PluginABI
import Testing

@Suite("Conversations from other routes")
struct MovedTests {
    private func attempt(
        _ dialect: String, _ json: String, config: String = #"{"apiKey":"k"}"#, isNative: Bool = true
    ) -> Attempt {
        Attempt(
            config: config, dialect: dialect, json: json, flags: isNative ? KIMI_REQUEST_NATIVE.rawValue : 0, model: "m"
        )
    }

    private let unsupported = KIMI_E_UNSUPPORTED.rawValue

    @Test("Responses: reasoning items that this host sealed are left to the canonical way")
    func responses() {
        func status(_ item: String) -> Int32 {
            attempt("openai.responses", #"{"model":"m","input":[{"role":"user","content":"x"},\#(item)]}"#).status
        }
        #expect(status(#"{"type":"reasoning","encrypted_content":"kimi-host.1.e30"}"#) == unsupported)
        #expect(status(#"{"type":"reasoning","encrypted_content": "kimi-host.item.1.e30="}"#) == unsupported)
        #expect(status(#"{"type":"reasoning","encrypted_content":"gAAAA"}"#) == 0)
        #expect(status(#"{"role":"user","content":"kimi-host.1.e30"}"#) == 0)
        #expect(attempt("openai.responses", #"{"input":"kimi-host."}"#).status == 0)
    }

    @Test(
        "chat: thoughts, in whatever form they came down",
        arguments: [
            #""reasoning_content":"t""#, #""thinking_blocks":[]"#, #""reasoning_items":[]"#, #""reasoning_details":[]"#,
            #""tool_call_extras":[]"#,
        ])
    func chat(member: String) {
        let json = #"{"messages":[{"role":"assistant","content":"c",\#(member)}]}"#
        #expect(attempt("openai.chat", json).status == unsupported)
        #expect(attempt("openai.chat", json, config: #"{"apiKey":"k","native":true}"#).status == 0)
        let canonical = attempt("openai.chat", json, isNative: false)
        let patch = canonical.plan.values(KIMI_FIELD_BODY_PATCH).joined()
        #expect(patch.contains(#""messages":[{"role":"assistant","content":"c"}]"#), "\(patch)")
        // Compatible servers get a chat client's request as it is.
        let other = attempt("openai.chat", json, config: #"{"baseUrl":"http://h"}"#, isNative: false)
        #expect(!other.plan.values(KIMI_FIELD_BODY_PATCH).joined().contains("messages"))
    }

    @Test("chat: words that only look like it pass")
    func words() {
        #expect(
            attempt("openai.chat", #"{"messages":[{"role":"user","content":"\"reasoning_content\""}]}"#).status == 0)
        #expect(attempt("openai.chat", #"{"reasoning_effort":"low","messages":[]}"#).status == 0)
    }

    @Test("OpenRouter: signatures of other routes stay out of reasoning_details")
    func router() {
        let blocks =
            #"[{"type":"thinking","thinking":"t","signature":"gemini1:0:c2ln"},"#
            + #"{"type":"redacted_thinking","data":"kimi-host.detail.2.x"},"#
            + #"{"type":"thinking","thinking":"u","signature":"c2ln"}]"#
        let attempt = Attempt(
            OpenRouterProvider.self, config: #"{"apiKey":"k"}"#, dialect: "anthropic.messages",
            json: #"{"messages":[{"role":"assistant","content":"c","thinking_blocks":\#(blocks)}]}"#, model: "m")
        let patch = attempt.plan.values(KIMI_FIELD_BODY_PATCH).joined()
        #expect(
            patch.contains(#""reasoning_details":[{"type":"reasoning.text","text":"u","signature":"c2ln""#), "\(patch)")
        #expect(!patch.contains("gemini1") && !patch.contains("kimi-host"))
    }
}
