import CanonicalModel
import Dialects
import Testing
import WireJSON

@Suite struct ResponsesParameterTests {
    private func canonical(_ members: String) throws -> String {
        let prefix = #""messages":[{"role":"user","content":"x"}]"#
        let text = try decodeResponses(#""input":"x",\#(members)"#).canonical
        #expect(text.hasPrefix(prefix))
        return String(text.dropFirst(prefix.count + 1))
    }

    private func dropped(_ members: String) throws -> [String] {
        try decodeResponses(#""input":"x",\#(members)"#).request.dropped.map(\.path)
    }

    static let known: [(String, String)] = [
        (#""max_output_tokens":50,"temperature":0.50,"top_p":1"#, #""max_tokens":50,"temperature":0.50,"top_p":1"#),
        (#""max_completion_tokens":5"#, #""max_tokens":5"#),
        (
            #""reasoning":{"effort":"high","summary":"auto"},"text":{"verbosity":"low","format":{"type":"text"}}"#,
            #""reasoning_effort":"high","verbosity":"low""#
        ),
        (
            #""text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true,"description":"d"}}"#,
            #""response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object"},"strict":true}}"#
        ),
        (#""text":{"format":{"type":"json_object"}}"#, #""response_format":{"type":"json_object"}"#),
        (
            #""safety_identifier":"s","metadata":{"a":"b"},"service_tier":"flex","prompt_cache_key":"k""#,
            #""user":"s","metadata":{"a":"b"},"service_tier":"flex","prompt_cache_key":"k""#
        ),
        (#""stream":true"#, #""stream":true,"stream_options":{"include_usage":true}"#),
        (#""stream":false,"store":true,"truncation":"disabled","background":false"#, ""),
        (#""top_logprobs":3"#, #""logprobs":true,"top_logprobs":3"#),
        (#""include":["message.output_text.logprobs"]"#, #""logprobs":true"#),
        (#""seed":7,"chat_template_kwargs":{"thinking":true}"#, #""seed":7,"chat_template_kwargs":{"thinking":true}"#),
        (#""temperature":null,"tools":null,"text":null,"reasoning":null,"include":null,"metadata":null"#, ""),
    ]

    @Test(arguments: known) func `parameters`(members: String, expected: String) throws {
        #expect(try canonical(members) == expected)
        #expect(try dropped(members) == [])
    }

    @Test(arguments: [
        (#""user":"u","safety_identifier":"s""#, "user", #""user":"s""#),
        (#""max_output_tokens":1,"max_tokens":2"#, "max_tokens", #""max_tokens":1"#),
        (
            #""reasoning":{"effort":"low"},"reasoning_effort":"high""#, "reasoning_effort", #""reasoning_effort":"low""#
        ),
    ])
    func `what is said twice is listed`(members: String, path: String, expected: String) throws {
        #expect(try canonical(members) == expected)
        #expect(try dropped(members) == [path])
    }

    @Test(arguments: [
        (#""truncation":"auto""#, "truncation"), (#""background":true"#, "background"),
        (#""max_tool_calls":3"#, "max_tool_calls"),
        (#""context_management":[{"type":"compaction"}]"#, "context_management"),
        (#""include":["file_search_call.results"]"#, "include[0]"),
        (#""prompt_cache_retention":"24h""#, "prompt_cache_retention"), (#""messages":[]"#, "messages"),
        (#""reasoning":{"context":"auto"}"#, "reasoning.context"), (#""moderation":{"model":"m"}"#, "moderation"),
        (#""prompt_cache_options":{}"#, "prompt_cache_options"), (#""access_programs":{}"#, "access_programs"),
        (#""background_options":{}"#, "background_options"), (#""image":{}"#, "image"),
        (#""stream_options":{"include_obfuscation":true}"#, "stream_options.include_obfuscation"),
        (#""stream_options":{"later":true}"#, "stream_options.later"),
        (#""reasoning":{"later":1}"#, "reasoning.later"), (#""text":{"later":1}"#, "text.later"),
    ])
    func `what has no equivalent is listed`(members: String, path: String) throws {
        #expect(try canonical(members) == "")
        #expect(try dropped(members) == [path])
    }

    @Test(arguments: [
        (#""stream":"yes""#, "stream"), (#""store":1"#, "store"), (#""temperature":"hot""#, "temperature"),
        (#""max_output_tokens":1.5"#, "max_output_tokens"), (#""text":"x""#, "text"), (#""tools":{}"#, "tools"),
        (#""reasoning":[]"#, "reasoning"), (#""reasoning":{"effort":5}"#, "reasoning.effort"),
        (#""text":{"format":{"type":"json_schema","name":"n"}}"#, "text.format.schema"),
        (#""include":"x""#, "include"), (#""include":[1]"#, "include[0]"), (#""metadata":[]"#, "metadata"),
        (#""tools":[5]"#, "tools[0]"), (#""tools":[{"type":"function"}]"#, "tools[0].name"),
        (#""tools":[{"name":"x"}]"#, "tools[0].type"),
        (#""tools":[{"type":"function","name":"f","parameters":[]}]"#, "tools[0].parameters"),
        (
            #""tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":1}]}]"#,
            "tools[0].tools[0].name"
        ),
        (#""tool_choice":5"#, "tool_choice"), (#""tool_choice":{}"#, "tool_choice.type"),
        (#""conversation":"c""#, "conversation"), (#""prompt":{"id":"p"}"#, "prompt"), (#""n":2"#, "n"),
        (#""instructions":["a"]"#, "instructions"),
        (#""parallel_tool_calls":"no","tools":[{"type":"apply_patch"}]"#, "parallel_tool_calls"),
        (#""previous_response_id":5"#, "previous_response_id"), (#""truncation":5"#, "truncation"),
    ])
    func `a wrong parameter is named`(members: String, param: String) {
        let error = #expect(throws: ExchangeError.self) { try decodeResponses(#""input":"x",\#(members)"#) }
        #expect(error?.httpStatus == 400)
        #expect(error?.param == param)
        #expect(error?.message.contains("'\(param)'") == true)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "\"x\"", "{\"model\":\"m\",}", "{\"model\":7,\"input\":\"x\"}", "{\"input\":\"x\"}",
    ])
    func `what is no request is refused`(json: String) {
        let bytes = Array(json.utf8)
        #expect(throws: ExchangeError.self) {
            try bytes.withBytes { body throws(ExchangeError) in
                _ = try ResponsesDecoder().decode(body, parser: JSONParser())
            }
        }
    }

    // MARK: Tools

    @Test func `tools of all kinds`() throws {
        let text = try canonical(
            #""tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false,"defer_loading":true},{"type":"function","name":"g","parameters":null},{"type":"custom","name":"c","description":"p","format":{"type":"grammar","syntax":"lark","definition":"start: \"a\"\n"}},{"type":"namespace","name":"ns","description":"nd","tools":[{"type":"function","name":"f","description":"d"},{"type":"custom","name":"x"}]},{"type":"web_search"}],"parallel_tool_calls":false"#
        )
        #expect(
            text.hasPrefix(
                #""tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":false}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"c","description":"p\n\nGive the tool's whole input as plain text in the argument `input`. It must match this lark grammar:\nstart: \"a\"\n","parameters":{"type":"object","properties":{"input":"#
            ))
        #expect(text.contains(#"{"name":"ns__f","description":"nd\n\nd","parameters""#))
        #expect(text.contains(#"{"name":"ns__x","description":"Give the tool's"#))
        #expect(text.hasSuffix(#"],"parallel_tool_calls":false"#))
        #expect(try dropped(#""tools":[{"type":"web_search"}]"#) == ["tools[0]"])
        #expect(throws: ExchangeError.self) {
            try decodeResponses(#""input":"x","tools":[{"type":"mcp","server_label":"s"}]"#, .init(hosted: .refuse))
        }
    }

    @Test(arguments: [
        (#""auto""#, #""auto""#), (#""required""#, #""required""#),
        (#"{"type":"function","name":"f"}"#, #"{"type":"function","function":{"name":"f"}}"#),
        (#"{"type":"custom","name":"c"}"#, #"{"type":"function","function":{"name":"c"}}"#),
        (#"{"type":"apply_patch"}"#, #"{"type":"function","function":{"name":"apply_patch"}}"#),
    ])
    func `tool choices`(choice: String, expected: String) throws {
        let text = try canonical(
            #""tool_choice":\#(choice),"tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"},{"type":"apply_patch"}]"#
        )
        #expect(text.hasSuffix(#","tool_choice":\#(expected)"#))
    }

    @Test func `allowed tools are all that is offered`() throws {
        let text = try canonical(
            #""tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"},{"type":"web_search"}]},"tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}]"#
        )
        #expect(
            text
                == #""tools":[{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{}}}}],"tool_choice":"required""#
        )
    }

    @Test func `tools found or loaded later are offered too`() throws {
        let text = try decodeResponses(
            #""input":[{"role":"user","content":"x"},{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"a"}]},{"type":"tool_search_call","call_id":"c","execution":"client","arguments":{"query":"q"}},{"type":"tool_search_output","call_id":"c","execution":"client","tools":[{"type":"function","name":"b"},{"type":"function","name":"a"}]}],"tools":[{"type":"tool_search","execution":"client"}]"#
        ).canonical
        #expect(text.contains(#"{"name":"tool_search","description":"#))
        #expect(
            text.contains(
                #"{"name":"a","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"b""#
            ))
        #expect(text.contains(#""tool_call_id":"c","content":"[{\"type\":\"function\",\"name\":\"b\"}"#))
    }
}
