import GRDB
import LogModel
import RequestLog
import Testing

/// The sums that the dashboard's charts are drawn from.
@Suite struct RollupTests {
    let folder = TemporaryFolder()
    /// A whole hour.
    private static let start: Int64 = 1_800_000_000_000 / 3_600_000 * 3_600_000

    private func entry(_ number: Int, at time: Int64, model: String = "m", provider: String = "p") -> ExchangeRecord {
        var entry = record("\(number)", began: time)
        (entry.duration, entry.firstToken, entry.isStream) = (1_000, 200, true)
        (entry.model, entry.provider, entry.upstreamModel, entry.client) = (model, provider, "u", "alice")
        (entry.usage.input, entry.usage.output, entry.usage.cacheRead) = (100, 80, 40)
        entry.usage.cost = 0.5
        return entry
    }

    private func fill(_ entries: [ExchangeRecord]) async throws -> LogReader {
        let log = try RequestLog(path: folder.file, timing: .quick, clock: { Self.start })
        for entry in entries { log.submit(entry) }
        _ = await log.settles()
        await log.close()
        return try LogReader(path: folder.file)
    }

    @Test func sumsAreOfTheExchangesOfTheirStep() async throws {
        var entries = (0..<60).map { entry($0, at: Self.start + Int64($0) * 30_000) }
        entries[1].outcome = .failed
        entries[2].outcome = .cancelled
        entries[3].notes = [.init(plugin: "p", kind: "names", count: 2, details: [])]
        entries[4].notes = [.init(plugin: "p", kind: "dropped", count: 2, details: [])]
        let reader = try await fill(entries)
        let overview = try reader.overview(OverviewQuery(since: Self.start, until: Self.start + 3_600_000))
        #expect(overview.step == 60 && overview.series.count == 1 && !overview.isTruncated)
        let points = try #require(overview.series.first).points
        #expect(points.count == 30)
        #expect(points.map(\.ok).reduce(0, +) == 58)
        #expect(points.map(\.failed).reduce(0, +) == 1)
        #expect(points.map(\.cancelled).reduce(0, +) == 1)
        #expect(points.map(\.repaired).reduce(0, +) == 1)
        #expect(points.map(\.input).reduce(0, +) == 6_000)
        #expect(points.map(\.cacheRead).reduce(0, +) == 2_400)
        #expect(points.map(\.cost).reduce(0, +) == 30)
        let place = RollupScale.place(of: 200)
        #expect(points.map { $0.firstToken[place] ?? 0 }.reduce(0, +) == 60)
        #expect(points.map { $0.latency[RollupScale.place(of: 1_000)] ?? 0 }.reduce(0, +) == 58)
        // 80 tokens in 800 ms.
        #expect(points.map { $0.rate[RollupScale.place(of: 100)] ?? 0 }.reduce(0, +) == 58)
    }

    @Test func timesAtTheEndsOfTheNumbersAreTimes() async throws {
        let reader = try await fill([entry(0, at: Self.start)])
        for (since, until, count) in [
            (Int64.max - 10, Int64.max, 0), (0, .max, 1), (.min, .max, 1), (.min, .min + 1, 0),
        ] {
            let overview = try reader.overview(OverviewQuery(since: since, until: until))
            #expect(overview.series.flatMap(\.points).map(\.ok).reduce(0, +) == count, "\(since) to \(until)")
        }
    }

    @Test func costsThatMakeNoSenseLeaveSumsNumbers() async throws {
        var entries = (0..<4).map { entry($0, at: Self.start) }
        (entries[0].usage.cost, entries[1].usage.cost) = (1.7e308, 1.7e308)
        entries[2].usage.cost = -5
        let reader = try await fill(entries)
        let overview = try reader.overview(OverviewQuery(since: Self.start, until: Self.start + 3_600_000))
        #expect(overview.series.flatMap(\.points).map(\.cost) == [2e9 + 0.5])
    }

    @Test func aLongSpanHasHoursAndTheSameSums() async throws {
        let reader = try await fill((0..<50).map { entry($0, at: Self.start - Int64($0) * 3_600_000) })
        let overview = try reader.overview(
            OverviewQuery(since: Self.start - 13 * 86_400_000, until: Self.start + 3_600_000))
        #expect(overview.step == 3_600)
        #expect(overview.series.flatMap(\.points).map(\.ok).reduce(0, +) == 50)
        #expect(overview.series.flatMap(\.points).count == 50)
    }

    @Test func modelsAndRoutesAreToldApart() async throws {
        var entries = (0..<10).map {
            entry($0, at: Self.start, model: $0 < 6 ? "a" : "b", provider: $0 < 3 ? "p" : "q")
        }
        // What was not found has no name here: clients could make up any number of them.
        for number in 0..<20 {
            var lost = entry(100 + number, at: Self.start, model: "made-up-\(number)", provider: "")
            lost.outcome = .failed
            entries.append(lost)
        }
        let reader = try await fill(entries)
        var query = OverviewQuery(since: Self.start, until: Self.start + 60_000)
        #expect(try reader.overview(query).series.map(\.model).sorted() == ["", "a", "a", "b"])
        query.model = "a"
        query.provider = "q"
        let one = try reader.overview(query)
        #expect(one.series.flatMap(\.points).map(\.ok) == [3])
        let facets = try reader.facets(now: Self.start)
        #expect(facets.models.sorted() == ["a", "b"] && facets.providers.sorted() == ["p", "q"])
        #expect(facets.clients == ["alice"] && facets.routes.count == 2)
    }

    @Test func manySeriesAreBounded() async throws {
        let reader = try await fill((0..<1_100).map { entry($0, at: Self.start, model: "m\($0)") })
        let overview = try reader.overview(OverviewQuery(since: Self.start, until: Self.start + 60_000))
        #expect(overview.series.count == Overview.maxSeries + 1 && overview.isTruncated)
        #expect(overview.series.flatMap(\.points).map(\.ok).reduce(0, +) == 1_100)
        let database = try DatabaseQueue(path: folder.file)
        let series = try await database.read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM rollup_series") }
        #expect(series == 1_001)
    }

    @Test func placesHoldTheirValues() {
        let bounds = RollupScale.bounds
        for value in [0, 1, 2, 7, 99, 1_000, 12_345, 3_599_999, 10_000_000] as [Int64] {
            let place = RollupScale.place(of: value)
            #expect(bounds[place] <= value)
            #expect(place + 1 == bounds.count || value < bounds[place + 1])
        }
        #expect(RollupScale.place(of: -5) == 0)
        #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 && ($0 < 8 || $1 * 100 <= $0 * 126) })
    }

    @Test func clientsRoutesAndClassesCanBeFilteredBy() async throws {
        var entries = (0..<6).map { entry($0, at: Self.start) }
        entries[0].client = "bob"
        entries[1].upstreamModel = "v"
        (entries[2].status, entries[2].outcome) = (429, .failed)
        let reader = try await fill(entries)
        var filter = LogFilter()
        filter.client = "bob"
        #expect(try reader.list(filter, limit: 10).map(\.id) == ["0"])
        filter = LogFilter()
        filter.upstreamModel = "v"
        #expect(try reader.list(filter, limit: 10).map(\.id) == ["1"])
        filter = LogFilter()
        filter.statusClass = 4
        #expect(try reader.list(filter, limit: 10).map(\.id) == ["2"])
        filter = LogFilter()
        filter.outcome = "failed"
        #expect(try reader.list(filter, limit: 10).map(\.id) == ["2"])
    }

    @Test func oneBodyIsReadAlone() async throws {
        var entry = entry(1, at: Self.start)
        (entry.request, entry.reply, entry.attempts) = (RecordedBody(), RecordedBody(), [])
        entry.request.append(Array("request".utf8), limit: 100)
        entry.reply.append(Array("reply is cut".utf8), limit: 5)
        let reader = try await fill([entry])
        let row = try #require(try reader.find("1"))
        let notes = try reader.bodyNotes(of: row)
        #expect(notes.map(\.kind) == ["request", "reply"] && notes.map(\.total) == [7, 12])
        #expect(try reader.bytes(of: notes[1], in: row) == Array("reply".utf8))
        #expect(try reader.oldest() == row.sequence)
    }
}
