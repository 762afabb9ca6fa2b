import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

/// Anthropic's own clients over the canonical form: what goes in comes out.
@Suite("Round trips with the Messages dialect")
struct RoundTripTests {
    @Test(
        "a Messages request goes up as it came",
        arguments: [
            #"{"model":"claude-opus-5","max_tokens":64,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"q"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},{"type":"document","source":{"type":"url","url":"https://e/a.pdf"},"title":"T","citations":{"enabled":true}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"S1"},{"type":"redacted_thinking","data":"R"},{"type":"text","text":"a"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"b":1.0,"a":[]}},{"type":"tool_use","id":"toolu_2","name":"g","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"url","url":"https://e/i.png"}}],"is_error":true},{"type":"tool_result","tool_use_id":"toolu_2","content":"x","cache_control":{"type":"ephemeral"}},{"type":"text","text":"go on"}]}],"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"b":{}}},"cache_control":{"type":"ephemeral"}},{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":2000},"stop_sequences":["X"],"metadata":{"user_id":"u"},"output_config":{"effort":"low"},"service_tier":"standard_only","cache_control":{"type":"ephemeral"}}"#,
            #"{"model":"claude-opus-5","max_tokens":64,"messages":[{"role":"user","content":[{"type":"text","text":"q"}]},{"role":"system","content":[{"type":"text","text":"late"}]},{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{"query":"q"}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]},{"type":"text","text":"a","citations":[{"type":"char_location","cited_text":"c"}]}]},{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"D"},"title":"T","context":"C"},{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}],"citations":{"enabled":true}},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"}}]}],"stream":true}"#,
        ])
    func request(_ json: String) throws {
        let parser = JSONParser()
        let decoded = try Array(json.utf8).withUnsafeBytes { try MessagesDecoder.decode($0, parser: parser) }
        let attempt = Attempt(
            stream: decoded.wantsStream, dialect: "anthropic.messages",
            json: String(decoding: decoded.json, as: UTF8.self), model: "claude-opus-5")
        #expect(attempt.failure.message == "")
        #expect(TestCase.sorted(attempt.plan.values(KIMI_FIELD_BODY).joined()) == TestCase.sorted(json))
        #expect(attempt.record.notes == [])
    }

    @Test("a whole reply reaches a Messages client with its sources")
    func wholeReply() throws {
        let one = try #require(ReplyTests.cases.first { $0.name == "hosted tools and sources for Messages" })
        let attempt = ReplyTests.attempt(one)
        let encoder = MessagesUnaryEncoder()
        attempt.record.tap = { event in
            withUnsafePointer(to: event) { pointer in
                _ = encoder.receive(UnsafeBufferPointer(start: pointer, count: 1))
            }
        }
        attempt.events(one.list("stream"))
        try encoder.complete()
        let text = String(decoding: encoder.output.bytes, as: UTF8.self)
        let blocks =
            #""content":[{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query": "q"}},"#
            + #"{"type":"web_search_tool_result","tool_use_id":"s1","content":[]},"#
            + #"{"type":"text","text":"x","citations":[{"type":"char_location","cited_text":"x"}]},"#
            + #"{"type":"redacted_thinking","data":"RRR"}]"#
        #expect(text.contains(blocks), "\(text)")
    }

    @Test("a streamed reply reaches a Messages client whole", arguments: [1, 3, 100])
    func reply(batch: Int) throws {
        let one = try #require(ReplyTests.cases.first { $0.name == "hosted tools and sources for Messages" })
        let attempt = ReplyTests.attempt(one)
        let encoder = MessagesStreamEncoder(requestID: "r")
        attempt.record.tap = { event in
            withUnsafePointer(to: event) { pointer in
                _ = encoder.receive(UnsafeBufferPointer(start: pointer, count: 1))
            }
        }
        let frames = one.list("stream")
        for start in stride(from: 0, to: frames.count, by: batch) {
            attempt.events(Array(frames[start..<min(start + batch, frames.count)]))
        }
        try encoder.complete()
        #expect(encoder.repairs.entries.isEmpty)
        let text = String(decoding: encoder.output.bytes, as: UTF8.self)
        for piece in [
            #""content_block":{"type":"server_tool_use","id":"s1","name":"web_search","input":{}}"#,
            #""partial_json":"{\"query\": \"q\"}""#,
            #""content_block":{"type":"web_search_tool_result","tool_use_id":"s1","content":[]}"#,
            #""delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"x"}}"#,
            #""delta":{"type":"text_delta","text":"x"}"#,
            #""content_block":{"type":"redacted_thinking","data":"RRR"}"#, #""stop_reason":"pause_turn""#,
        ] {
            #expect(text.contains(piece), "\(piece) in \(text)")
        }
    }
}
