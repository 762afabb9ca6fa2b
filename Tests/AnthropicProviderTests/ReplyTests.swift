import PluginABI
import Testing

@Suite("Replies")
struct ReplyTests {
    static let cases = TestCase.load("replies.json")

    @Test("there are cases") func found() { #expect(Self.cases.count > 30) }

    @Test("events are the same however many frames come at once", arguments: cases)
    func replies(_ one: TestCase) {
        let frames = one.list("stream")
        for size in 1...max(frames.count, 1) {
            let attempt = Self.attempt(one)
            if one.has("body") {
                attempt.body(one.json("body"), flags: one.has("status") ? KIMI_FRAME_F_ERROR.rawValue : 0)
            }
            for start in stride(from: 0, to: frames.count, by: size) where attempt.status == 0 {
                attempt.events(Array(frames[start..<min(start + size, frames.count)]))
            }
            if attempt.status == 0 { attempt.flush() }
            check(one, attempt)
        }
    }

    @Test("events are the same wherever two batches are cut", arguments: cases.filter { $0.has("stream") })
    func cuts(_ one: TestCase) {
        let frames = one.list("stream")
        for cut in 0...frames.count {
            let attempt = Self.attempt(one)
            attempt.events(Array(frames[..<cut]))
            if attempt.status == 0 { attempt.events(Array(frames[cut...])) }
            if attempt.status == 0 { attempt.flush() }
            check(one, attempt)
        }
    }

    @Test(
        "a stream that breaks is a failure unless it has said why it ends", arguments: cases.filter { $0.has("stream") }
    )
    func truncated(_ one: TestCase) {
        let frames = one.list("stream")
        for cut in 0..<frames.count {
            let attempt = Self.attempt(one)
            attempt.events(Array(frames[..<cut]))
            guard attempt.status == 0 else { continue }
            let isEnded = attempt.record.lines.contains { $0.hasPrefix("FINISH") }
            #expect(attempt.flush(KIMI_WHY_TRUNCATED) == (isEnded ? 0 : KIMI_E_UPSTREAM.rawValue))
            #expect(attempt.record.violations == [])
        }
    }

    static func attempt(_ one: TestCase) -> Attempt {
        let attempt = Attempt(
            stream: !one.has("body"), dialect: one.string("dialect") ?? "openai.chat", model: "asked",
            flags: one.flag("native") ? KIMI_REQUEST_NATIVE.rawValue : 0)
        #expect(attempt.status == 0, "\(attempt.failure.message)")
        let type = one.has("body") ? "application/json" : "text/event-stream; charset=utf-8"
        let status = attempt.head(
            UInt32(one.number("status") ?? 200), [("Content-Type", type)] + one.headers("headers"))
        #expect(status == (one.has("body") ? KIMI_WHOLE : KIMI_OK).rawValue)
        return attempt
    }

    private func check(_ one: TestCase, _ attempt: Attempt) {
        #expect(attempt.record.joined == one.strings("events"))
        #expect(attempt.record.violations == [])
        #expect(attempt.failure.message == one.string("failure") ?? "")
        #expect(attempt.record.notes == one.strings("notes"))
        if let log = one.string("log") { #expect(attempt.log.lines == [log]) }
    }
}
