import CanonicalModel
import Dialects
import Testing
import WireJSON

@Suite struct ChatRequestTests {
    private func read(_ json: String) throws(ExchangeError) -> ChatRequest {
        let bytes = Array(json.utf8)
        return try bytes.withBytes { bytes throws(ExchangeError) in try ChatRequest(bytes, parser: JSONParser()) }
    }

    @Test func `what the host needs is read`() throws {
        let request = try read(
            #"{"model":"k2","messages":[{"role":"user","content":"hi"}],"stream":true,"n":2,"stream_options":{"include_usage":true}}"#
        )
        #expect(request.model == "k2")
        #expect(request.wantsStream)
        #expect(request.wantsUsage)
        #expect(request.choices == 2)
    }

    @Test func `null means absent`() throws {
        let request = try read(
            #"{"model":"k2","messages":[{"role":"user","content":null}],"stream":null,"n":null,"tools":null,"max_tokens":null,"stream_options":null}"#
        )
        #expect(!request.wantsStream)
        #expect(!request.wantsUsage)
        #expect(request.choices == 1)
    }

    @Test(arguments: [
        (#"{"messages":[{"role":"user"}]}"#, "model"),
        (#"{"model":7,"messages":[{"role":"user"}]}"#, "model"),
        (#"{"model":"","messages":[{"role":"user"}]}"#, "model"),
        (#"{"model":"m"}"#, "messages"),
        (#"{"model":"m","messages":"hi"}"#, "messages"),
        (#"{"model":"m","messages":[]}"#, "messages"),
        (#"{"model":"m","messages":[{"role":"user"},5]}"#, "messages[1]"),
        (#"{"model":"m","messages":[{"content":"x"}]}"#, "messages[0].role"),
        (#"{"model":"m","messages":[{"role":1}]}"#, "messages[0].role"),
        (#"{"model":"m","messages":[{"role":"user","content":{}}]}"#, "messages[0].content"),
        (#"{"model":"m","messages":[{"role":"user","tool_calls":"x"}]}"#, "messages[0].tool_calls"),
        (#"{"model":"m","messages":[{"role":"user"}],"stream":"yes"}"#, "stream"),
        (#"{"model":"m","messages":[{"role":"user"}],"stream_options":[]}"#, "stream_options"),
        (
            #"{"model":"m","messages":[{"role":"user"}],"stream_options":{"include_usage":1}}"#,
            "stream_options.include_usage"
        ),
        (#"{"model":"m","messages":[{"role":"user"}],"n":0}"#, "n"),
        (#"{"model":"m","messages":[{"role":"user"}],"tools":{}}"#, "tools"),
        (#"{"model":"m","messages":[{"role":"user"}],"temperature":"hot"}"#, "temperature"),
        (#"{"model":"m","messages":[{"role":"user"}],"max_tokens":1.5}"#, "max_tokens"),
    ])
    func `a wrong field is named`(json: String, param: String) {
        let error = #expect(throws: ExchangeError.self) { try read(json) }
        #expect(error?.httpStatus == 400)
        #expect(error?.param == param)
        #expect(error?.message.contains("'\(param)'") == true)
    }

    @Test(arguments: ["", "{", "[]", "null", "\"x\"", "{\"model\":\"m\",}", "{\"a\":1} x"])
    func `what is no JSON object is refused`(json: String) {
        let error = #expect(throws: ExchangeError.self) { try read(json) }
        #expect(error?.httpStatus == 400)
    }
}
