import OpenAIProviderLogic
import OpenRouterProviderLogic
import PluginABI
import PluginKit
import Testing

@Suite("Whole answers")
struct BodyTests {
    private func run(_ text: String, stream: Bool = false) -> Attempt {
        let attempt = Attempt(stream: stream)
        attempt.head(200, [("content-type", "application/json; charset=utf-8")])
        #expect(attempt.status == KIMI_WHOLE.rawValue)
        attempt.body(text)
        #expect(attempt.record.violations.isEmpty)
        return attempt
    }

    @Test("a body becomes the same events as a stream, also for a client that asked for one", arguments: [true, false])
    func body(stream: Bool) {
        let attempt = run(
            #"""
             {"id":"c1","object":"chat.completion","created":17,"model":"m","system_fingerprint":null,"choices":[
               {"index":0,"message":{"role":"assistant","content":"Hi","reasoning_content":"Hm","refusal":null,
                 "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
                               {"id":"a","type":"function","function":{"name":"f","arguments":{"x":2}}}]},
                "logprobs":null,"finish_reason":"tool_calls"},
               {"message":{"content":"B"},"finish_reason":"stop"}],
              "usage":{"prompt_tokens":1,"completion_tokens":2}}
            """#, stream: stream)
        #expect(attempt.status == KIMI_DONE.rawValue)
        #expect(
            attempt.record.lines == [
                "START c1 m 17", "REASONING 0 Hm", "TEXT 0 Hi", "BEGIN 0.0 a f", #"ARGS 0.0 {"x":1}"#, "END 0.0",
                "BEGIN 0.1 a f",
                #"ARGS 0.1 {"x":2}"#, "END 0.1", "FINISH 0 tool_calls (tool_calls)", "TEXT 1 B", "FINISH 1 stop (stop)",
                #"USAGE 1 2 -1 -1 {"prompt_tokens":1,"completion_tokens":2}"#,
            ])
    }

    @Test("a body without a reason, and an empty answer, are finished")
    func unsaid() {
        #expect(
            run(#"{"id":9,"choices":[{"message":{"content":null}}]}"#).record.lines == [
                "START 9  0", "FINISH 0 stop ()",
            ])
    }

    @Test(
        "what is no answer is a failure that says so",
        arguments: [
            (#"{"id":"x"}"#, "has no \"choices\""), (#"{"id":"x","choices":[]}"#, "has no \"choices\""),
            ("[]", "not a JSON object"),
            (
                "<html><head><style>b{}</style></head><body>Login <b>page</b></body></html>",
                "not JSON (The text is not JSON: a bracket, comma, colon or value is missing or too many.): Login page"
            ),
            ("", "(empty)"), ("{\"id\":", "not JSON"),
        ])
    func refused(text: String, says: String) {
        let attempt = run(text)
        #expect(attempt.status == KIMI_E_PROTOCOL.rawValue)
        #expect(attempt.failure.message.contains(says), "\(attempt.failure.message)")
        #expect(attempt.record.lines.isEmpty)
    }

    @Test("an error in a body of status 200 is an ERROR event")
    func error() {
        let attempt = run(#"{"error":{"message":"no","type":"insufficient_quota"}}"#)
        #expect(attempt.record.lines == ["ERROR 13 0 -1 [insufficient_quota] no"])
        #expect(attempt.status == KIMI_DONE.rawValue)
    }

    @Test("a body that the host cut is a failure by name")
    func cut() {
        let attempt = Attempt(stream: false)
        attempt.body("{", flags: KIMI_FRAME_F_CUT.rawValue)
        #expect(attempt.status == KIMI_E_LIMIT.rawValue)
    }

    @Test(
        "the answer's content type decides about framing",
        arguments: [
            ("text/event-stream; charset=utf-8", true, KIMI_OK), ("text/event-stream", false, KIMI_OK),
            ("application/json", true, KIMI_WHOLE),
            ("text/html", true, KIMI_WHOLE), ("text/plain", true, KIMI_OK), ("text/plain", false, KIMI_WHOLE),
            ("", true, KIMI_OK),
        ])
    func framing(type: String, stream: Bool, answer: kimi_status_code) {
        #expect(Attempt(stream: stream).head(200, type.isEmpty ? [] : [("Content-Type", type)]) == answer.rawValue)
    }
}

@Suite("Answers with an error status")
struct ErrorStatusTests {
    private func error(_ status: UInt32, _ text: String, _ headers: [(String, String)] = []) -> String {
        let attempt = Attempt()
        attempt.head(status, headers)
        attempt.errorBody(text)
        #expect(attempt.status == KIMI_DONE.rawValue)
        #expect(attempt.record.lines.count == 1)
        #expect(attempt.record.violations.isEmpty)
        return attempt.record.lines.first ?? ""
    }

    @Test(
        "the shapes that errors have",
        arguments: [
            (
                400,
                #"{"error":{"message":"Too long","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#,
                "ERROR 4 400 -1 [context_length_exceeded] Too long"
            ),
            (
                400,
                #"{"error":{"message":"This model's maximum context length is 8 tokens","type":"invalid_request_error"}}"#,
                "ERROR 4 400 -1 [invalid_request_error] This model's maximum context length is 8 tokens"
            ),
            (
                400, #"{"error":{"message":"bad","type":"invalid_request_error"}}"#,
                "ERROR 6 400 -1 [invalid_request_error] bad"
            ),
            (
                401, #"{"error":{"message":"key","type":"invalid_request_error","code":"invalid_api_key"}}"#,
                "ERROR 1 401 -1 [invalid_api_key] key"
            ),
            (402, #"{"error":{"message":"pay","code":402}}"#, "ERROR 13 402 -1 [402] pay"),
            (403, #"{"error":{"message":"no"}}"#, "ERROR 12 403 -1 [] no"),
            (404, #"{"error":{"message":"who","code":"model_not_found"}}"#, "ERROR 11 404 -1 [model_not_found] who"),
            (
                429, #"{"error":{"message":"quota","code":"insufficient_quota"}}"#,
                "ERROR 13 429 -1 [insufficient_quota] quota"
            ),
            (
                429, #"{"error":{"message":"busy","type":"engine_overloaded_error"}}"#,
                "ERROR 3 429 -1 [engine_overloaded_error] busy"
            ),
            (500, #"{"error":"boom"}"#, "ERROR 7 500 -1 [] boom"),
            (
                422, #"{"detail":[{"loc":["body","model"],"msg":"field required","type":"value_error"}]}"#,
                "ERROR 6 422 -1 [] body.model: field required"
            ),
            (400, #"{"detail":"plain"}"#, "ERROR 6 400 -1 [] plain"),
            (
                400, #"{"object":"error","message":"vllm","type":"BadRequestError","code":400}"#,
                "ERROR 6 400 -1 [400] vllm"
            ),
            (
                529, #"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                "ERROR 3 529 -1 [overloaded_error] Overloaded"
            ),
            (429, #"[{"error":{"code":429,"message":"g","status":"RESOURCE_EXHAUSTED"}}]"#, "ERROR 2 429 -1 [429] g"),
            (503, "", "ERROR 3 503 -1 [] The upstream answered 503 with an empty body."),
            (
                502, "<html><head><title>502</title></head>\r\n<body><h1>Bad\n Gateway</h1></body></html>",
                "ERROR 7 502 -1 [] The upstream answered 502 with a body that is not JSON: 502 Bad Gateway"
            ),
            (500, "{}", "ERROR 7 500 -1 [] The upstream answered 500 without a message: {}."),
        ] as [(UInt32, String, String)])
    func shapes(status: UInt32, body: String, expected: String) {
        #expect(error(status, body) == expected)
    }

    @Test("an excerpt has at most 200 characters")
    func excerpt() {
        let line = error(500, String(repeating: "words ", count: 1000))
        #expect(line.hasSuffix("…"))
        #expect(line.count < 300)
    }

    @Test(
        "how long to wait is read from the head",
        arguments: [
            ("Retry-After", "2", 2000), ("retry-after", "0.5", 500), ("Retry-After-Ms", "150", 150),
            ("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT", 1000), ("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Retry-After", "soon", -1), ("Retry-After", "1e30", 86_400_000),
        ])
    func retryAfter(name: String, value: String, milliseconds: Int) {
        #expect(error(429, #"{"error":{"message":"m"}}"#, [(name, value)]).hasPrefix("ERROR 2 429 \(milliseconds) "))
    }
}

@Suite("Requests")
struct RequestTests {
    @Test("a streamed request asks for usage and keeps the rest of the client's body")
    func stream() {
        let plan = Attempt().plan
        #expect(plan.values(KIMI_FIELD_URL) == ["https://api.openai.com/v1/chat/completions"])
        #expect(plan.values(KIMI_FIELD_HEADER) == ["Content-Type: application/json", "Accept: text/event-stream"])
        #expect(plan.values(KIMI_FIELD_SECRET_HEADER) == ["Authorization: Bearer sk-1"])
        #expect(plan.values(KIMI_FIELD_BODY_PATCH) == [#"{"stream":true,"stream_options":{"include_usage":true}}"#])
        #expect(plan.steps.map(\.kind) == [KIMI_STEP_SEND.rawValue])
        #expect(plan.steps.map(\.argument) == [UInt64(KIMI_SEND_STREAM.rawValue)])
    }

    @Test("a plain request goes up as it is")
    func plain() {
        let plan = Attempt(stream: false).plan
        #expect(plan.values(KIMI_FIELD_BODY_PATCH).isEmpty)
        #expect(plan.values(KIMI_FIELD_HEADER) == ["Content-Type: application/json", "Accept: application/json"])
        #expect(plan.steps.map(\.argument) == [0])
    }

    @Test("the config's members become headers; an empty key sends none")
    func config() {
        let config = #"{"apiKey":"","baseUrl":"http://h:1","organization":"o","project":"p","headers":{"api-key":"k"}}"#
        let plan = Attempt(config: config).plan
        #expect(plan.values(KIMI_FIELD_HEADER).suffix(2) == ["OpenAI-Organization: o", "OpenAI-Project: p"])
        #expect(plan.values(KIMI_FIELD_SECRET_HEADER) == ["api-key: k"])
        let router = Attempt(OpenRouterProvider.self, config: #"{"apiKey":"r","referer":"https://me","title":"T"}"#)
            .plan
        #expect(router.values(KIMI_FIELD_URL) == ["https://openrouter.ai/api/v1/chat/completions"])
        #expect(router.values(KIMI_FIELD_HEADER).suffix(2) == ["HTTP-Referer: https://me", "X-Title: T"])
        #expect(router.values(KIMI_FIELD_SECRET_HEADER) == ["Authorization: Bearer r"])
    }

    @Test(
        "base URLs with and without path, slash, endpoint and query",
        arguments: [
            ("https://h", "https://h/v1/chat/completions"), ("https://h/", "https://h/v1/chat/completions"),
            ("http://h:8/v1/", "http://h:8/v1/chat/completions"),
            ("https://h/api/v3", "https://h/api/v3/chat/completions"),
            ("https://h/x/chat/completions", "https://h/x/chat/completions"),
            ("https://h/d?api-version=1", "https://h/d/chat/completions?api-version=1"),
        ])
    func urls(base: String, url: String) {
        #expect(Attempt(config: #"{"apiKey":"k","baseUrl":"\#(base)"}"#).plan.values(KIMI_FIELD_URL) == [url])
    }

    @Test(
        "an address that is none is refused with the cure", arguments: ["", "h", "ftp://h", "https://", "https://a b"])
    func badURL(base: String) {
        let attempt = Attempt(config: #"{"apiKey":"k","baseUrl":"\#(base)"}"#)
        #expect(attempt.status == KIMI_E_CONFIG.rawValue)
        #expect(attempt.failure.message.contains("baseUrl is '\(base)'"))
    }
}
