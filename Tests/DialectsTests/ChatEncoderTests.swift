import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

@Suite struct ChatEncoderTests {
    static let chunk =
        #"data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":["#

    private func text(_ encoder: any ResponseEncoder) -> String {
        String(decoding: encoder.output.bytes, as: UTF8.self)
    }

    private func stream(_ steps: [Step], usage: Bool = false) throws -> [String] {
        let encoder = ChatStreamEncoder(wantsUsage: usage)
        for step in steps { step.send(to: encoder) }
        if let failure = encoder.failure { throw failure }
        try encoder.complete()
        return text(encoder).split(separator: "\n\n").map(String.init)
    }

    @Test func `text, role first, finish, DONE`() throws {
        let events = try stream([.start(), .text("Hel\"lo"), .text(" wörld\n"), .finish("stop")])
        #expect(
            events == [
                Self.chunk + #"{"index":0,"delta":{"role":"assistant","content":"Hel\"lo"},"finish_reason":null}]}"#,
                Self.chunk + #"{"index":0,"delta":{"content":" wörld\n"},"finish_reason":null}]}"#,
                Self.chunk + #"{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
                "data: [DONE]",
            ])
    }

    @Test func `reasoning and tool calls`() throws {
        let events = try stream([
            .start(), .reasoning("hm"), .begin(0, id: "42", name: "lookup"), .arguments(0, #"{"te"#),
            .arguments(0, #"rm":1}"#), .end(0), .begin(1, id: "", name: "x"), .end(1), .finish("tool_calls"),
        ])
        #expect(
            events.map { $0.replacingPrefix(Self.chunk) } == [
                #"{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"},"finish_reason":null}]}"#,
                #"{"index":0,"delta":{"tool_calls":[{"index":0,"id":"42","type":"function","function":{"name":"lookup","arguments":""}}]},"finish_reason":null}]}"#,
                #"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"te"}}]},"finish_reason":null}]}"#,
                #"{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"rm\":1}"}}]},"finish_reason":null}]}"#,
                #"{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_1","type":"function","function":{"name":"x","arguments":""}}]},"finish_reason":null}]}"#,
                #"{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
                "data: [DONE]",
            ])
    }

    @Test func `usage only when asked for, before DONE`() throws {
        let steps: [Step] = [.start(), .text("x"), .finish("stop"), .usage("", 10, 5, 4, 2)]
        #expect(try stream(steps).count == 3)
        let events = try stream(steps, usage: true)
        #expect(
            events[2].hasSuffix(
                #""choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}"#
            ))
    }

    @Test func `the upstream's usage members ride along as they came`() throws {
        let usage =
            #"{"prompt_tokens":10, "completion_tokens":5,"cost":0.0010,"prompt_tokens_details":{"audio_tokens":0}}"#
        let events = try stream([.start(), .text("x"), .finish("stop"), .usage(usage, 10, 5, 4)], usage: true)
        #expect(
            events[2].hasSuffix(
                #""usage":{"prompt_tokens":10,"completion_tokens":5,"cost":0.0010,"prompt_tokens_details":{"audio_tokens":0},"total_tokens":15}}"#
            ))
    }

    @Test func `other members ride along`() throws {
        let events = try stream([
            .start(), .json(KIMI_SCOPE_RESPONSE, "system_fingerprint", #""fp""#), .text("x"),
            .json(KIMI_SCOPE_CHOICE, "logprobs", #"{"content":[]}"#), .json(KIMI_SCOPE_MESSAGE, "refusal", #""no""#),
            .finish("stop"),
        ])
        #expect(events[0].contains(#""system_fingerprint":"fp","choices":[{"#))
        #expect(events[1].hasSuffix(#"{"index":0,"delta":{},"logprobs":{"content":[]},"finish_reason":null}]}"#))
        #expect(events[2].hasSuffix(#"{"index":0,"delta":{"refusal":"no"},"finish_reason":null}]}"#))
    }

    @Test func `an error in the stream is its last event`() throws {
        let encoder = ChatStreamEncoder(wantsUsage: false)
        Step.start().send(to: encoder)
        Step.text("x").send(to: encoder)
        Step.error("boom", code: "oops").send(to: encoder)
        let failure = try #require(encoder.failure)
        encoder.abort(failure)
        let events = text(encoder).split(separator: "\n\n")
        #expect(
            events.last == #"data: {"error":{"message":"boom","type":"upstream_error","param":null,"code":"oops"}}"#)
    }

    @Test func `an incomplete reply cannot be completed`() {
        for encoder in [ChatStreamEncoder(wantsUsage: false) as any ResponseEncoder, ChatUnaryEncoder()] {
            Step.start().send(to: encoder)
            Step.text("x").send(to: encoder)
            let before = encoder.output.count
            #expect(throws: ExchangeError.self) { try encoder.complete() }
            #expect(encoder.output.count == before)
        }
    }

    @Test func `a call that nobody could name is the upstream's fault`() {
        for encoder in [ChatStreamEncoder(wantsUsage: false) as any ResponseEncoder, ChatUnaryEncoder()] {
            Step.start().send(to: encoder)
            #expect(Step.begin(0, id: "a", name: "").send(to: encoder) == kimi_status(KIMI_STOP))
            #expect(encoder.failure?.category == KIMI_CAT_PROTOCOL)
            #expect(encoder.failure?.message.contains("tool call without a name") == true)
        }
    }

    @Test func `an unstreamed reply`() throws {
        let encoder = ChatUnaryEncoder()
        let steps: [Step] = [
            .start(), .json(KIMI_SCOPE_RESPONSE, "service_tier", #""x""#), .reasoning("think"), .text("a"),
            .text("b\""),
            .begin(0, id: "42", name: "lookup"), .arguments(0, "{}"), .end(0),
            .json(KIMI_SCOPE_CHOICE, "logprobs", "null"),
            .finish("tool_calls"), .text("c", choice: 1), .finish("stop", choice: 1), .usage("", 1, 2),
        ]
        for step in steps { #expect(step.send(to: encoder) == kimi_status(KIMI_OK)) }
        try encoder.complete()
        #expect(
            text(encoder)
                == #"{"id":"chatcmpl-9","object":"chat.completion","created":1700000000,"model":"m","service_tier":"x","#
                + #""choices":[{"index":0,"message":{"role":"assistant","content":"ab\"","reasoning_content":"think","#
                + #""tool_calls":[{"id":"42","type":"function","function":{"name":"lookup","arguments":"{}"}}]},"#
                + #""logprobs":null,"finish_reason":"tool_calls"},"#
                + #"{"index":1,"message":{"role":"assistant","content":"c"},"finish_reason":"stop"}],"#
                + #""usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}"#)
    }

    @Test(arguments: [(Int64.max, Int64.max), (.max, 1), (.min, .min), (-1, 5), (0, .max)])
    func `extreme numbers are no reason to crash`(input: Int64, output: Int64) throws {
        for encoder in [ChatStreamEncoder(wantsUsage: true) as any ResponseEncoder, ChatUnaryEncoder()] {
            let steps: [Step] = [
                .start(created: .min), .text("x"), .finish("stop"), .usage("", input, output, .max, .min),
            ]
            for step in steps { #expect(step.send(to: encoder) == kimi_status(KIMI_OK)) }
            try encoder.complete()
        }
    }

    @Test func `a choice may come alone, whatever its number`() throws {
        for encoder in [ChatStreamEncoder(wantsUsage: false) as any ResponseEncoder, ChatUnaryEncoder()] {
            for step in [Step.start(), .text("x", choice: 2), .finish("stop", choice: 2)] { step.send(to: encoder) }
            try encoder.complete()
            #expect(text(encoder).contains(#""index":2"#))
            #expect(!text(encoder).contains(#""index":0"#))
        }
    }

    @Test func `JSON over several lines stays on one`() throws {
        let pretty = "{\n  \"a\": [1,\r\n 2],\n  \"b\": \"x\\ny\"\n}"
        let steps: [Step] = [
            .start(), .json(KIMI_SCOPE_RESPONSE, "top", pretty), .json(KIMI_SCOPE_MESSAGE, "extra", pretty), .text("x"),
            .finish("stop"), .usage(pretty, 1, 1),
        ]
        let events = try stream(steps, usage: true)
        #expect(events.allSatisfy { $0.hasPrefix("data: ") && !$0.contains("\n") && !$0.contains("\r") })
        #expect(events[0].contains(#""b": "x\ny""#))
    }

    @Test(arguments: ["{", "nope", "{}x", "[1,]"]) func `what is no JSON is left out`(json: String) throws {
        for encoder in [ChatStreamEncoder(wantsUsage: false) as any ResponseEncoder, ChatUnaryEncoder()] {
            for step in [Step.start(), .text("x"), .json(KIMI_SCOPE_MESSAGE, "extra", json), .finish("stop")] {
                #expect(step.send(to: encoder) == kimi_status(KIMI_OK))
            }
            try encoder.complete()
            #expect(!text(encoder).contains("extra"))
            #expect(encoder.repairs.entries == [.dropped("member 'extra', whose value is no JSON")])
        }
    }

    @Test func `calls of a foreign kind stand beside the others`() throws {
        let encoder = ChatUnaryEncoder()
        let foreign = #"[{"id":"c","type":"custom","custom":{"name":"n","input":"i"}}]"#
        let steps: [Step] = [
            .start(), .begin(0, id: "1", name: "f"), .end(0), .json(KIMI_SCOPE_MESSAGE, "tool_calls", foreign),
            .finish("tool_calls"),
        ]
        for step in steps { step.send(to: encoder) }
        try encoder.complete()
        #expect(
            text(encoder).contains(
                #""tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":""}},"#
                    + #"{"id":"c","type":"custom","custom":{"name":"n","input":"i"}}]"#))
    }

    @Test func `content is null beside calls only`() throws {
        let encoder = ChatUnaryEncoder()
        for step in [Step.start(), .begin(0, id: "1", name: "f"), .end(0), .finish("tool_calls")] {
            step.send(to: encoder)
        }
        try encoder.complete()
        #expect(text(encoder).contains(#""content":null,"tool_calls""#))
    }
}

extension String {
    fileprivate func replacingPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
