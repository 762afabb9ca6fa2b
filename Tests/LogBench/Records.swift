import LogModel

/// Made-up exchanges, the same for the same number. Words and names are as unevenly used as in life.
struct Records {
    /// Model, provider, upstream model, share of a thousand exchanges.
    private static let routes: [(String, String, String, Int)] = [
        ("kimi-k2", "openrouter", "moonshotai/kimi-k2-0905", 500), ("kimi-k2", "openai", "kimi-k2-turbo", 250),
        ("claude", "anthropic", "claude-sonnet-4-5", 150), ("gemini", "vertex", "gemini-2.5-pro", 90),
        ("rare-model", "openai", "gpt-5", 10),
    ]
    /// Client, share of a thousand.
    private static let clients = [("alice", 600), ("bob", 300), ("ci", 95), ("rare-client", 5)]
    private static let vocabulary = (0..<20_000).map { number in
        var (rest, word) = (number + 700, "")
        while rest > 0 {
            word += ["ba", "co", "di", "fu", "ge", "ha", "ki", "lo", "mu", "ne", "pa", "qui", "ro", "sa"][rest % 14]
            rest /= 14
        }
        return word
    }

    /// The most frequent words have the smallest numbers.
    static func word(_ number: Int) -> String { vocabulary[number] }

    /// Bytes of a request's and of a reply's text.
    let requestBytes: Int
    let replyBytes: Int
    /// Unix milliseconds, of the first, and between two.
    let began: Int64
    let gap: Int64

    func record(_ number: Int) -> ExchangeRecord {
        var chance = Chance(state: UInt64(number) &* 0x9E37_79B9_7F4A_7C15 &+ 1)
        let route = Self.pick(Self.routes, &chance) { $0.3 }
        let ended = began + Int64(number) * gap
        let duration = Int64(200 + chance.below(9_000))
        var record = ExchangeRecord(
            id: "req_bench_\(number)", began: ended - duration,
            dialect: ["openai.chat", "openai.chat", "anthropic.messages", "openai.responses"][chance.below(4)],
            model: route.0)
        record.duration = duration
        (record.provider, record.upstreamModel) = (route.1, route.2)
        record.client = Self.pick(Self.clients, &chance) { $0.1 }.0
        record.profile = chance.below(10) == 0 ? "work" : chance.below(2_000) == 0 ? "rare-profile" : nil
        record.isStream = chance.below(4) > 0
        record.firstToken = duration / 5
        record.firstByte = record.firstToken
        record.finish = "stop"
        record.usage.input = Int64(500 + chance.below(90_000))
        record.usage.cacheRead = Int64(chance.below(500))
        record.usage.output = Int64(10 + chance.below(2_000))
        record.usage.cost = 0.002
        var attempt = AttemptRecord(number: 1, provider: route.1, upstreamModel: route.2, began: 1)
        (attempt.method, attempt.url, attempt.status) = ("POST", "https://api.example.com/v1/chat/completions", 200)
        (attempt.head, attempt.end) = (record.firstToken, duration)
        attempt.arrivals = [.init(milliseconds: duration / 5, count: replyBytes)]
        spoil(&record, &attempt, &chance)
        fill(&record, &attempt, number, &chance)
        record.attempts = [attempt]
        return record
    }

    private func spoil(_ record: inout ExchangeRecord, _ attempt: inout AttemptRecord, _ chance: inout Chance) {
        switch chance.below(1_000) {
        case 0..<20:
            (record.outcome, record.status, attempt.status) = (.failed, 429, 429)
            record.failure = .init(category: "rate_limited", message: "too many requests; try again", code: nil)
        case 20..<25:
            (record.outcome, record.status, attempt.status) = (.failed, 502, 0)
            record.failure = .init(category: "network", message: "connection refused", code: nil)
        case 25: (record.outcome, record.status) = (.cancelled, 499)
        case 30..<60:
            record.notes = [.init(plugin: "kimi-k2", kind: "tool_call_markup", count: 1, details: ["made a call"])]
        default: break
        }
        attempt.failure = record.failure
    }

    private func fill(
        _ record: inout ExchangeRecord, _ attempt: inout AttemptRecord, _ number: Int, _ chance: inout Chance
    ) {
        // One of each thousand is the only one with its word.
        let mark = number % 1_000 == 500 ? " needle\(number)" : ""
        let said = text(requestBytes, &chance) + mark
        let asked = Array(
            #"{"model":"\#(record.model)","messages":[{"role":"user","content":"\#(said)"}]}"#.utf8)
        let answered = Array(
            #"{"choices":[{"message":{"role":"assistant","content":"\#(text(replyBytes, &chance))"}}]}"#.utf8)
        record.request.append(asked, limit: 1 << 20)
        record.reply.append(answered, limit: 1 << 20)
        attempt.request.append(asked, limit: 1 << 20)
        attempt.reply.append(answered, limit: 1 << 20)
    }

    private func text(_ count: Int, _ chance: inout Chance) -> String {
        var text = ""
        while text.utf8.count < count {
            // Small numbers far more often than great ones.
            let place = chance.below(1 + chance.below(1 + chance.below(Self.vocabulary.count)))
            text += Self.vocabulary[place] + " "
        }
        return text
    }

    private static func pick<Choice>(_ from: [Choice], _ chance: inout Chance, share: (Choice) -> Int) -> Choice {
        var rest = chance.below(1_000)
        for one in from {
            rest -= share(one)
            if rest < 0 { return one }
        }
        return from[0]
    }
}

/// Chance that is the same each time (SplitMix64).
struct Chance {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(max(1, bound)))
    }
}
