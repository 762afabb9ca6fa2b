import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

/// Events as a stream, checked; its data lines and the encoder.
func messagesStream(_ steps: [Step]) throws -> (events: [String], encoder: MessagesStreamEncoder) {
    let encoder = MessagesStreamEncoder(requestID: "req_1")
    for step in steps { #expect(step.send(to: encoder) == kimi_status(KIMI_OK)) }
    try encoder.complete()
    #expect(StreamReader(encoder.output.bytes).problems.isEmpty)
    let text = String(decoding: encoder.output.bytes, as: UTF8.self)
    return (text.split(separator: "\n\n").map { String($0.split(separator: "\n")[1].dropFirst(6)) }, encoder)
}

/// Events as one message.
func messagesWhole(_ steps: [Step]) throws -> String {
    let encoder = MessagesUnaryEncoder()
    for step in steps { #expect(step.send(to: encoder) == kimi_status(KIMI_OK)) }
    try encoder.complete()
    return String(decoding: encoder.output.bytes, as: UTF8.self)
}

@Suite struct AnthropicEncoderTests {
    static let start =
        #"{"type":"message_start","message":{"id":"chatcmpl-9","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}"#

    @Test func `a whole stream, byte for byte`() throws {
        let (events, encoder) = try messagesStream([
            .start(), .reasoning("hm"), .text("Hel\"lo"), .text(" wörld\n"), .begin(0, id: "call_1", name: "f"),
            .arguments(0, #"{"a""#), .arguments(0, ":1}"), .end(0), .finish("tool_calls"), .usage("", 10, 5, 4, 2),
        ])
        #expect(
            events == [
                Self.start,
                #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
                #"{"type":"content_block_stop","index":0}"#,
                #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
                #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hel\"lo"}}"#,
                #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":" wörld\n"}}"#,
                #"{"type":"content_block_stop","index":1}"#,
                #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_1","name":"f","input":{}}}"#,
                #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}"#,
                #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":":1}"}}"#,
                #"{"type":"content_block_stop","index":2}"#,
                #"{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":5,"output_tokens_details":{"thinking_tokens":2}}}"#,
                #"{"type":"message_stop"}"#,
            ])
        #expect(encoder.repairs.count(.arguments) == 0)
        #expect(String(decoding: encoder.output.bytes, as: UTF8.self).hasPrefix("event: message_start\ndata: {"))
    }

    @Test func `an unstreamed message, byte for byte`() throws {
        #expect(
            try messagesWhole([
                .start(), .reasoning("h"), .reasoning("m"), .text("Hi"), .begin(0, id: "functions.f:0", name: "f"),
                .arguments(0, #" {"a": "#), .arguments(0, "1}"), .end(0), .finish("stop"), .usage("", 10, 5),
            ])
                == #"{"id":"chatcmpl-9","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"hm","signature":""},"#
                + #"{"type":"text","text":"Hi"},{"type":"tool_use","id":"k1_functions_2ef_3a0","name":"f","input":{"a": 1}}],"#
                + #""stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":5}}"#
        )
        #expect(try messagesWhole([.start(id: ""), .finish("stop")]).hasPrefix(#"{"id":"msg_0""#))
    }

    @Test(arguments: [
        ("stop", false, "end_turn"), ("stop", true, "tool_use"), ("tool_calls", true, "tool_use"),
        ("tool_calls", false, "end_turn"), ("length", true, "max_tokens"), ("content_filter", false, "refusal"),
        ("function_call", true, "tool_use"), ("end_turn", false, "end_turn"), ("odd", false, "end_turn"),
        ("pause_turn", false, "pause_turn"), ("model_context_window_exceeded", false, "model_context_window_exceeded"),
    ])
    func `stop reasons`(reason: String, hasCall: Bool, wanted: String) throws {
        let call: [Step] = hasCall ? [.begin(0, id: "t", name: "f"), .end(0)] : []
        let (_, encoder) = try messagesStream([.start()] + call + [.finish(reason)])
        #expect(StreamReader(encoder.output.bytes).stopReason == wanted)
    }

    @Test func `stop sequences and refusals`() throws {
        #expect(
            try messagesWhole([
                .start(), .text("x"), .json(KIMI_SCOPE_CHOICE, "stop_sequence", #" "END" "#), .finish("stop"),
            ])
            .contains(#""stop_reason":"stop_sequence","stop_sequence":"END""#))
        let refused = try messagesWhole([
            .start(), .json(KIMI_SCOPE_MESSAGE, "refusal", #""I won't""#), .finish("stop"),
        ])
        #expect(refused.contains(#""content":[{"type":"text","text":"I won't"}],"stop_reason":"refusal""#))
    }

    @Test func `usage of an Anthropic upstream`() throws {
        let usage =
            #"{"input_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"output_tokens":7,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":0},"server_tool_use":{"web_search_requests":1},"unheard":1}"#
        #expect(
            try messagesWhole([.start(), .finish("stop"), .usage(usage, 10, 7, 3)]).hasSuffix(
                #""usage":{"input_tokens":5,"cache_creation_input_tokens":2,"cache_read_input_tokens":3,"output_tokens":7,"#
                    + #""cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":0},"server_tool_use":{"web_search_requests":1}}}"#
            ))
    }

    @Test func `counts that come with START are told at once, later ones add up`() throws {
        var batch = EventBatch()
        batch.add(KIMI_EVENT_START, "id", "m")
        batch.add(KIMI_EVENT_USAGE, numbers: (10, 1, 4, -1))
        let encoder = MessagesStreamEncoder(requestID: "r")
        _ = batch.send(to: encoder) { 2 }
        #expect(
            String(decoding: encoder.output.bytes, as: UTF8.self).contains(
                #""usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":1}}}"#
            ))
        for step in [Step.finish("stop"), .usage("", -1, 9)] { step.send(to: encoder) }
        try encoder.complete()
        #expect(
            String(decoding: encoder.output.bytes, as: UTF8.self).contains(
                #""usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":9}}"#
            ))
    }

    @Test func `the first event leaves at once`() {
        let encoder = MessagesStreamEncoder(requestID: "r")
        Step.start().send(to: encoder)
        #expect(encoder.output.count > 0)
    }

    @Test func `an incomplete reply cannot be completed, only aborted`() {
        let encoder = MessagesStreamEncoder(requestID: "req_1")
        for step in [Step.start(), .text("x")] { step.send(to: encoder) }
        let before = encoder.output.count
        let error = #expect(throws: ExchangeError.self) { try encoder.complete() }
        #expect(encoder.output.count == before)
        if let error { encoder.abort(error) }
        #expect(
            String(decoding: encoder.output.bytes.dropFirst(before), as: UTF8.self)
                == "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"the upstream ended its answer without finishing it\"},\"request_id\":\"req_1\"}\n\n"
        )
    }

    @Test func `a reply has a largest size, and other choices are not mixed in`() throws {
        let small = MessagesUnaryEncoder(maxBytes: 4)
        Step.start(id: "i").send(to: small)
        #expect(Step.text("12345").send(to: small) == kimi_status(KIMI_STOP))
        #expect(small.failure?.code == "reply_too_large")
        let (_, encoder) = try messagesStream([
            .start(), .text("a"), .text("b", choice: 1), .finish("stop"), .finish("length", choice: 1),
        ])
        #expect(StreamReader(encoder.output.bytes).text == "a")
        #expect(encoder.repairs.count(.dropped) == 2)
    }
}
