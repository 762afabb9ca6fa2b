import OpenAIProviderLogic
import PluginABI
import Testing
import WireJSON

@Suite("Answers of Responses upstreams")
struct ResponsesReplyTests {
    static let config = #"{"apiKey":"k","api":"responses"}"#

    /// One recorded stream: Cases/responses/NAME.sse, and the events it becomes, NAME.events.
    struct Transcript: CustomTestStringConvertible {
        let name: String
        var testDescription: String { name }

        var frames: [(name: String, data: String)] {
            CaseFiles.text("responses/\(name).sse").split(separator: "\n\n").map { block in
                let lines = block.split(separator: "\n")
                func value(_ field: String) -> String {
                    lines.first { $0.hasPrefix(field) }.map { String($0.dropFirst(field.count)) } ?? ""
                }
                return (value("event: "), value("data: "))
            }
        }

        var lines: [String] {
            CaseFiles.text("responses/\(name).events").split(separator: "\n").map {
                String($0).replacing("\\n\\n", with: "\n\n")
            }
        }

        var dialect: String {
            if name.hasSuffix(".responses") { return "openai.responses" }
            return name.hasSuffix(".anthropic") ? "anthropic.messages" : "openai.chat"
        }
    }

    static let transcripts = CaseFiles.names(in: "responses", ending: ".sse").map(Transcript.init)

    private func run(_ transcript: Transcript, _ batches: [ArraySlice<(name: String, data: String)>], named: Bool)
        -> [String]
    {
        let attempt = Attempt(config: Self.config, dialect: transcript.dialect, json: #"{"messages":[]}"#)
        attempt.head(200, [("content-type", "text/event-stream")])
        for batch in batches where !batch.isEmpty && attempt.status == 0 {
            attempt.frames(batch.map { (named ? $0.name : "", $0.data) })
        }
        if attempt.status == 0 { attempt.flush() }
        #expect(attempt.status >= 0, "\(transcript.name): \(attempt.failure.message)")
        #expect(attempt.record.violations.isEmpty, "\(transcript.name): \(attempt.record.violations)")
        return attempt.record.lines
    }

    @Test("are there")
    func exist() { #expect(Self.transcripts.count >= 12) }

    @Test("become the same events however they are cut", arguments: transcripts)
    func cuts(transcript: Transcript) {
        let frames = transcript.frames
        let lines = transcript.lines
        #expect(run(transcript, [frames[...]], named: true) == lines)
        #expect(run(transcript, frames.indices.map { frames[$0...$0] }, named: false) == lines)
        for cut in frames.indices { #expect(run(transcript, [frames[..<cut], frames[cut...]], named: true) == lines) }
    }

    @Test("the log of a native answer says the same", arguments: transcripts)
    func native(transcript: Transcript) {
        guard transcript.dialect == "openai.chat" else { return }
        let attempt = Attempt(
            dialect: "openai.responses", json: "{}", flags: KIMI_REQUEST_NATIVE.rawValue, model: "m")
        attempt.frames(transcript.frames)
        if attempt.status == 0 { attempt.flush() }
        #expect(attempt.status >= 0)
        #expect(attempt.record.lines == transcript.lines)
    }

    @Test("cut off anywhere, they are a failure that says so, or an error of the upstream", arguments: transcripts)
    func truncated(transcript: Transcript) {
        let frames = transcript.frames
        for end in 0..<max(0, frames.count - 2) {
            for why in [KIMI_WHY_END, KIMI_WHY_TRUNCATED] {
                let attempt = Attempt(config: Self.config, dialect: transcript.dialect, json: #"{"messages":[]}"#)
                attempt.frames(Array(frames[..<end]))
                attempt.flush(why)
                #expect(attempt.status < 0 && !attempt.failure.message.isEmpty)
                #expect(attempt.record.violations.isEmpty)
            }
        }
    }

    @Test("a whole body becomes what its stream becomes")
    func body() throws {
        let transcript = Transcript(name: "only-completed")
        let parser = JSONParser()
        let event = try parser.parse(Array(transcript.frames[0].data.utf8))
        let response = String(decoding: event["response"]?.json ?? [], as: UTF8.self)
        let attempt = Attempt(config: Self.config, stream: false, dialect: "openai.chat", json: #"{"messages":[]}"#)
        attempt.head(200, [("content-type", "application/json")])
        attempt.body(response)
        #expect(attempt.status == KIMI_DONE.rawValue, "\(attempt.failure.message)")
        #expect(attempt.record.lines == transcript.lines)
    }

    @Test(
        "bodies that are no answer are told",
        arguments: [
            (#"{"error":{"message":"no","code":"server_error"}}"#, "ERROR 7 0 -1 [server_error] no"),
            (
                #"{"status":"failed","error":{"message":"x","code":"rate_limit_exceeded"},"output":[]}"#,
                "ERROR 2 0 -1 [rate_limit_exceeded] x"
            ),
            (#"{"id":"r"}"#, #"has no "output""#), ("7", "not a JSON object"),
        ])
    func broken(text: String, says: String) {
        let attempt = Attempt(config: Self.config, stream: false, dialect: "openai.chat", json: #"{"messages":[]}"#)
        attempt.body(text)
        let said = attempt.status < 0 ? attempt.failure.message : attempt.record.lines.joined()
        #expect(said.contains(says), "\(said)")
    }
}
