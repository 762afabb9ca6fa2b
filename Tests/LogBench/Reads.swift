import RequestLog

/// How long the lists of the dashboard and of `kimi-host logs list` take.
enum Reads {
    private static let page = 50
    private static let repeats = 7
    private static let mostList = 20.0
    private static let mostSearch = 200.0

    private struct Case {
        var name: String
        var filter = LogFilter()
        /// Pages begin here, counted in shares of the whole log from its newest.
        var depth = 0.0
        /// Frequent conditions that never meet: there is no bound but what is measured.
        var isHard = false

        init(
            _ name: String, depth: Double = 0, isHard: Bool = false, _ change: (inout LogFilter) -> Void = { _ in }
        ) {
            (self.name, self.depth, self.isHard) = (name, depth, isHard)
            change(&filter)
        }
    }

    private static func cases(_ now: Int64) -> [Case] {
        let hour: Int64 = 3_600_000
        return [
            Case("newest"), Case("page in the middle", depth: 0.5), Case("last pages", depth: 0.999),
            Case("model, frequent") { $0.model = "kimi-k2" }, Case("model, rare") { $0.model = "rare-model" },
            Case("model, none") { $0.model = "nobody" }, Case("provider") { $0.provider = "openai" },
            Case("route") { ($0.provider, $0.upstreamModel) = ("openai", "gpt-5") },
            Case("dialect") { $0.dialect = "openai.responses" }, Case("dialect, none") { $0.dialect = "nothing" },
            Case("profile, rare") { $0.profile = "rare-profile" }, Case("profile, none") { $0.profile = "nobody" },
            Case("client, frequent") { $0.client = "alice" }, Case("client, rare") { $0.client = "rare-client" },
            Case("status 429") { $0.status = 429 }, Case("status 404, none") { $0.status = 404 },
            Case("status 2xx") { $0.statusClass = 2 }, Case("status 4xx") { $0.statusClass = 4 },
            Case("status 5xx, deep", depth: 0.9) { $0.statusClass = 5 },
            Case("status 3xx, none") { $0.statusClass = 3 },
            Case("outcome ok") { $0.outcome = "ok" }, Case("outcome failed") { $0.outcome = "failed" },
            Case("outcome cancelled") { $0.outcome = "cancelled" },
            Case("has error") { $0.hasError = true }, Case("has repair") { $0.hasRepair = true },
            Case("has repair, deep", depth: 0.9) { $0.hasRepair = true },
            Case("last hour") { $0.since = now - hour }, Case("last 10 days") { $0.since = now - 240 * hour },
            Case("an hour 10 days ago") { ($0.since, $0.until) = (now - 240 * hour, now - 239 * hour) },
            Case("before 19 days ago") { $0.until = now - 19 * 24 * hour },
            Case("time without any") { ($0.since, $0.until) = (now - 9_000 * hour, now - 8_000 * hour) },
            Case("last 10 days, rare client") { ($0.since, $0.client) = (now - 240 * hour, "rare-client") },
            Case("an old hour, frequent model") {
                ($0.since, $0.until, $0.model) = (now - 240 * hour, now - 239 * hour, "kimi-k2")
            },
            Case("frequent model, rare client") { ($0.model, $0.client) = ("kimi-k2", "rare-client") },
            Case("rare model, rare client") { ($0.model, $0.client) = ("rare-model", "rare-client") },
            Case("rare model, errors") { ($0.model, $0.hasError) = ("rare-model", true) },
            Case("client, 4xx, repaired: none") {
                ($0.client, $0.statusClass, $0.hasRepair) = ("alice", 4, true)
            },
            Case("frequent model and provider that never meet", isHard: true) {
                ($0.model, $0.provider) = ("claude", "openrouter")
            },
        ] + searches(now, hour)
    }

    private static func searches(_ now: Int64, _ hour: Int64) -> [Case] {
        let common = Records.word(0)
        return [
            Case("search, a word of everything") { $0.search = common },
            Case("search, a frequent word") { $0.search = Records.word(400) },
            Case("search, one exchange") { $0.search = "needle500" },
            Case("search, nothing") { $0.search = "nowhere" },
            Case("search, a beginning") { $0.search = "needle*" },
            Case("search, two frequent words") { $0.search = common + " " + Records.word(1) },
            Case("search, page in the middle", depth: 0.5) { $0.search = common },
            Case("search, frequent, rare client") { ($0.search, $0.client) = (common, "rare-client") },
            Case("search, frequent, rare model and client") {
                ($0.search, $0.model, $0.client) = (common, "rare-model", "rare-client")
            },
            Case("search, frequent, no such model") { ($0.search, $0.model) = (common, "nobody") },
            Case("search, frequent, an old hour") {
                ($0.search, $0.since, $0.until) = (common, now - 240 * hour, now - 239 * hour)
            },
            Case("search, one exchange, frequent model") { ($0.search, $0.model) = ("needle500", "kimi-k2") },
            Case("search, frequent, model and provider that never meet", isHard: true) {
                ($0.search, $0.model, $0.provider) = (common, "claude", "openrouter")
            },
        ]
    }

    /// False: something is too slow.
    static func run(_ path: String) throws -> Bool {
        let reader = try LogReader(path: path)
        let (newest, total) = (try reader.newest(), try reader.totals())
        print(
            "\(total.entries) exchanges, \(total.bytes >> 20) MB counted; median and longest of \(repeats), and CPU; ms"
        )
        var isFine = true
        // Of the log's newest, not of today: a file may be measured again.
        let end = try reader.list(limit: 1).first?.ended ?? unixMilliseconds()
        for one in cases(end) {
            var (times, used): ([Double], [Double]) = ([], [])
            var found = 0
            let before = one.depth > 0 ? Int64(Double(newest) * (1 - one.depth)) : nil
            for _ in 0..<repeats {
                let (began, cpu) = (ContinuousClock.now, processorTime())
                found = try reader.list(one.filter, before: before, limit: page).count
                times.append((ContinuousClock.now - began).milliseconds)
                used.append((processorTime() - cpu).milliseconds)
            }
            times.sort()
            used.sort()
            let most = one.filter.search == nil ? mostList : mostSearch
            let isSlow = times[repeats / 2] > most && !one.isHard
            if isSlow { isFine = false }
            print(line(one.name, times, used, found) + (isSlow ? "  TOO SLOW" : one.isHard ? "  (no bound)" : ""))
        }
        return isFine
    }

    private static func line(_ name: String, _ times: [Double], _ used: [Double], _ found: Int) -> String {
        func column(_ value: Double) -> String {
            let text = "\((value * 100).rounded() / 100)"
            return String(repeating: " ", count: max(1, 10 - text.count)) + text
        }
        return name + String(repeating: " ", count: max(1, 54 - name.count)) + column(times[times.count / 2])
            + column(times.last ?? 0) + column(used[used.count / 2]) + "   \(found) rows"
    }
}
