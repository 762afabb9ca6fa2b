import OpenAIProviderLogic
import OpenRouterProviderLogic
import PluginABI
import Testing

@Suite("Where requests go, and with what headers")
struct AddressTests {
    private func url(_ config: String, model: String = "gpt", dialect: String = "openai.chat") -> String {
        let isChat = dialect == "openai.chat"
        let attempt = Attempt(
            config: #"{"apiKey":"k",\#(config)}"#, dialect: dialect, json: "{}",
            flags: isChat ? 0 : KIMI_REQUEST_NATIVE.rawValue, model: model)
        #expect(attempt.status == 0, "\(attempt.failure.message)")
        return attempt.plan.values(KIMI_FIELD_URL).first ?? ""
    }

    @Test(
        "Azure: its newer API, deployments for dated versions, the model as deployment unless one is configured",
        arguments: [
            (#""baseUrl":"https://r.openai.azure.com""#, "https://r.openai.azure.com/openai/v1/chat/completions"),
            (
                #""baseUrl":"https://r.openai.azure.com/openai/v1/""#,
                "https://r.openai.azure.com/openai/v1/chat/completions"
            ),
            (
                #""baseUrl":"https://r.openai.azure.com","api_version":"preview""#,
                "https://r.openai.azure.com/openai/v1/chat/completions?api-version=preview"
            ),
            (
                #""baseUrl":"https://r.openai.azure.com","api_version":"2024-10-21""#,
                "https://r.openai.azure.com/openai/deployments/gpt%2F4/chat/completions?api-version=2024-10-21"
            ),
            (
                #""baseUrl":"https://r.openai.azure.com/openai?api-version=2024-10-21","deployment":"d 1""#,
                "https://r.openai.azure.com/openai/deployments/d%201/chat/completions?api-version=2024-10-21"
            ),
            (
                #""baseUrl":"https://r.openai.azure.com/openai/deployments/x","api_version":"2024-10-21""#,
                "https://r.openai.azure.com/openai/deployments/x/chat/completions?api-version=2024-10-21"
            ),
            (
                #""baseUrl":"https://gateway.example","flavour":"azure","deployment":"d","api_version":"2025-01-01-preview""#,
                "https://gateway.example/openai/deployments/d/chat/completions?api-version=2025-01-01-preview"
            ),
        ])
    func azure(config: String, expected: String) {
        #expect(url(config, model: "gpt/4") == expected)
    }

    @Test("every endpoint has its place")
    func endpoints() {
        let azure = #""baseUrl":"https://r.openai.azure.com","api_version":"2025-03-01-preview","deployment":"d""#
        let version = "?api-version=2025-03-01-preview"
        #expect(url(azure, dialect: "openai.responses") == "https://r.openai.azure.com/openai/responses" + version)
        #expect(
            url(azure, dialect: "openai.embeddings")
                == "https://r.openai.azure.com/openai/deployments/d/embeddings" + version)
        let named = #""baseUrl":"https://r.openai.azure.com/openai/deployments/x/chat/completions?api-version=1""#
        #expect(url(named, dialect: "openai.responses") == "https://r.openai.azure.com/openai/responses?api-version=1")
        let local = #""baseUrl":"http://h:8000""#
        #expect(url(local, dialect: "openai.completions") == "http://h:8000/v1/completions")
        #expect(url(local, dialect: "openai.embeddings") == "http://h:8000/v1/embeddings")
        #expect(url(#""baseUrl":"http://h/x/completions""#, dialect: "openai.embeddings") == "http://h/x/embeddings")
    }

    @Test("keys: Azure's header, a bearer token where one is asked for, none where there is none")
    func keys() {
        func secrets(_ config: String) -> [String] { Attempt(config: config).plan.values(KIMI_FIELD_SECRET_HEADER) }
        #expect(secrets(#"{"apiKey":"k","baseUrl":"https://r.openai.azure.com"}"#) == ["api-key: k"])
        #expect(
            secrets(#"{"apiKey":"k","baseUrl":"https://r.openai.azure.com","auth":"bearer"}"#) == [
                "Authorization: Bearer k"
            ])
        #expect(secrets(#"{"apiKey":"k","baseUrl":"http://h","auth":"api-key"}"#) == ["api-key: k"])
        #expect(secrets(#"{"baseUrl":"http://localhost:8000"}"#) == [])
    }

    @Test("extra_headers add, replace whatever the case, and take out with null")
    func headers() {
        let plan = Attempt(
            config: #"""
                {"apiKey":"k","organization":"o","project":"p","headers":{"X-A":"1"},
                "extra_headers":{"authorization":"Basic z","X-B":"2","openai-project":null,"x-a":"3"}}
                """#
        ).plan
        #expect(plan.values(KIMI_FIELD_HEADER).suffix(1) == ["OpenAI-Organization: o"])
        #expect(plan.values(KIMI_FIELD_SECRET_HEADER).sorted() == ["X-B: 2", "authorization: Basic z", "x-a: 3"])
    }
}

@Suite("extra_body")
struct ExtraBodyTests {
    private func body(_ extra: String, _ json: String, dialect: String = "openai.chat", stream: Bool = false) -> String
    {
        let attempt = Attempt(
            config: #"{"apiKey":"k","baseUrl":"https://example.com","extra_body":\#(extra)}"#, stream: stream,
            dialect: dialect, json: json)
        return attempt.status == 0 ? attempt.body(of: json) : attempt.failure.message
    }

    @Test("pointers and names set values, objects go in member by member, null removes")
    func pointers() {
        let json = #"{ "model":"m", "temperature" : 1.0,"a":{"b":1, "c" :2}, "messages":[]}"#
        #expect(
            body(
                #"{"/chat_template_kwargs/thinking":true,"/temperature":null,"/a/b":null,"/a/d~1~0e":[1],"top_k":20}"#,
                json)
                == #"{ "model":"m","a":{"c" :2,"d/~e":[1]}, "messages":[],"chat_template_kwargs":{"thinking":true},"top_k":20}"#
        )
        #expect(body(#"{"/a":{"c":null,"x":{"y":null}}}"#, #"{"a":{"b":1,"c":2}}"#) == #"{"a":{"b":1,"x":{}}}"#)
        #expect(body("{}", json) == json)
    }

    @Test("it comes after all that the provider changes by itself")
    func last() {
        let json = #"{"messages":[],"thinking":{"type":"enabled","budget_tokens":9},"top_k":1}"#
        // The provider narrows thinking to its type; what is configured then stands in it.
        #expect(
            body(#"{"/thinking/keep":"all","/top_k":null}"#, json, dialect: "anthropic.messages")
                == #"{"messages":[],"thinking":{"type":"enabled","keep":"all"}}"#)
        #expect(
            body(#"{"/stream_options/include_usage":null}"#, #"{"messages":[]}"#, stream: true)
                == #"{"messages":[],"stream":true,"stream_options":{}}"#)
    }

    @Test(
        "keys that cannot work are refused by name",
        arguments: [
            ("/messages/0/content", "points into an array"), ("/tools/-", "points into an array"),
            ("/stream", "client's choice"), ("stream", "client's choice"), ("/", "names nothing"),
            ("", "names nothing"),
            ("/a~2", "~"), ("/" + Array(repeating: "a", count: 40).joined(separator: "/"), "more than 32"),
        ])
    func refused(key: String, says: String) {
        let message = body(#"{"\#(key)":1}"#, "{}")
        #expect(message.contains(says) && message.contains("'\(key)'"), "\(message)")
    }

    @Test("two keys for one place are refused")
    func twice() {
        for keys in [#"{"/a":1,"/a/b":2}"#, #"{"/a/b":2,"/a":1}"#, #"{"/a":1,"a":2}"#] {
            #expect(body(keys, "{}").contains("set one of them"))
        }
    }

    @Test("completions and embeddings are not touched by it")
    func others() {
        let attempt = Attempt(
            config: #"{"apiKey":"k","extra_body":{"a":1}}"#, dialect: "openai.embeddings", json: "{}",
            flags: KIMI_REQUEST_NATIVE.rawValue)
        #expect(attempt.plan.values(KIMI_FIELD_BODY_PATCH).isEmpty)
    }
}
