import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

@Suite struct AnthropicOtherTests {
    @Test(
        arguments: [
            (KIMI_CAT_BAD_REQUEST, nil, 400, "invalid_request_error"),
            (KIMI_CAT_AUTH, nil, 401, "authentication_error"),
            (KIMI_CAT_QUOTA, nil, 402, "billing_error"), (KIMI_CAT_PERMISSION, nil, 403, "permission_error"),
            (KIMI_CAT_NOT_FOUND, nil, 404, "not_found_error"), (KIMI_CAT_BAD_REQUEST, 413, 413, "request_too_large"),
            (KIMI_CAT_BAD_REQUEST, 422, 422, "invalid_request_error"),
            (KIMI_CAT_RATE_LIMITED, nil, 429, "rate_limit_error"), (KIMI_CAT_INTERNAL, nil, 500, "api_error"),
            (KIMI_CAT_UPSTREAM, nil, 502, "api_error"), (KIMI_CAT_TIMEOUT, nil, 504, "timeout_error"),
            (KIMI_CAT_OVERLOADED, nil, 529, "overloaded_error"), (KIMI_CAT_OVERLOADED, 529, 529, "overloaded_error"),
            (KIMI_CAT_CONTENT_FILTER, nil, 400, "invalid_request_error"), (KIMI_CAT_NETWORK, nil, 502, "api_error"),
        ] as [(kimi_category, Int?, Int, String)])
    func `errors`(category: kimi_category, status: Int?, wanted: Int, type: String) {
        let error = ExchangeError(category, "no \"way\"", httpStatus: status)
        #expect(MessagesErrors.httpStatus(of: error) == wanted)
        let out = ByteWriter()
        MessagesErrors.write(error, requestID: "req_1", to: out)
        #expect(
            String(decoding: out.bytes, as: UTF8.self)
                == #"{"type":"error","error":{"type":"\#(type)","message":"no \"way\""},"request_id":"req_1"}"#)
    }

    /// Anthropic's package reads the details, and sends the whole conversation.
    @Test(arguments: [#"{"type":"create"}"#, #"{"type":"continue","previous_message_id":"m"}"#])
    func `threads are refused in words that the package knows`(thread: String) throws {
        let json = #"{"model":"m","messages":[{"role":"user","content":"x"}],"thread":\#(thread)}"#
        let error = #expect(throws: ExchangeError.self) { try decodeMessages(json) }
        let out = ByteWriter()
        MessagesErrors.write(try #require(error), requestID: "r", to: out)
        let wanted = #","details":{"error_code":"thread_unsupported_request"}},"request_id":"r"}"#
        #expect(String(decoding: out.bytes, as: UTF8.self).hasSuffix(wanted))
        #expect(error?.httpStatus == 400)
    }

    @Test func `a prompt that is too long is called so`() {
        let out = ByteWriter()
        MessagesErrors.write(ExchangeError(KIMI_CAT_CONTEXT_LENGTH, "9 > 8"), requestID: "r", to: out)
        #expect(String(decoding: out.bytes, as: UTF8.self).contains(#""message":"prompt is too long: 9 > 8""#))
        #expect(MessagesKeepAlive.bytes.description == "event: ping\ndata: {\"type\":\"ping\"}\n\n")
    }

    private func count(_ json: String) throws -> Int {
        try Array(json.utf8).withBytes { try TokenEstimate.decode($0, parser: JSONParser()).inputTokens }
    }

    @Test func `token counts are estimates by a documented rule`() throws {
        let text = String(repeating: "word ", count: 700)
        #expect(try count(#"{"model":"m","messages":[{"role":"user","content":"\#(text)"}]}"#) == 1_004)
        #expect(
            try count(
                #"{"model":"m","system":[{"type":"text","text":"\#(text)"}],"messages":[{"role":"user","content":"x"}]}"#
            )
                == 1_005)
        let image = #"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"\#(text)"}}"#
        #expect(try count(#"{"model":"m","messages":[{"role":"user","content":[\#(image)]}]}"#) == 1_604)
        let result = #"{"type":"tool_result","tool_use_id":"t","content":[\#(image)]}"#
        #expect(try count(#"{"model":"m","messages":[{"role":"user","content":[\#(result)]}]}"#) == 1_604)
        let tools =
            #""tools":[{"name":"ab","description":"cd","input_schema":{"a":"b"}},{"type":"bash_20250124","name":"bash"}]"#
        #expect(try count(#"{"model":"m","messages":[{"role":"user","content":""}],\#(tools)}"#) == 608)
        #expect(throws: ExchangeError.self) { try count(#"{"model":"m","messages":[5]}"#) }
        let out = ByteWriter()
        TokenEstimate.write(17, to: out)
        #expect(out.bytes == Array(#"{"input_tokens":17}"#.utf8))
    }

    private func page(_ ids: [String], _ limit: Int = 20, after: String? = nil, before: String? = nil) throws -> String
    {
        let out = ByteWriter()
        try MessagesModelPage(of: ids.map { MessagesModel(id: $0) }, limit: limit, afterID: after, beforeID: before)
            .write(to: out)
        _ = try JSONParser().parse(out.bytes)
        return String(decoding: out.bytes, as: UTF8.self)
    }

    @Test func `models`() throws {
        let out = ByteWriter()
        MessagesModel(id: "k\"2", displayName: "Kimi", created: 1_709_210_096, maxInputTokens: 262_144).write(to: out)
        #expect(
            String(decoding: out.bytes, as: UTF8.self)
                == #"{"type":"model","id":"k\"2","display_name":"Kimi","created_at":"2024-02-29T12:34:56Z","lifecycle":"active","max_input_tokens":262144,"max_tokens":null}"#
        )
        #expect(try page([]) == #"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#)
        #expect(try page(["a", "b", "c"]).hasSuffix(#"],"has_more":false,"first_id":"a","last_id":"c"}"#))
        #expect(try page(["a", "b", "c"], 2).hasSuffix(#"],"has_more":true,"first_id":"a","last_id":"b"}"#))
        #expect(try page(["a", "b", "c"], 2, after: "b").hasSuffix(#""has_more":false,"first_id":"c","last_id":"c"}"#))
        #expect(try page(["a", "b", "c"], 1, before: "c").hasSuffix(#""has_more":true,"first_id":"b","last_id":"b"}"#))
        #expect(try page(["a"], 5, after: "a").contains(#""data":[]"#))
        #expect(throws: ExchangeError.self) { try page(["a"], 5, after: "z") }
        #expect(throws: ExchangeError.self) { try page(["a"], 0) }
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-5, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"), (1_767_225_599, "2025-12-31T23:59:59Z"),
            (Int64.max, "9999-12-31T23:59:59Z"),
        ] as [(Int64, String)])
    func `times`(seconds: Int64, wanted: String) {
        let out = ByteWriter()
        MessagesModel(id: "x", created: seconds).write(to: out)
        #expect(String(decoding: out.bytes, as: UTF8.self).contains(wanted))
    }

    /// A coding agent's request: 235 kB of turns with tool calls, results and escapes. Compared with the bare check of
    /// its JSON, so that the figure does not depend on the machine.
    @Test func `a large request costs little more than checking its JSON`() throws {
        let body = Self.largeRequest()
        let parser = JSONParser()
        let clock = ContinuousClock()
        func best(_ work: () throws -> Void) rethrows -> Duration {
            var best = Duration.seconds(1)
            for _ in 0..<50 { best = try min(best, clock.measure(work)) }
            return best
        }
        try body.withBytes { bytes in
            let parse = try best { _ = try parser.parse(bytes) }
            let scratch = ByteWriter()
            let decode = try best { _ = try MessagesDecoder.decode(bytes, parser: parser, scratch: scratch) }
            let fresh = try MessagesDecoder.decode(bytes, parser: parser)
            #expect(try MessagesDecoder.decode(bytes, parser: parser, scratch: scratch).json == fresh.json)
            print("Messages decoder: \(bytes.count) bytes in \(decode), \(decode / parse) times the parser's \(parse)")
            #expect(decode < parse * 40)
        }
    }

    private static func largeRequest() -> [UInt8] {
        let code = String(
            repeating: #"    let value = try \"x\".map { $0 + 1 }\n\tif value > 0 { return }\n"#, count: 18)
        let turn =
            #"{"role":"assistant","content":[{"type":"thinking","thinking":"I look at it.","signature":"c2ln"},{"type":"text","text":"Let me see."},{"type":"tool_use","id":"toolu_01","name":"Read","input":{"file_path":"/a/b.swift","limit":200}}]},"#
            + #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01","content":[{"type":"text","text":"\#(code)"}]}]}"#
        let tool =
            #"{"name":"Read","description":"Reads a file.\n\nUse it.","input_schema":{"type":"object","properties":{"file_path":{"type":"string","description":"The path"},"limit":{"type":"number"}},"required":["file_path"]}}"#
        let turns = Array(repeating: turn, count: 135).joined(separator: ",")
        let tools = Array(repeating: tool, count: 40).joined(separator: ",")
        return Array(
            #"{"model":"m","max_tokens":32000,"stream":true,"system":[{"type":"text","text":"You are.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"go"},\#(turns)],"tools":[\#(tools)]}"#
                .utf8)
    }
}
