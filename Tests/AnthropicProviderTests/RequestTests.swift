import PluginABI
import Testing

@Suite("Requests of other dialects")
struct RequestTests {
    private static let cases = TestCase.load("requests.json")

    @Test("there are cases") func found() { #expect(Self.cases.count > 40) }

    @Test("the request as the upstream gets it, whole, and what is told of it", arguments: cases)
    func written(_ one: TestCase) {
        let attempt = Attempt(
            config: Self.config(one), stream: one.flag("stream"), dialect: one.string("dialect") ?? "openai.chat",
            json: one.json("request"), model: one.string("model") ?? Self.model(one))
        if let error = one.string("error") {
            #expect(attempt.failure.message == error)
            #expect(attempt.status == KIMI_E_UNSUPPORTED.rawValue)
            #expect(attempt.failure.category == KIMI_CAT_BAD_REQUEST.rawValue)
            return
        }
        #expect(attempt.status == 0, "\(attempt.failure.message)")
        #expect(TestCase.sorted(attempt.plan.values(KIMI_FIELD_BODY).joined()) == one.sorted("body"))
        #expect(attempt.plan.values(KIMI_FIELD_BODY_PATCH) == [])
        let betas = attempt.plan.values(KIMI_FIELD_HEADER).filter { $0.hasPrefix("anthropic-beta: ") }
        #expect(betas == (one.string("betas").map { ["anthropic-beta: \($0)"] } ?? []))
        attempt.head(200, [("content-type", "text/event-stream")])
        attempt.events([#"{"type":"ping"}"#])
        // Notes of members stand in the order of the request's, which the file's reader does not keep.
        #expect(attempt.record.notes.sorted() == one.strings("notes").sorted())
    }

    private static func config(_ one: TestCase) -> String {
        let more = one.json("config").dropFirst().dropLast()
        return #"{"apiKey":"sk-1"\#(more.isEmpty ? "" : ",")\#(more)}"#
    }

    private static func model(_ one: TestCase) -> String {
        let json = TestCase.sorted(one.json("request"))
        return json.components(after: #""model":""#)
    }

    @Test("values keep their bytes, order and spelling")
    func bytes() {
        let schema = #"{ "type" :"object","properties":{"z":{"maximum":1e2},"a":{"const":"\u00e4\/"}} }"#
        let json =
            #"{"model":"claude-opus-4-6","max_tokens":1,"messages":[{"role":"user","content":"\u00e4\/x"},"#
            + #"{"role":"assistant","thinking_blocks":[{ "type":"thinking", "thinking":"\u00e4", "signature":"a\/b" }],"#
            + #""tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{ \"z\": 1.0, \"a\":1e3}"}}]}],"#
            + #""tools":[{"type":"function","function":{"name":"f","parameters":\#(schema)}}]}"#
        let body = Attempt(stream: false, dialect: "openai.chat", json: json).plan.values(KIMI_FIELD_BODY).joined()
        for piece in [
            schema, #"{ "type":"thinking", "thinking":"\u00e4", "signature":"a\/b" }"#, #""text":"\u00e4\/x""#,
            #""input":{ "z": 1.0, "a":1e3}"#,
        ] {
            #expect(body.contains(piece), "\(piece) in \(body)")
        }
    }
}

extension String {
    /// From behind that text to the next quote.
    fileprivate func components(after text: String) -> String {
        guard let range = firstRange(of: text) else { return "" }
        return String(self[range.upperBound...].prefix { $0 != "\"" })
    }
}
