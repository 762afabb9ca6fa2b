import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

/// What a client gets and sends back must reach the upstream as what the upstream said.
@Suite struct ResponsesRoundTripTests {
    /// The messages that a reply becomes when it comes back, after `edit` did to it what a client does.
    private func messages(
        _ steps: [Step], _ form: ReasoningForm = .content, encrypted: Bool = false, edit: (String) -> String = { $0 }
    ) throws -> String {
        var context = try ResponsesMaker.context
        context.reasoning = form
        context.wantsEncryptedReasoning = encrypted
        let encoder = ResponsesEncoder(context, responseID: "resp_abc", isStreaming: false)
        encoder.keepsResponse = true
        for step in [.start()] + steps { step.send(to: encoder) }
        try encoder.complete()
        let question = #"{"role":"user","content":"q"}"#
        let stored = try StoredResponse(
            record: StoredResponse(response: encoder.response, items: Array("[\(question)]".utf8)).record)
        #expect(stored.response == encoder.output.bytes)
        let items = edit(String(decoding: stored.history, as: UTF8.self))
        let text = try decodeResponses(
            #""input":\#(items),"tools":[{"type":"custom","name":"apply_patch_free"},{"type":"apply_patch"},{"type":"namespace","name":"crm","description":"d","tools":[{"type":"function","name":"find"}]}]"#
        ).canonical
        let messages = text.split(separator: #","tools":["#).first ?? ""
        #expect(messages.hasPrefix(#""messages":["# + question))
        return String(messages.dropFirst(#""messages":["#.count + question.count + 1).dropLast())
    }

    static let calls: [Step] = [
        .begin(0, id: "c0", name: "lookup"), .arguments(0, #"{"a":"#), .arguments(0, "1}"), .end(0),
        .begin(1, id: "c1", name: "crm__find"), .arguments(1, "{}"), .end(1),
        .begin(2, id: "c2", name: "apply_patch_free"),
        .arguments(2, #"{"input":"a\n\u00e9\ud83d\ude00"#), .arguments(2, #"\""}"#), .end(2),
        .begin(3, id: "c3", name: "apply_patch"),
        .arguments(3, #"{"type":"create_file","path":"p","diff":"+\"x\""}"#), .end(3), .finish("tool_calls"),
    ]

    static let callsJSON =
        #""tool_calls":[{"id":"c0","type":"function","function":{"name":"lookup","arguments":"{\"a\":1}"}},{"id":"c1","type":"function","function":{"name":"crm__find","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"apply_patch_free","arguments":"{\"input\":\"a\\n\\u00e9\\ud83d\\ude00\\\"\"}"}},{"id":"c3","type":"function","function":{"name":"apply_patch","arguments":"{\"type\":\"create_file\",\"path\":\"p\",\"diff\":\"+\\\"x\\\"\"}"}}]"#

    @Test(arguments: [ReasoningForm.content, .summary], [true, false])
    func `reasoning, text and calls of all kinds`(form: ReasoningForm, encrypted: Bool) throws {
        #expect(
            try messages(
                [.reasoning("h\""), .reasoning("m\n"), .text("a\t"), .text("日")] + Self.calls, form,
                encrypted: encrypted)
                == #"{"role":"assistant","content":"a\t日","reasoning_content":"h\"m\n",\#(Self.callsJSON)}"#)
    }

    @Test(arguments: 0..<300) func `in whatever form it is sent, what comes back is the same`(seed: Int) throws {
        var maker = ResponsesMaker(seed: UInt64(seed) + 7_000)
        let steps = Array(maker.make().dropFirst())
        let plain = try messages(steps)
        // Items with an encrypted_content of the upstream's own come back verbatim, and so differ with their form.
        guard !plain.contains("reasoning_items") else { return }
        for (form, encrypted) in [(ReasoningForm.content, true), (.summary, false), (.summary, true)] {
            #expect(try messages(steps, form, encrypted: encrypted) == plain)
        }
        var said = ""
        for case .reasoning(let text, _) in steps { said += text }
        #expect(said.isEmpty || plain.contains("reasoning_content"))
    }

    @Test func `Codex sends back no content, and the reasoning is still there`() throws {
        let steps: [Step] = [.reasoning("h\"m ünd"), .text("a"), .finish("stop")]
        let plain = #"{"role":"assistant","content":"a","reasoning_content":"h\"m ünd"}"#
        #expect(
            try messages(steps, encrypted: true) { items in
                items.replacing(#","content":[{"type":"reasoning_text","text":"h\"m ünd"}]"#, with: "")
            } == plain)
    }

    @Test func `signatures and redacted thoughts`() throws {
        #expect(
            try messages([
                .reasoning("one"), .signature("s1"),
                .json(KIMI_SCOPE_MESSAGE, "thinking_blocks", #"[{"type":"redacted_thinking","data":"r"}]"#),
                .reasoning("two"), .signature("s2", text: "!"), .text("a"), .signature("s3"), .finish("stop"),
            ])
                == #"{"role":"assistant","content":"a","reasoning_content":"onetwo!","thinking_blocks":[{"type":"thinking","thinking":"one","signature":"s1"},{"type":"redacted_thinking","data":"r"},{"type":"thinking","thinking":"two!","signature":"s2"},{"type":"thinking","thinking":"","signature":"s3"}]}"#
        )
    }

    @Test func `companions of reasoning and calls`() throws {
        #expect(
            try messages([
                .json(KIMI_SCOPE_MESSAGE, "reasoning_details", #"[{"type":"reasoning.encrypted","data":"d"}]"#),
                .text("a"),
                .begin(0, id: "c0", name: "lookup"), .end(0),
                .json(
                    KIMI_SCOPE_MESSAGE, "tool_call_extras",
                    #"[{"index":0,"extra_content":{"google":{"thought_signature":"t"}}}]"#),
                .finish("tool_calls"),
            ])
                == #"{"role":"assistant","content":"a","reasoning_details":[{"type":"reasoning.encrypted","data":"d"}],"tool_calls":[{"id":"c0","type":"function","function":{"name":"lookup","arguments":"{}"},"extra_content":{"google":{"thought_signature":"t"}}}]}"#
        )
    }

    @Test func `an encrypted_content of the upstream's own`() throws {
        let text = try messages([
            .reasoning("h"), .json(KIMI_SCOPE_MESSAGE, "encrypted_content", #""gAAA""#), .text("a"), .finish("stop"),
        ])
        #expect(
            text.hasPrefix(
                #"{"role":"assistant","content":"a","reasoning_content":"h","reasoning_items":[{"id":"rs_abc_0""#))
        #expect(text.hasSuffix(#""encrypted_content":"gAAA"}]}"#))
    }

    @Test(arguments: ["", "!", "QQ", "eyJ0aGlua2luZyI6NX0", "eyJ0aGlua2lu"]) func `a damaged envelope is no reasoning`(
        base64: String
    ) throws {
        let request = try decodeResponses(
            #""input":[{"type":"reasoning","id":"r","summary":[],"content":[{"type":"reasoning_text","text":"t"}],"encrypted_content":"kimi-host.1.\#(base64)"}]"#
        )
        #expect(request.canonical.hasPrefix(#""messages":[{"role":"assistant","content":"","reasoning_content":"t""#))
    }

    @Test func `what is stored can be found again`() throws {
        let stored = StoredResponse(
            response: Array(#"{"id":"resp_1","output":[{"id":"m","type":"message"}]}"#.utf8),
            items: Array(#"[{"role":"user","content":"x"}]"#.utf8))
        #expect(
            String(decoding: stored.history, as: UTF8.self)
                == #"[{"role":"user","content":"x"},{"id":"m","type":"message"}]"#)
        #expect(stored.item(id: "m").map { String(decoding: $0, as: UTF8.self) } == #"{"id":"m","type":"message"}"#)
        #expect(stored.item(id: "n") == nil)
        #expect(throws: ExchangeError.self) { try StoredResponse(record: Array("{}".utf8)) }
    }
}
