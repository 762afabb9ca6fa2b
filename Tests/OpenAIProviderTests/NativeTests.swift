import OpenAIProviderLogic
import OpenRouterProviderLogic
import PluginABI
import Testing

@Suite("Native requests")
struct NativeTests {
    private static let dialects = ["openai.chat", "openai.responses", "openai.completions", "openai.embeddings"]

    private func attempt(_ dialect: String, config: String = #"{"apiKey":"k"}"#, stream: Bool = true) -> Attempt {
        Attempt(
            config: config, stream: stream, dialect: dialect, json: #"{"model":"m"}"#,
            flags: KIMI_REQUEST_NATIVE.rawValue, model: "m")
    }

    @Test("go up as they are, each to its endpoint", arguments: dialects)
    func asTheyAre(dialect: String) {
        let plan = attempt(dialect).plan
        #expect(plan.values(KIMI_FIELD_BODY_PATCH).isEmpty && plan.values(KIMI_FIELD_BODY).isEmpty)
        let ends = ["openai.chat": "chat/completions"]
        let end = ends[dialect] ?? String(dialect.dropFirst("openai.".count))
        #expect(plan.values(KIMI_FIELD_URL) == ["https://api.openai.com/v1/" + end])
    }

    @Test("chat and Responses are served so by OpenAI and Azure, or where it is configured")
    func genuine() {
        for dialect in Self.dialects {
            let always = dialect.hasSuffix("completions") || dialect.hasSuffix("embeddings")
            func status(_ config: String) -> Int32 { attempt(dialect, config: config).status }
            #expect(status(#"{"apiKey":"k","baseUrl":"https://a.openai.azure.com"}"#) == 0)
            #expect(status(#"{"baseUrl":"http://h","native":true}"#) == 0)
            let refused = always ? 0 : KIMI_E_UNSUPPORTED.rawValue
            #expect(status(#"{"baseUrl":"http://h"}"#) == refused)
            #expect(status(#"{"apiKey":"k","native":false}"#) == refused)
        }
        // Where Responses is what the upstream is asked, a chat client is converted, unless it is wanted otherwise.
        let responses = #"{"apiKey":"k","api":"responses"}"#
        #expect(attempt("openai.chat", config: responses).status == KIMI_E_UNSUPPORTED.rawValue)
        #expect(attempt("openai.responses", config: responses).status == 0)
        #expect(attempt("openai.chat", config: #"{"apiKey":"k","api":"responses","native":true}"#).status == 0)
        let other = attempt("anthropic.messages")
        #expect(other.status == KIMI_E_UNSUPPORTED.rawValue && other.failure.message.contains("anthropic.messages"))
    }

    @Test("only what the config demands is patched")
    func patch() {
        let config = #"{"apiKey":"k","extra_body":{"/a/b":1}}"#
        #expect(attempt("openai.responses", config: config).plan.values(KIMI_FIELD_BODY_PATCH) == [#"{"a":{"b":1}}"#])
        let router = Attempt(
            OpenRouterProvider.self, config: #"{"apiKey":"k","provider":{"zdr":true},"shortcut":"nitro"}"#,
            dialect: "openai.embeddings", json: "{}", flags: KIMI_REQUEST_NATIVE.rawValue, model: "m")
        #expect(
            router.plan.values(KIMI_FIELD_BODY_PATCH) == [#"{"model":"m:nitro","provider":{"zdr":true}}"#])
    }

    @Test("answers are understood for the log")
    func answers() {
        let chat = attempt("openai.chat")
        chat.head(200, [("content-type", "text/event-stream")])
        chat.events([chunk(#"{"content":"a"}"#), chunk("{}", finish: "stop")])
        chat.events(["[DONE]"])
        #expect(chat.status == KIMI_DONE.rawValue)
        #expect(chat.record.lines == ["START c1 kimi-k2 1700000000", "TEXT 0 a", "FINISH 0 stop (stop)"])
        let completion = attempt("openai.completions")
        completion.events([
            #"{"id":"x","model":"m","created":5,"choices":[{"text":"Hi","index":0}]}"#,
            #"{"id":"x","choices":[{"text":"","index":0,"finish_reason":"length"}]}"#,
            #"{"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#, "[DONE]",
        ])
        #expect(
            completion.record.lines == [
                "START x m 5", "TEXT 0 Hi", "FINISH 0 length (length)",
                #"USAGE 1 2 -1 -1 {"prompt_tokens":1,"completion_tokens":2}"#,
            ])
        let embedding = attempt("openai.embeddings", stream: false)
        embedding.head(200, [("content-type", "application/json")])
        embedding.body(#"{"object":"list","data":[{"embedding":[0.1]}],"model":"e","usage":{"prompt_tokens":3}}"#)
        #expect(embedding.record.lines == ["START  e 0", "FINISH 0 stop ()", #"USAGE 3 -1 -1 -1 {"prompt_tokens":3}"#])
    }

    @Test("nothing unknown fails them", arguments: dialects)
    func tolerant(dialect: String) {
        for data in ["not json", "[]", "7", #"{"choices":7}"#, #"{"type":"response.new","x":1}"#, "{}", "", "null"] {
            let streamed = attempt(dialect)
            streamed.events([data, data])
            #expect(streamed.status >= 0, "\(data): \(streamed.failure.message)")
            streamed.flush()
            #expect(streamed.status >= 0, "\(data): \(streamed.failure.message)")
            let whole = attempt(dialect, stream: false)
            whole.body(data)
            #expect(whole.status >= 0, "\(data): \(whole.failure.message)")
            whole.body(data, flags: KIMI_FRAME_F_CUT.rawValue)
            #expect(whole.record.violations.isEmpty && streamed.record.violations.isEmpty)
        }
    }

    @Test(
        "a stream that ends in the middle of what was understood is not whole",
        arguments: ["openai.chat", "openai.responses", "openai.completions"])
    func unfinished(dialect: String) {
        let text = [
            "openai.chat": chunk(#"{"content":"a"}"#), "openai.completions": #"{"choices":[{"index":0,"text":"a"}]}"#,
            "openai.responses":
                #"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a"}"#,
        ]
        let cut = attempt(dialect)
        cut.events([text[dialect] ?? ""])
        #expect(cut.status >= 0)
        cut.flush()
        #expect(cut.status < 0 && cut.failure.message.contains("ended"), "\(cut.failure.message)")
        let silent = attempt(dialect)
        silent.flush()
        #expect(silent.status < 0 && silent.failure.message.contains("without an answer"))
        let done = attempt(dialect)
        done.events([text[dialect] ?? "", "[DONE]"])
        done.flush()
        #expect(done.status >= 0, "\(done.failure.message)")
    }

    @Test("a refusal is an ERROR event for the log, never a recovered text")
    func refused() {
        let chat = attempt("openai.chat", stream: false)
        chat.head(400)
        chat.errorBody(#"{"error":{"message":"m","code":"tool_use_failed","failed_generation":"x"}}"#)
        #expect(chat.record.lines == ["ERROR 7 400 -1 [tool_use_failed] m"])
    }
}
