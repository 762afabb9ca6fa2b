import PluginABI
import Testing

@Suite("Where requests go")
struct RouteTests {
    private func attempt(_ model: String, _ config: String = "") -> Attempt {
        Attempt(
            #"{"model":"m","messages":[{"role":"user","content":"x"}]}"#, model: model,
            config: #"{"projectId":"p1","accessToken":"t"\#(config)}"#, stream: false)
    }

    @Test(
        "addresses",
        arguments: [
            (
                "gemini-2.5-pro", "",
                "https://aiplatform.googleapis.com/v1/projects/p1/locations/global/publishers/google/models/gemini-2.5-pro:generateContent"
            ),
            (
                "google/gemini-2.5-pro", #","location":"us-central1""#,
                "https://aiplatform.googleapis.com/v1/projects/p1/locations/global/publishers/google/models/gemini-2.5-pro:generateContent"
            ),
            (
                "models/gemini-2.5-pro", #","geminiLocation":"europe-west4","apiVersion":"v1beta1""#,
                "https://europe-west4-aiplatform.googleapis.com/v1beta1/projects/p1/locations/europe-west4/publishers/google/models/gemini-2.5-pro:generateContent"
            ),
            (
                "gemini-2.5-pro", #","geminiLocation":"eu""#,
                "https://aiplatform.eu.rep.googleapis.com/v1/projects/p1/locations/eu/publishers/google/models/gemini-2.5-pro:generateContent"
            ),
            (
                "projects/9/locations/us-east1/endpoints/77", "",
                "https://us-east1-aiplatform.googleapis.com/v1/projects/9/locations/us-east1/endpoints/77:generateContent"
            ),
            (
                "publishers/google/models/gemini-3-pro-preview", "",
                "https://aiplatform.googleapis.com/v1/projects/p1/locations/global/publishers/google/models/gemini-3-pro-preview:generateContent"
            ),
            (
                "endpoints/5", #","location":"us-west1""#,
                "https://us-west1-aiplatform.googleapis.com/v1/projects/p1/locations/us-west1/endpoints/5:generateContent"
            ),
            (
                "acme/model-1", #","location":"us-west1""#,
                "https://us-west1-aiplatform.googleapis.com/v1/projects/p1/locations/us-west1/publishers/acme/models/model-1:generateContent"
            ),
            (
                "gemini-x", #","geminiEndpoint":"http://127.0.0.1:99/path""#,
                "http://127.0.0.1:99/v1/projects/p1/locations/global/publishers/google/models/gemini-x:generateContent"
            ),
            (
                "moonshotai/kimi-k2-thinking-maas", "",
                "https://aiplatform.googleapis.com/v1/projects/p1/locations/global/endpoints/openapi/chat/completions"
            ),
            (
                "moonshotai/Kimi-K2-MaaS", #","location":"us-central1""#,
                "https://us-central1-aiplatform.googleapis.com/v1/projects/p1/locations/us-central1/endpoints/openapi/chat/completions"
            ),
            (
                "a/b-maas", #","location":"us-central1","endpointOverride":"aiplatform.googleapis.com""#,
                "https://aiplatform.googleapis.com/v1/projects/p1/locations/us-central1/endpoints/openapi/chat/completions"
            ),
            (
                "a/b-maas", #","endpointOverride":"http://localhost:8/v1/x""#,
                "http://localhost:8/v1/projects/p1/locations/global/endpoints/openapi/chat/completions"
            ),
            (
                "google/gemini-2.5-pro", #","api":"chat""#,
                "https://aiplatform.googleapis.com/v1/projects/p1/locations/global/endpoints/openapi/chat/completions"
            ),
            (
                "x/y-maas", #","api":"gemini""#,
                "https://aiplatform.googleapis.com/v1/projects/p1/locations/global/publishers/x/models/y-maas:generateContent"
            ),
        ])
    func address(model: String, config: String, expected: String) {
        let attempt = attempt(model, config)
        #expect(attempt.plan.first(KIMI_FIELD_URL) == expected, "\(attempt.failure.message)")
    }

    @Test("the chat endpoint gets the project and the token, and the request as it is")
    func chat() {
        let plan = attempt("a/b-maas").plan
        #expect(plan.values(KIMI_FIELD_HEADER).contains("X-Goog-User-Project: p1"))
        #expect(plan.values(KIMI_FIELD_SECRET_HEADER) == ["Authorization: Bearer t"])
        #expect(plan.values(KIMI_FIELD_BODY).isEmpty)
        #expect(plan.kind == KIMI_STEP_SEND.rawValue)
    }

    @Test("an answer of the chat endpoint goes through")
    func chatAnswer() {
        let attempt = attempt("a/b-maas")
        attempt.head(200, [("Content-Type", "application/json")])
        attempt.body(
            #"{"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#
        )
        #expect(attempt.record.lines == ["START c m 0", "TEXT 0 hi", "FINISH 0 stop (stop)"])
    }

    @Test(
        "models that cannot be served say so",
        arguments: [
            ("claude-sonnet-4-5@20250929", "Anthropic"), ("anthropic/claude-opus", "Anthropic"), ("a b", "'a b'"),
            ("../x", "'../x'"), ("a//b", "'a//b'"), ("x?y", "'x?y'"), ("", "''"), ("é", "'é'"),
        ])
    func refused(model: String, word: String) {
        let attempt = attempt(model)
        #expect(attempt.status == KIMI_E_UNSUPPORTED.rawValue)
        #expect(attempt.failure.category == KIMI_CAT_BAD_REQUEST.rawValue)
        #expect(attempt.failure.message.contains(word))
    }

    @Test(
        "configurations that cannot work name the key",
        arguments: [
            (#"{"accessToken":"t"}"#, "VERTEX_PROJECT_ID"),
            (#"{"accessToken":"t","projectId":"a/b"}"#, "projectId"),
            (#"{"accessToken":"t","projectId":"p","location":"us central"}"#, "location"),
            (#"{"accessToken":"t","projectId":"p","geminiLocation":"?"}"#, "geminiLocation"),
            (#"{"accessToken":"t","projectId":"p","endpointOverride":"ftp://x"}"#, "endpointOverride"),
            (#"{"accessToken":"t","projectId":"p","geminiEndpoint":"https://"}"#, "geminiEndpoint"),
            (#"{"accessToken":"a b","projectId":"p"}"#, "accessToken"),
            (#"{"projectId":"p","credentials":7}"#, "GOOGLE_APPLICATION_CREDENTIALS"),
        ])
    func config(config: String, word: String) {
        let attempt = Attempt(config: config)
        #expect(attempt.status == KIMI_E_CONFIG.rawValue)
        #expect(attempt.failure.category == KIMI_CAT_CONFIG.rawValue)
        #expect(attempt.failure.message.contains(word), "\(attempt.failure.message)")
        #expect(!attempt.failure.message.contains("a b"))
    }
}
