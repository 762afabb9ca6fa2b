import PluginABI
import Testing

/// Numbers that are the same in every run.
private struct Dice: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}

@Suite("Any bytes")
struct FuzzTests {
    private static let request =
        #"{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},"#
        + #"{"role":"assistant","thinking_blocks":[{"thinking":"a","signature":"gemini1:0:x"}],"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"}],"#
        + #""tools":[{"type":"function","function":{"name":"f","parameters":{"anyOf":[{"type":"string"},{"type":"null"}],"properties":{"a":{"type":["x",1]}}}}}],"tool_choice":"none","stop":"a","thinking":{"type":"enabled","budget_tokens":9}}"#

    private func changed(_ text: String, _ dice: inout Dice) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...6, using: &dice) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &dice)
            switch Int.random(in: 0..<4, using: &dice) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &dice)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: Array("{}[]\",:0-e9null".utf8).shuffled(using: &dice).prefix(2), at: place)
            default: bytes.removeLast(min(bytes.count, Int.random(in: 1...40, using: &dice)))
            }
        }
        return bytes
    }

    @Test("answers that make no sense are refused or understood, never a trap")
    func answers() {
        var dice = Dice(state: 7)
        let frames = Transcript.all.flatMap(\.frames)
        for _ in 0..<3000 {
            let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
            attempt.head()
            for _ in 0..<2 where attempt.status == 0 {
                attempt.feed([(KIMI_FRAME_SSE, 0, changed(frames.randomElement(using: &dice) ?? "", &dice))])
            }
            if attempt.status == 0 { attempt.flush() }
            #expect(attempt.record.violations.isEmpty)
            #expect(attempt.status >= 0 || !attempt.failure.message.isEmpty)
        }
    }

    @Test("requests that make no sense are refused or sent, never a trap")
    func requests() {
        var dice = Dice(state: 11)
        for _ in 0..<3000 {
            // The host checks UTF-8 and JSON; what is left is any JSON at all.
            let text = String(decoding: changed(Self.request, &dice), as: UTF8.self)
            let attempt = Attempt(text, model: ["gemini-3-pro", "gemini-2.5-flash"].randomElement(using: &dice) ?? "")
            #expect(attempt.status == 0 || !attempt.failure.message.isEmpty)
        }
    }

    @Test("token endpoints and error bodies of any bytes")
    func tokens() {
        var dice = Dice(state: 13)
        for round in 0..<1500 {
            let attempt = Attempt(
                #"{"messages":[{"role":"user","content":"x"}]}"#,
                config: #"{"projectId":"p","credentials":\#(AuthTests.user)}"#)
            attempt.authenticate()
            let bytes = changed(#"{"access_token":"abc","expires_in":3599,"error":{"status":"X"}}"#, &dice)
            attempt.authResult(String(decoding: bytes, as: UTF8.self), http: round % 3 == 0 ? 400 : 200)
            #expect(attempt.status == 0 || !attempt.failure.message.isEmpty)
        }
    }

    @Test("a long conversation takes time in proportion to its length")
    func linear() {
        func time(_ turns: Int) -> Duration {
            let turn =
                #"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{\"a\":1}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},"#
            let json = #"{"messages":[\#(String(repeating: turn, count: turns)){"role":"user","content":"x"}]}"#
            return (0..<3).map { _ in ContinuousClock().measure { _ = Attempt(json) } }.min() ?? .zero
        }
        let (short, long) = (time(500), time(8000))
        #expect(long < short * 16 * 10)  // 256 times would be quadratic.
    }
}
