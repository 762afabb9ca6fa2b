import PluginABI
import Testing
import WireJSON

/// Anything may come from a network. A seed makes a run again what it was: KIMI_SEED is printed with a failure.
private struct Noise: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) } }

    /// A copy with a few bytes cut, doubled or changed.
    mutating func damaged(_ text: [UInt8]) -> [UInt8] {
        var text = text
        for _ in 0..<Int.random(in: 1...4, using: &self) where !text.isEmpty {
            let place = Int.random(in: 0..<text.count, using: &self)
            switch Int.random(in: 0..<4, using: &self) {
            case 0: text.remove(at: place)
            case 1: text.insert(text[place], at: place)
            case 2: text[place] = UInt8.random(in: 0...255, using: &self)
            default: text.removeSubrange(place..<min(text.count, place + 9))
            }
        }
        return text
    }
}

@Suite("Noise")
struct NoiseTests {
    private static let seed = UInt64.random(in: 0 ... .max)

    @Test("no bytes of an upstream trap, and events keep their order")
    func replies() {
        var noise = Noise(state: Self.seed)
        let transcripts = TestCase.load("replies.json").filter { $0.has("stream") }.map { $0.list("stream") }
        for round in 0..<1500 {
            let dialect = ["openai.chat", "openai.responses", "anthropic.messages"][round % 3]
            let attempt = Attempt(dialect: dialect, flags: round % 5 == 0 && round % 3 == 2 ? 2 : 0)
            attempt.head(200, [("content-type", "text/event-stream")])
            var frames = (transcripts[round % transcripts.count]).map { Array($0.utf8) }
            if !frames.isEmpty {
                frames.shuffleSome(&noise)
                let victim = Int.random(in: 0..<frames.count, using: &noise)
                frames[victim] = round % 4 == 0 ? noise.bytes(40) : noise.damaged(frames[victim])
            }
            for frame in frames where attempt.status == 0 { attempt.rawEvents([frame]) }
            if attempt.status == 0 { attempt.flush() }
            #expect(attempt.record.violations == [], "seed \(Self.seed), round \(round)")
        }
    }

    @Test("no request traps, and what goes up is JSON")
    func requests() {
        var noise = Noise(state: Self.seed)
        let parser = JSONParser()
        let requests = TestCase.load("requests.json").map { Array($0.json("request").utf8) }
        for round in 0..<3000 {
            let text = noise.damaged(requests[round % requests.count])
            guard let json = String(validating: text, as: UTF8.self) else { continue }
            let attempt = Attempt(dialect: "openai.chat", json: json, model: "claude-opus-5")
            guard attempt.status == 0 else {
                #expect(!attempt.failure.message.isEmpty)
                continue
            }
            let body = attempt.plan.values(KIMI_FIELD_BODY).joined()
            #expect(
                (try? parser.parse(Array(body.utf8))) != nil, "seed \(Self.seed), round \(round): \(json) is \(body)")
        }
    }
}

extension [[UInt8]] {
    fileprivate mutating func shuffleSome(_ noise: inout Noise) {
        guard count > 2, Bool.random(using: &noise) else { return }
        swapAt(Int.random(in: 0..<count, using: &noise), Int.random(in: 0..<count, using: &noise))
    }
}
