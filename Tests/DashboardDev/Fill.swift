// swift-format-ignore-file
// A tool for tests of the page and for working on it: made-up logs, fixed routes and plugins.
import Foundation
import LogModel
import RequestLog

/// `dashdev fill DB N [CASES] [live]`: N made-up exchanges over the last day, then those of a folder of cases.
enum Fill {
    static let models: [(String, String, String, Double)] = [
        ("kimi-k2", "openrouter", "moonshotai/kimi-k2-0905", 1), ("kimi-k2", "openai", "kimi-k2-turbo-preview", 0.7),
        ("claude-sonnet", "anthropic", "claude-sonnet-4-5", 1.4), ("gemini-pro", "vertex", "gemini-2.5-pro", 1.8),
        ("gpt-5", "openai", "gpt-5", 2.0),
    ]
    /// Times as a working day has them; the same for the same number.
    static func day(_ n: Int, now: Int64) -> [Int64] {
        let bins = 288
        let weights = (0..<bins).map { bin in
            let wave = 1 + 0.9 * sin(2 * Double.pi * (Double(bin) / Double(bins) + 0.62))
            return wave * (0.75 + 0.5 * Double((bin * 7919) % 101) / 101) + 0.08
        }
        let total = weights.reduce(0, +)
        var times: [Int64] = []
        for (bin, weight) in weights.enumerated() {
            let count = Int((Double(n) * weight / total).rounded())
            for place in 0..<count { times.append(now - 86_400_000 + Int64(bin) * 300_000 + Int64(place) * 300_000 / Int64(max(1, count))) }
        }
        return times
    }
    static func record(_ i: Int, ended: Int64, trouble: Bool = false) -> ExchangeRecord {
        var g = SystemRandomNumberGenerator()
        let (model, provider, upstream, slow) = models[Int.random(in: 0..<100, using: &g) % models.count]
        let dialect = ["openai.chat", "anthropic.messages", "openai.responses"][Int.random(in: 0..<3)]
        let firstToken = Int64(Double.random(in: 120...1200) * slow)
        let tokens = Int64.random(in: 20...1200)
        let duration = firstToken + Int64(Double(tokens) * 1000 / (Double.random(in: 60...160) / slow))
        var r = ExchangeRecord(id: "req_\(String(i, radix: 36))\(UInt32.random(in: 0...UInt32.max))", began: ended - duration, dialect: dialect, model: model)
        r.duration = duration
        r.provider = provider
        r.upstreamModel = upstream
        r.client = ["alice", "bob", "ci-agent"][Int.random(in: 0..<3)]
        r.profile = Int.random(in: 0..<5) == 0 ? "work" : nil
        r.isStream = Int.random(in: 0..<5) > 0
        r.firstToken = firstToken
        r.firstByte = r.firstToken
        r.finish = Int.random(in: 0..<3) == 0 ? "tool_calls" : "stop"
        let input = Int64.random(in: 800...90_000)
        r.usage.input = input
        r.usage.cacheRead = Int64(Double(input) * Double.random(in: 0...0.95))
        r.usage.output = tokens
        r.usage.cost = Double(input) * 0.6e-6 + Double(r.usage.output!) * 2.5e-6
        var a = AttemptRecord(number: 1, provider: provider, upstreamModel: upstream, began: 2)
        a.method = "POST"; a.url = "https://api.example.com/v1/chat/completions"; a.status = 200; a.head = 120; a.end = duration
        let isHit = trouble && provider == "openrouter"
        switch isHit ? Int.random(in: 0..<4) : Int.random(in: 0..<40) {
        case 0, 1:
            r.outcome = .failed; r.status = 429; a.status = 429
            r.failure = .init(category: "rate_limited", message: "Rate limit reached for requests per minute; retry in 20 s", code: "rate_limit_exceeded")
            a.failure = r.failure; r.usage = .init(); r.firstToken = nil; r.finish = nil
        case 2:
            r.outcome = .failed; r.status = 502; a.status = 0
            r.failure = .init(category: "network", message: "could not connect to api.example.com: connection refused", code: nil)
            a.failure = r.failure; r.usage = .init(); r.firstToken = nil; r.finish = nil
        case 3: r.outcome = .cancelled; r.status = 499
        case 4, 5, 6: r.notes = [.init(plugin: "kimi-k2", kind: "tool_call_markup", count: Int.random(in: 1...3), details: ["a call written as text was made a call"])]
        default: break
        }
        r.attempts = [a]
        return r
    }
    static func body(_ url: URL, into body: inout RecordedBody) {
        if let data = try? Data(contentsOf: url) { body.append([UInt8](data), limit: 4 << 20) }
    }
    static func cases(_ folder: String, now: Int64) -> [ExchangeRecord] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        return names.compactMap { name in
            let at = URL(fileURLWithPath: folder).appendingPathComponent(name)
            guard let data = try? Data(contentsOf: at.appendingPathComponent("meta.json")),
                let meta = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else { return nil }
            var r = ExchangeRecord(id: "req_case_\(name)", began: now - 6000, dialect: meta["dialect"] as? String ?? "openai.chat", model: meta["model"] as? String ?? "kimi-k2")
            r.duration = Int64(meta["duration"] as? Int ?? 5400)
            r.firstToken = Int64(meta["first_token"] as? Int ?? 620); r.firstByte = r.firstToken
            r.provider = meta["provider"] as? String ?? "openrouter"; r.upstreamModel = meta["upstream"] as? String ?? "moonshotai/kimi-k2-0905"
            r.client = "alice"; r.isStream = true; r.finish = meta["finish"] as? String ?? "tool_calls"
            r.usage.input = 5210; r.usage.cacheRead = 4096; r.usage.output = 264; r.usage.reasoning = 120; r.usage.cost = 0.0021
            for n in meta["notes"] as? [[String: Any]] ?? [] {
                r.notes.append(.init(plugin: n["plugin"] as? String ?? "", kind: n["kind"] as? String ?? "", count: n["count"] as? Int ?? 1, details: n["details"] as? [String] ?? []))
            }
            for d in meta["dropped"] as? [[String: String]] ?? [] { r.dropped.append(.init(path: d["path"] ?? "", reason: d["reason"] ?? "")) }
            if let e = meta["error"] as? [String: Any] {
                r.outcome = .failed; r.status = e["status"] as? Int ?? 500
                r.failure = .init(category: e["category"] as? String ?? "internal", message: e["message"] as? String ?? "", code: nil)
            }
            body(at.appendingPathComponent("request.json"), into: &r.request)
            body(at.appendingPathComponent("reply.txt"), into: &r.reply)
            let attempts = meta["attempts"] as? [[String: Any]] ?? [[:]]
            for (i, m) in attempts.enumerated() {
                var a = AttemptRecord(number: i + 1, provider: m["provider"] as? String ?? r.provider, upstreamModel: m["upstream"] as? String ?? r.upstreamModel, began: Int64(m["began"] as? Int ?? 3))
                a.method = "POST"; a.url = m["url"] as? String ?? "https://openrouter.ai/api/v1/chat/completions"
                a.headers = [.init(name: "authorization", value: "***"), .init(name: "content-type", value: "application/json")]
                a.status = m["status"] as? Int ?? 200
                a.head = Int64(m["head"] as? Int ?? 540); a.end = Int64(m["end"] as? Int ?? 5390)
                if let e = m["error"] as? String { a.failure = .init(category: "rate_limited", message: e, code: nil) }
                body(at.appendingPathComponent("upstream_request\(i + 1).json"), into: &a.request)
                body(at.appendingPathComponent("upstream_reply\(i + 1).txt"), into: &a.reply)
                if a.failure == nil {
                    var t = r.firstToken ?? 600
                    let n = max(1, a.reply.kept / 48)
                    for _ in 0..<n { a.arrivals.append(.init(milliseconds: t, count: 48)); t += max(1, (r.duration - (r.firstToken ?? 600)) / Int64(n)) }
                }
                r.attempts.append(a)
            }
            return r
        }
    }
    static func run(_ arguments: [String]) async throws {
        let log = try RequestLog(path: arguments[0], onWarning: { print($0) })
        let n = Int(arguments[1]) ?? 100
        let now = unixMilliseconds()
        let times = arguments.contains("day") ? day(n, now: now) : (0..<n).map { now - Int64(n - $0) * (86_400_000 / Int64(max(n, 1))) }
        for (i, ended) in times.enumerated() {
            let age = (now - ended) / 60_000
            log.submit(record(i, ended: ended, trouble: arguments.contains("day") && (430..<460).contains(age)))
            while log.stats.pending > 3_000 { try await Task.sleep(for: .milliseconds(5)) }
        }
        if arguments.count > 2, arguments[2] != "day" { for r in cases(arguments[2], now: now) { log.submit(r) } }
        if arguments.contains("live") {
            while true { log.submit(record(Int(unixMilliseconds()), ended: unixMilliseconds())); try await Task.sleep(for: .milliseconds(Int.random(in: 100...900))) }
        }
        // Words are indexed behind the log.
        let end = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < end {
            if log.stats.pending == 0, log.stats.spoolBytes == 0, let reader = try? LogReader(path: arguments[0]), let done = try? reader.indexed(),
                let newest = try? reader.newest(), done == newest { break }
            try await Task.sleep(for: .milliseconds(50))
        }
        await log.close()
        print(log.stats)
    }
}
