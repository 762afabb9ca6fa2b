import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

@Suite struct ResponsesStreamTests {
    static func encode(_ steps: [Step], _ context: ResponsesContext, streaming: Bool) throws -> String {
        let encoder = ResponsesEncoder(context, responseID: "resp_abc", isStreaming: streaming, createdAt: 7)
        for step in steps { step.send(to: encoder) }
        if let failure = encoder.failure { throw failure }
        try encoder.complete()
        return String(decoding: encoder.output.bytes, as: UTF8.self)
    }

    /// The data of each event that belongs to an item, without its number.
    private func events(_ steps: [Step], _ context: ResponsesContext = ResponsesContext()) throws -> [String] {
        let stream = try Self.encode([.start()] + steps, context, streaming: true)
        let checker = ResponsesChecker(stream)
        #expect(checker.problems == [])
        return stream.split(separator: "\n\n").dropFirst(2).dropLast().map { block in
            let data = String(block.split(separator: "\n")[1].dropFirst(6))
            let parts = data.split(separator: ",", maxSplits: 2)
            return parts[0].dropFirst(18).dropLast() + " " + parts[2].dropLast()
        }
    }

    @Test func `a text`() throws {
        let place = #""item_id":"msg_abc_0","output_index":0,"content_index":0"#
        #expect(
            try events([.text("Hi"), .text(" \"you\""), .finish("stop")]) == [
                #"output_item.added "output_index":0,"item":{"id":"msg_abc_0","type":"message","status":"in_progress","role":"assistant","content":[]}"#,
                #"content_part.added \#(place),"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}"#,
                #"output_text.delta \#(place),"delta":"Hi","logprobs":[]"#,
                #"output_text.delta \#(place),"delta":" \"you\"","logprobs":[]"#,
                #"output_text.done \#(place),"text":"Hi \"you\"","logprobs":[]"#,
                #"content_part.done \#(place),"part":{"type":"output_text","text":"Hi \"you\"","annotations":[],"logprobs":[]}"#,
                #"output_item.done "output_index":0,"item":{"id":"msg_abc_0","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hi \"you\"","annotations":[],"logprobs":[]}]}"#,
            ])
    }

    @Test func `reasoning as content, then a call`() throws {
        let list = try events([
            .reasoning("hm"), .begin(0, id: "c1", name: "f"), .arguments(0, #"{"a""#), .arguments(0, ":1}"), .end(0),
            .finish("tool_calls"),
        ])
        #expect(
            list[5]
                == #"output_item.done "output_index":0,"item":{"id":"rs_abc_0","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]}"#
        )
        #expect(
            list[6]
                == #"output_item.added "output_index":1,"item":{"id":"fc_abc_1","type":"function_call","status":"in_progress","call_id":"c1","name":"f","arguments":""}"#
        )
        #expect(
            list.last
                == #"output_item.done "output_index":1,"item":{"id":"fc_abc_1","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"a\":1}"}"#
        )
    }

    @Test func `reasoning as summary, with its envelope`() throws {
        var context = ResponsesContext()
        context.reasoning = .summary
        context.wantsEncryptedReasoning = true
        let list = try events([.reasoning("hm"), .text("x"), .finish("stop")], context)
        #expect(list[1].hasPrefix("reasoning_summary_part.added"))
        #expect(list[2].hasPrefix("reasoning_summary_text.delta"))
        #expect(list[5].contains(#""summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"kimi-host.1."#))
    }

    @Test func `a custom tool is unwrapped`() throws {
        let list = try events(
            [
                .begin(0, id: "c", name: "apply_patch_free"), .arguments(0, #"{"inp"#), .arguments(0, #"ut":"a\nb"#),
                .arguments(0, #"\""}"#), .end(0), .finish("tool_calls"),
            ], ResponsesMaker.context)
        let place = #""item_id":"ctc_abc_0","output_index":0"#
        #expect(
            list == [
                #"output_item.added "output_index":0,"item":{"id":"ctc_abc_0","type":"custom_tool_call","status":"in_progress","call_id":"c","name":"apply_patch_free","input":""}"#,
                #"custom_tool_call_input.delta \#(place),"delta":"a\nb""#,
                #"custom_tool_call_input.delta \#(place),"delta":"\"""#,
                #"custom_tool_call_input.done \#(place),"input":"a\nb\"""#,
                #"output_item.done "output_index":0,"item":{"id":"ctc_abc_0","type":"custom_tool_call","status":"completed","call_id":"c","name":"apply_patch_free","input":"a\nb\""}"#,
            ])
    }

    @Test(arguments: [
        (
            "apply_patch", #"{"type":"create_file","path":"a.c","diff":"+x"}"#,
            #""type":"apply_patch_call","status":"completed","call_id":"c","operation":{"type":"create_file","path":"a.c","diff":"+x"}}"#
        ),
        (
            "apply_patch", #"{"operation":{"type":"delete_file","path":"a.c"}}"#,
            #""call_id":"c","operation":{"type":"delete_file","path":"a.c"}}"#
        ),
        ("apply_patch", "oops", #""operation":{"type":"update_file","path":"","diff":"oops"}}"#),
        (
            "local_shell", #"{"command":["ls"],"env":{"A":"b","C":1},"timeout_ms":9,"working_directory":"/x"}"#,
            #""type":"local_shell_call","status":"completed","call_id":"c","action":{"type":"exec","command":["ls"],"env":{"A":"b"},"timeout_ms":9,"working_directory":"/x"}}"#
        ),
        (
            "local_shell", #"{"command":"ls | wc"}"#,
            #""action":{"type":"exec","command":["sh","-c","ls | wc"],"env":{},"timeout_ms":null}}"#
        ),
        (
            "shell", #"{"commands":["ls"]}"#,
            #""type":"shell_call","status":"completed","call_id":"c","action":{"commands":["ls"],"timeout_ms":null,"max_output_length":null}}"#
        ),
        ("tool_search", #"{"query":"q"}"#, #""execution":"client","arguments":{"query":"q"}}"#),
        ("crm__find", "", #""call_id":"c","name":"find","namespace":"crm","arguments":"{}"}"#),
    ])
    func `tools of other kinds`(name: String, arguments: String, item: String) throws {
        let list = try events(
            [.begin(0, id: "c", name: name), .arguments(0, arguments), .end(0), .finish("tool_calls")],
            ResponsesMaker.context)
        #expect(list.last?.hasSuffix(item) == true, "\(list.last ?? "")")
    }

    @Test func `a call that was cut off is incomplete, a sound one is not`() throws {
        for (arguments, status) in [(#"{"a"#, "incomplete"), (#"{"a":1}"#, "completed")] {
            let list = try events([
                .begin(0, id: "c", name: "f"), .arguments(0, arguments), .end(0), .finish("length"),
            ])
            #expect(list.last?.contains(#""status":"\#(status)""#) == true)
        }
    }

    @Test func `JSON over several lines stays on one`() throws {
        let tools = "[{\"type\":\"function\",\n\"name\":\"f\"},\n{\"type\":\"tool_search\",\"execution\":\"client\"}]"
        let request = try decodeResponses("\"input\":\"x\",\n\"metadata\":{\n\"a\":\"b\"},\"tools\":\(tools)")
        let steps: [Step] = [
            .start(), .json(KIMI_SCOPE_RESPONSE, "odd", "{\n}"), .text("x"),
            .begin(0, id: "c", name: "tool_search"), .arguments(0, "{\n\"query\":\r\n\"q\"}"), .end(0), .finish("stop"),
        ]
        let checker = ResponsesChecker(try Self.encode(steps, request.context, streaming: true))
        #expect(checker.problems == [])
        #expect(checker.response.contains(#""arguments":{"query":"q"}"#))
        #expect(checker.response.contains(#""tools":[{"type":"function","name":"f"},{"#))
        #expect(checker.response.contains(#""metadata":{"a":"b"}"#))
        #expect(checker.response.contains(#""odd":{}"#))
    }

    @Test(arguments: 0..<600) func `whatever comes, the stream is legal and says the same as the object`(seed: Int)
        throws
    {
        var maker = ResponsesMaker(seed: UInt64(seed))
        let steps = maker.make()
        var context = try ResponsesMaker.context
        context.reasoning = seed % 2 == 0 ? .content : .summary
        context.wantsEncryptedReasoning = seed % 3 == 0
        context.wantsLogprobs = seed % 5 == 0
        let checker = ResponsesChecker(try Self.encode(steps, context, streaming: true))
        #expect(checker.problems == [], "seed \(seed)")
        let whole = try Self.encode(steps, context, streaming: false)
        #expect(checker.response == (try ResponsesChecker.normal(whole)))
    }

    @Test(arguments: 0..<200) func `an abort anywhere ends the stream legally`(seed: Int) throws {
        var maker = ResponsesMaker(seed: UInt64(seed) + 1_000)
        let steps = maker.make()
        let encoder = ResponsesEncoder(try ResponsesMaker.context, responseID: "resp_abc", isStreaming: true)
        for step in steps.prefix(seed % (steps.count + 1)) { step.send(to: encoder) }
        let error = ExchangeError(KIMI_CAT_RATE_LIMITED, "slow down", retryAfterMs: 1_500)
        encoder.abort(error)
        encoder.abort(error)
        let checker = ResponsesChecker(String(decoding: encoder.output.bytes, as: UTF8.self))
        #expect(checker.problems == [])
        #expect(checker.ending == "response.failed")
        #expect(checker.response.contains(#""code":"rate_limit_exceeded","message":"slow down (try again in 2s)""#))
        #expect(throws: ExchangeError.self) { try encoder.complete() }
    }
}
