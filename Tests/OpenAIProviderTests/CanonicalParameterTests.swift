import PluginABI
import Testing

@Suite("Parameters and tools of other dialects' clients")
struct CanonicalParameterTests {
    private func members(_ members: String, _ upstream: Canonical.Upstream = .compatible) -> String {
        let head = #"{"model":"m" , "messages":[]"#
        let body = Canonical("\(head),\(members)}", upstream).body
        return body.hasPrefix(head) ? String(body.dropFirst(head.count).dropFirst().dropLast()) : "not kept: " + body
    }

    @Test(
        "thinking: its type alone, as Moonshot has it",
        arguments: [
            (#"{"type":"enabled","budget_tokens":9}"#, #"{"type":"enabled"}"#),
            (#"{"budget_tokens":9,"type":"enabled","display":null}"#, #"{"type":"enabled"}"#),
            (#"{"type":"disabled"}"#, #"{"type":"disabled"}"#), (#"{"type":"adaptive"}"#, #"{"type":"enabled"}"#),
            (#"{"display":"x","type":"adaptive"}"#, #"{"type":"enabled"}"#), ("{}", "{}"), ("7", "7"),
            (#"{"type":1,"a":2}"#, #"{"type":1,"a":2}"#),
        ])
    func thinking(value: String, expected: String) {
        #expect(members(#""thinking":\#(value)"#) == #""thinking":\#(expected)"#)
    }

    @Test(
        "thinking: OpenAI's effort by the budget",
        arguments: [
            (#"{"type":"enabled","budget_tokens":-1}"#, #""reasoning_effort":"low""#),
            (#"{"type":"enabled","budget_tokens":2048}"#, #""reasoning_effort":"low""#),
            (#"{"type":"enabled","budget_tokens":2049}"#, #""reasoning_effort":"medium""#),
            (#"{"type":"enabled","budget_tokens":8192}"#, #""reasoning_effort":"medium""#),
            (#"{"type":"enabled","budget_tokens":8193}"#, #""reasoning_effort":"high""#),
            (#"{"type":"enabled","budget_tokens":99999999999999999999}"#, ""),
            (#"{"type":"enabled","budget_tokens":18446744073709551615}"#, #""reasoning_effort":"high""#),
            (#"{"type":"enabled","budget_tokens":"9"}"#, ""), (#"{"type":"adaptive"}"#, ""),
            (#"{"type":"disabled","budget_tokens":9}"#, ""),
        ])
    func effort(value: String, expected: String) {
        let comma = expected.isEmpty ? "" : ","
        #expect(members(#""a":1,"thinking":\#(value)"#, .openAI) == #""a":1\#(comma)\#(expected)"#)
        #expect(
            members(#""reasoning_effort":"minimal","thinking":\#(value)"#, .openAI) == #""reasoning_effort":"minimal""#)
    }

    @Test("members of Anthropic's go; what Chat has stays")
    func removed() {
        #expect(members(#""anthropic_beta":["a"],"a":1,"cache_control":{}"#) == #""a":1"#)
        let kept =
            #""stop":["1","2","3","4","5"],"user":"u","verbosity":"low","service_tier":"auto","prompt_cache_key":"k""#
        for upstream in Canonical.Upstream.allCases { #expect(members(kept, upstream) == kept) }
    }

    @Test(
        "metadata stays if it is a map of strings",
        arguments: [
            (#"{"a":"b"}"#, true), ("{}", true), (#"{"a":"b","c":1}"#, false), (#"{"a":{}}"#, false), ("7", true),
        ]
    )
    func metadata(value: String, stays: Bool) {
        #expect(members(#""a":1,"metadata":\#(value)"#) == (stays ? #""a":1,"metadata":\#(value)"# : #""a":1"#))
    }

    @Test("OpenAI has another name for max_tokens, and no top_k")
    func openAI() {
        #expect(members(#""max_tokens": 9,"a":1,"top_k":4"#, .openAI) == #""a":1,"max_completion_tokens":9"#)
        #expect(members(#""max_tokens":9,"max_completion_tokens":8"#, .openAI) == #""max_completion_tokens":8"#)
        #expect(members(#""max_tokens":9,"max_completion_tokens":null"#, .openAI) == #""max_completion_tokens":9"#)
        #expect(members(#""max_tokens":null"#, .openAI) == #""max_tokens":null"#)
        #expect(members(#""max_tokens":9,"top_k":4"#) == #""max_tokens":9,"top_k":4"#)
    }

    @Test("hosts of OpenAI are told from others that look like them")
    func hosts() {
        func renames(_ base: String) -> Bool {
            Attempt(
                config: #"{"apiKey":"k","baseUrl":"\#(base)"}"#, stream: false, dialect: "openai.responses",
                json: #"{"max_tokens":1}"#
            ).plan.values(KIMI_FIELD_BODY_PATCH) == [#"{"max_tokens":null,"max_completion_tokens":1}"#]
        }
        for base in ["https://api.openai.com", "HTTPS://API.OpenAI.com:443/v1", "https://eu.api.openai.com/v1?x=1"] {
            #expect(renames(base), "\(base)")
        }
        for base in ["https://api.openai.com.example.com/v1", "https://xapi.openai.com", "http://h/api.openai.com"] {
            #expect(!renames(base), "\(base)")
        }
    }

    private let native = #"{"type":"native","native":{"type":"web_search_20250305","name":"web_search"}}"#
    private let function = #"{"type":"function","function":{"name":"f","parameters":{ "cache_control":1 }}}"#

    @Test("tools lose cache_control; native ones are left out, and the choice of them")
    func tools() {
        let marked =
            #"{"type":"function","function":{"name":"f","parameters":{ "cache_control":1 }},"cache_control":{}}"#
        for upstream in Canonical.Upstream.allCases {
            #expect(
                members(#""tools":[\#(native), \#(marked) ,\#(native)],"tool_choice":"required""#, upstream)
                    == #""tools":[\#(function)],"tool_choice":"required""#)
        }
        let choice = #""tool_choice":{"type":"function","function":{"name":"web_search"}}"#
        #expect(
            members(#"\#(choice),"tools":[\#(function),\#(native)],"parallel_tool_calls":true"#)
                == #""tools":[\#(function)],"parallel_tool_calls":true"#)
        #expect(members(#""a":1,\#(choice),"tools":[\#(native)],"parallel_tool_calls":true"#) == #""a":1"#)
        #expect(members(#""tools":[],"tool_choice":"auto""#) == #""tools":[],"tool_choice":"auto""#)
    }

    @Test("a patch names changed members only, and those of every request")
    func patch() {
        let json = #"{"model":"m","messages":[{"role":"user","content":"a"}],"top_k":1,"stream":true}"#
        let stream = #""stream":true,"stream_options":{"include_usage":true}}"#
        #expect(Canonical(json, .openAI, stream: true).patch == #"{"top_k":null,"# + stream)
        #expect(Canonical(json, .openAI).patch == #"{"top_k":null}"#)
        #expect(Canonical(json, .compatible, stream: true).patch == "{" + stream)
        #expect(Canonical(json, .compatible).patch == nil)
    }

    @Test(
        "thinking: OpenRouter's object, the budget kept",
        arguments: [
            (#""thinking":{"type":"enabled","budget_tokens":9000}"#, #""reasoning":{"max_tokens":9000}"#),
            (#""thinking":{"type":"disabled"}"#, #""reasoning":{"enabled":false}"#),
            (#""thinking":{"type":"adaptive"}"#, #""reasoning":{"enabled":true}"#),
            (#""thinking":{"type":"adaptive"},"reasoning_effort":"low""#, #""reasoning":{"effort":"low"}"#),
            (#""reasoning_effort":"xhigh""#, #""reasoning":{"effort":"xhigh"}"#),
            (
                #""reasoning_effort":"low","thinking":{"type":"enabled","budget_tokens":7}"#,
                #""reasoning":{"max_tokens":7}"#
            ),
            (#""reasoning":{"exclude":true},"thinking":{"type":"enabled"}"#, #""reasoning":{"exclude":true}"#),
            (#""thinking":7"#, #""thinking":7"#), (#""a":1"#, #""a":1"#),
        ])
    func routerThinking(value: String, expected: String) {
        #expect(members(value, .openRouter) == expected)
    }

    @Test("a chat client's request stays as it is; OpenRouter gets its own words for roles and thinking")
    func chat() {
        let json = #"{"messages":[{"role":"developer","cache_control":{}}],"top_k":1,"thinking":{"type":"x","b":1}}"#
        for upstream in Canonical.Upstream.allCases {
            let expected: String? =
                upstream == .openRouter
                ? #"{"messages":[{"role":"system","cache_control":{}}],"thinking":null,"reasoning":{"enabled":true}}"#
                : nil
            #expect(Canonical(json, upstream, dialect: "openai.chat").patch == expected)
            #expect(Canonical(json, upstream, dialect: "").patch == expected)
            #expect(Canonical(json, upstream, dialect: "openai.responses").patch != nil)
        }
    }
}
