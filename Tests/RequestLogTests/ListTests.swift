import LogModel
import RequestLog
import Testing

/// Lists by indices against the same found by looking at every exchange.
@Suite struct ListTests {
    private static let count = 1_500
    let folder = TemporaryFolder()

    private struct Made {
        var sequence: Int64
        var record: ExchangeRecord
        var words: Set<String>
    }

    /// Uneven shares, so that some combinations are frequent, some rare and some never there.
    private func made(_ number: Int) -> Made {
        let parts = [2, 3, 5, 7, 11, 13, 17, 301].map { number % $0 }
        // A little out of order, as replies end.
        var entry = record("\(number)", began: Int64(number) * 100 + Int64(parts[3]) * 40)
        entry.model = parts[0] == 0 ? "even" : parts[7] == 1 ? "seldom" : "odd"
        entry.provider = parts[1] == 0 ? "third" : "other"
        entry.upstreamModel = parts[1] == 0 && parts[2] == 0 ? "fifteenth" : "usual"
        entry.dialect = parts[2] == 0 ? "anthropic.messages" : "openai.chat"
        entry.client = parts[3] == 0 ? "seventh" : parts[7] == 2 ? "rare" : "everyone"
        entry.profile = parts[4] == 0 ? "eleventh" : nil
        if parts[5] == 0 { (entry.outcome, entry.status) = (.failed, parts[0] == 0 ? 429 : 502) }
        if parts[5] == 1 { (entry.outcome, entry.status) = (.cancelled, 499) }
        if parts[6] == 0 { entry.notes = [.init(plugin: "p", kind: "names", count: 1, details: [])] }
        var words: Set = ["word", "number\(number)"]
        if parts[0] == 0 { words.insert("even") }
        if parts[7] == 3 { words.insert("seldom") }
        entry.request = RecordedBody()
        entry.request.append(
            Array(#"{"messages":[{"content":"\#(words.sorted().joined(separator: " "))"}]}"#.utf8), limit: 1 << 20)
        return Made(sequence: Int64(number + 1), record: entry, words: words)
    }

    private func fits(_ made: Made, _ filter: LogFilter) -> Bool {
        let (one, ended) = (made.record, made.record.began + made.record.duration)
        let equal: [(String?, String?)] = [
            (filter.model, one.model), (filter.provider, one.provider), (filter.upstreamModel, one.upstreamModel),
            (filter.dialect, one.dialect), (filter.client, one.client), (filter.profile, one.profile),
            (filter.outcome, one.outcome.rawValue),
        ]
        return equal.allSatisfy { $0.0 == nil || $0.0 == $0.1 } && (filter.status ?? one.status) == one.status
            && (filter.statusClass ?? one.status / 100) == one.status / 100 && (filter.since ?? ended) <= ended
            && ended < (filter.until ?? .max) && (!filter.hasError || one.outcome != .ok)
            && (!filter.hasRepair || !one.notes.isEmpty)
            && (filter.search ?? "").split(separator: " ").allSatisfy { made.words.contains(String($0)) }
    }

    /// A filter of some conditions, by a number.
    private func filter(_ seed: Int) -> LogFilter {
        var chance = SplitMix(state: UInt64(seed))
        func some<Value>(_ values: [Value], _ chance: inout SplitMix) -> Value? {
            chance.below(4) == 0 ? values[chance.below(values.count)] : nil
        }
        var filter = LogFilter()
        filter.model = some(["even", "odd", "seldom", "none"], &chance)
        filter.provider = some(["third", "other"], &chance)
        filter.upstreamModel = some(["fifteenth", "usual"], &chance)
        filter.dialect = some(["anthropic.messages", "openai.chat", "none"], &chance)
        filter.client = some(["seventh", "everyone", "rare", "none"], &chance)
        filter.profile = some(["eleventh", "none"], &chance)
        filter.status = some([200, 429, 502, 404], &chance)
        filter.statusClass = some([2, 3, 4, 5], &chance)
        filter.outcome = some(["ok", "failed", "cancelled"], &chance)
        filter.since = some([0, 20_000, 75_000, 149_000, 900_000], &chance)
        filter.until = some([0, 30_000, 80_000, 149_500, 900_000], &chance)
        filter.hasError = chance.below(8) == 0
        filter.hasRepair = chance.below(8) == 0
        filter.search = some(["word", "even", "seldom", "even word", "number77", "nowhere"], &chance)
        return filter
    }

    @Test func everyFilterFindsWhatIsThere() async throws {
        let log = try RequestLog(path: folder.file, timing: .quick, clock: { 60_000 })
        let all = (0..<Self.count).map(made)
        for one in all {
            log.submit(one.record)
            while log.stats.pending > 500 { try await Task.sleep(for: .milliseconds(2)) }
        }
        #expect(await log.settles())
        let reader = try LogReader(path: folder.file)
        let end = ContinuousClock.now + .seconds(60)
        while try reader.indexed() < Self.count, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try reader.indexed() == Self.count)
        for seed in 0..<600 {
            let filter = filter(seed)
            let expected = all.filter { fits($0, filter) }.map(\.sequence)
            #expect(try pages(reader, filter, isDescending: true, size: 40) == expected.reversed(), "\(filter)")
            #expect(try pages(reader, filter, isDescending: false, size: 333) == expected, "\(filter)")
        }
        await log.close()
    }

    /// All pages together.
    private func pages(
        _ reader: LogReader, _ filter: LogFilter, isDescending: Bool, size: Int
    ) throws -> [Int64] {
        var found: [Int64] = []
        while true {
            let rows =
                isDescending
                ? try reader.list(filter, before: found.last, limit: size)
                : try reader.list(filter, after: found.last ?? 0, limit: size)
            found += rows.map(\.sequence)
            if rows.count < size { return found }
        }
    }

    @Test func edgesOfPages() async throws {
        let log = try RequestLog(path: folder.file, timing: .quick, clock: { 60_000 })
        for number in 0..<3 { log.submit(made(number).record) }
        #expect(await log.settles())
        let reader = try LogReader(path: folder.file)
        for before in [Int64.min, -1, 0, 1] { #expect(try reader.list(before: before, limit: 5).isEmpty) }
        #expect(try reader.list(before: .max, limit: 5).count == 3)
        #expect(try reader.list(after: .max, limit: 5).isEmpty)
        #expect(try reader.list(after: -5, limit: 5).map(\.sequence) == [1, 2, 3])
        #expect(try reader.list(limit: 0).isEmpty)
        var filter = LogFilter()
        (filter.outcome, filter.hasError) = ("ok", true)
        #expect(try reader.list(filter, limit: 5).isEmpty)
        await log.close()
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
