import CanonicalModel
import Dialects
import Testing
import WireJSON

/// Decodes a request of the Messages API.
func decodeMessages(
    _ json: String, _ options: MessagesDecoder.Options = .init()
) throws(ExchangeError) -> DecodedRequest {
    try Array(json.utf8).withBytes { bytes throws(ExchangeError) in
        try MessagesDecoder.decode(bytes, parser: JSONParser(), options: options)
    }
}

/// The canonical messages that the given `messages` become, without the enclosing brackets.
func canonicalMessages(_ messages: String) throws -> String {
    let request = try decodeMessages(#"{"model":"m","messages":[\#(messages)]}"#)
    _ = try JSONParser().parse(request.json)
    let text = String(decoding: request.json, as: UTF8.self)
    return String(text.dropFirst(#"{"model":"m","messages":["#.count).dropLast(2))
}

@Suite struct AnthropicRequestTests {
    static let one = #""model":"m","messages":[{"role":"user","content":"hi"}]"#

    /// The canonical members behind `messages` that further members become.
    private func members(_ more: String, _ options: MessagesDecoder.Options = .init()) throws -> String {
        let request = try decodeMessages("{\(Self.one),\(more)}", options)
        _ = try JSONParser().parse(request.json)
        return String(String(decoding: request.json, as: UTF8.self).dropFirst(Self.one.count + 1).dropLast())
    }

    private func dropped(_ more: String, _ options: MessagesDecoder.Options = .init()) throws -> [String] {
        try decodeMessages("{\(Self.one),\(more)}", options).dropped.map(\.path)
    }

    @Test func `model and stream are read`() throws {
        let request = try decodeMessages(
            #"{"stream":true,"model":"k\u0032","messages":[{"role":"user","content":"x"}]}"#)
        #expect(request.model == "k2")
        #expect(request.wantsStream)
        #expect(request.dropped.isEmpty)
        #expect(
            String(decoding: request.json, as: UTF8.self)
                == #"{"model":"k\u0032","messages":[{"role":"user","content":"x"}],"#
                + #""stream":true,"stream_options":{"include_usage":true}}"#)
    }

    @Test(arguments: [
        (#""max_tokens":1024"#, #","max_tokens":1024"#),
        (#""max_tokens":0"#, #","max_tokens":0"#),
        (#""stop_sequences":["\n\nHuman:", "x"]"#, #","stop":["\n\nHuman:", "x"]"#),
        (#""stop_sequences":[]"#, ""),
        (#""temperature":1.0,"top_p":0.50,"top_k":40"#, #","temperature":1.0,"top_p":0.50,"top_k":40"#),
        (#""stream":false"#, #","stream":false"#),
        (#""service_tier":"auto""#, #","service_tier":"auto""#),
        (#""service_tier":"standard_only""#, #","service_tier":"default""#),
        (#""metadata":{"user_id":"u\n1"}"#, #","user":"u\n1""#),
        (#""metadata":{"user_id":null}"#, ""),
        (#""metadata":{"a":"1","user_id":"u","b":2}"#, #","user":"u","metadata":{"a":"1","b":2}"#),
        (#""cache_control":{"type":"ephemeral"}"#, #","cache_control":{"type":"ephemeral"}"#),
        (#""seed":7,"x_new":{"a": 1}"#, #","seed":7,"x_new":{"a": 1}"#),
        (#""n":1"#, ""),
        (#""betas":["a"],"anthropic_beta":["b"]"#, #","anthropic_beta":["b","a"]"#),
        (
            #""system":null,"tools":null,"tool_choice":null,"max_tokens":null,"stop_sequences":null,"temperature":null,"thinking":null,"metadata":null,"output_config":null,"stream":null,"container":null,"x":null"#,
            ""
        ),
    ])
    func `simple members`(given: String, wanted: String) throws {
        #expect(try members(given) == wanted)
    }

    @Test(arguments: [
        (
            #""thinking":{"type":"enabled","budget_tokens":2048,"display":"omitted"}"#,
            #","thinking":{"type":"enabled","budget_tokens":2048,"display":"omitted"}"#
        ),
        (#""thinking":{"type": "adaptive"}"#, #","thinking":{"type": "adaptive"}"#),
        (#""thinking":{"type":"disabled"}"#, #","thinking":{"type":"disabled"}"#),
        (#""output_config":{"effort":"xhigh"}"#, #","reasoning_effort":"xhigh""#),
        (
            #""output_config":{"format":{"type":"json_schema","schema":{"type": "object"}}}"#,
            #","response_format":{"type":"json_schema","json_schema":{"name":"output","schema":{"type": "object"},"strict":true}}"#
        ),
        (
            #""output_format":{"type":"json_schema","schema":{}}"#,
            #","response_format":{"type":"json_schema","json_schema":{"name":"output","schema":{},"strict":true}}"#
        ),
        (#""output_format":{"type":"json_object"}"#, #","response_format":{"type":"json_object"}"#),
    ])
    func `thinking and output`(given: String, wanted: String) throws {
        #expect(try members(given) == wanted)
    }

    @Test func `betas of the header come first`() throws {
        #expect(
            try members(#""betas":["b"]"#, .init(betas: ["a-1", "q\""])) == #","anthropic_beta":["a-1","q\"","b"]"#)
    }

    @Test func `what has no equivalent is listed`() throws {
        #expect(
            try dropped(
                #""container":"c","mcp_servers":[{"type":"url"}],"context_management":{},"compaction":{},"fallbacks":[1],"fallback_credit_token":"t","billing_policy":{},"diagnostics":{},"inference_geo":"us","speed":"fast","user_profile_id":"p","workspace_id":"w","anthropic_version":"v""#
            ) == [
                "container", "mcp_servers", "context_management", "compaction", "fallbacks",
                "fallback_credit_token", "billing_policy", "diagnostics", "inference_geo", "speed", "user_profile_id",
                "workspace_id", "anthropic_version",
            ])
        #expect(try dropped(#""mcp_servers":[],"speed":null"#).isEmpty)
        #expect(try dropped(#""system":[{"type":"text","text":"x","id":1}]"#) == ["system[*].id"])
        #expect(
            try dropped(#""output_config":{"effort":"low","task_budget":{"total":1}}"#) == ["output_config.task_budget"]
        )
        #expect(
            try dropped(#""output_config":{"format":{"type":"x"}},"output_format":{"type":"y"}"#) == ["output_format"])
    }

    @Test func `members of other APIs do not pass for canonical ones`() throws {
        let given =
            #""stop":["x"],"user":"u","reasoning_effort":"low","response_format":{},"stream_options":{},"functions":[]"#
        #expect(try members(given) == "")
        let request = try decodeMessages("{\(Self.one),\(given)}")
        #expect(
            request.dropped.map(\.path) == [
                "stop", "user", "reasoning_effort", "response_format", "stream_options", "functions",
            ])
        #expect(request.dropped.first?.reason.contains("stop_sequences") == true)
    }

    @Test func `the list of dropped fields is bounded`() throws {
        let blocks = (0..<500).map { #"{"type":"text","text":"x","extra\#($0)":1}"# }.joined(separator: ",")
        let request = try decodeMessages(#"{"model":"m","messages":[{"role":"user","content":[\#(blocks)]}]}"#)
        #expect(request.dropped.count == 64)
        #expect(request.dropped[0].path == "messages[*].content[*].extra0")
        #expect(request.dropped[63].path == "…")
    }

    // MARK: Tools

    @Test func `tools become functions`() throws {
        #expect(
            try members(
                #""tools":[{"name":"a","description":"d","input_schema":{ "type":"object" },"strict":true,"cache_control":{"type":"ephemeral"}},{"type":"custom","name":"b","input_schema":{},"description":null}]"#
            )
                == #","tools":[{"type":"function","function":{"name":"a","description":"d","parameters":{ "type":"object" },"strict":true},"cache_control":{"type":"ephemeral"}},"#
                + #"{"type":"function","function":{"name":"b","parameters":{}}}]"#)
        #expect(
            try dropped(
                #""tools":[{"name":"a","input_schema":{},"defer_loading":true,"input_examples":[]},{"name":"b","input_schema":{},"defer_loading":true}]"#
            ) == ["tools[*].defer_loading", "tools[*].input_examples"])
        #expect(try members(#""tools":[]"#) == "")
    }

    static let hosted =
        #""tools":[{"type":"web_search_20250305","name":"web_search","max_uses":3},{"name":"a","input_schema":{}},{"type":"bash_20250124","name":"bash"}]"#

    @Test func `hosted tools ride along`() throws {
        #expect(
            try members(Self.hosted)
                == #","tools":[{"type":"native","native":{"type":"web_search_20250305","name":"web_search","max_uses":3}},"#
                + #"{"type":"function","function":{"name":"a","parameters":{}}},"#
                + #"{"type":"native","native":{"type":"bash_20250124","name":"bash"}}]"#)
        #expect(try dropped(Self.hosted).isEmpty)
    }

    @Test func `hosted tools can be stripped`() throws {
        let strip = MessagesDecoder.Options(hostedTools: .strip)
        #expect(
            try members(Self.hosted, strip)
                == #","tools":[{"type":"function","function":{"name":"a","parameters":{}}}]"#)
        #expect(try dropped(Self.hosted, strip) == ["tools[0]", "tools[2]"])
        let only = #""tools":[{"type":"bash_20250124","name":"bash"}],"tool_choice":{"type":"any"}"#
        #expect(try members(only, strip) == "")
        #expect(try dropped(only, strip) == ["tools[0]", "tool_choice"])
        let named = Self.hosted + #","tool_choice":{"type":"tool","name":"bash"}"#
        #expect(try dropped(named, strip) == ["tools[0]", "tools[2]", "tool_choice"])
    }

    @Test func `hosted tools can be refused, by name`() {
        let error = #expect(throws: ExchangeError.self) {
            try members(Self.hosted, .init(hostedTools: .refuse))
        }
        #expect(error?.param == "tools[0]")
        #expect(error?.message.contains(#""web_search""#) == true)
        #expect(error?.message.contains("web_search_20250305") == true)
    }

    @Test(arguments: [
        (#"{"type":"auto"}"#, #""auto""#), (#"{"type":"any"}"#, #""required""#), (#"{"type":"none"}"#, #""none""#),
        (#"{"type":"tool","name":"a\"b"}"#, #"{"type":"function","function":{"name":"a\"b"}}"#),
        (#"{"type":"auto","disable_parallel_tool_use":true}"#, #""auto","parallel_tool_calls":false"#),
        (#"{"type":"any","disable_parallel_tool_use":false}"#, #""required","parallel_tool_calls":true"#),
    ])
    func `tool choice`(given: String, wanted: String) throws {
        #expect(try members(#""tool_choice":\#(given)"#) == #","tool_choice":\#(wanted)"#)
    }

    @Test func `duplicate members: the last one counts`() throws {
        #expect(try members(#""max_tokens":1,"max_tokens":2"#) == #","max_tokens":2"#)
    }
}
