import LogModel
import RequestLog
import Testing

/// Pieces that many exchanges share are there as long as one of them is.
@Suite struct SharingTests {
    let folder = TemporaryFolder()

    @Test func whatIsLeftIsWhole() async throws {
        var limits = RequestLog.Limits()
        limits.maxEntries = 700
        let log = try RequestLog(path: folder.file, limits: limits, timing: .quick)
        let texts = (0..<60).map { place in
            random(4_000, seed: UInt64(place + 9)).map { String($0, radix: 16) }.joined()
        }
        var prune = RequestLog.Limits()
        prune.maxEntries = 90
        for number in 0..<6_000 {
            // Some are used all the time, some now and then, some never again.
            let text = number % 3 == 0 ? texts[number / 3 % 4] : texts[number * number / 100 % texts.count]
            log.submit(record("\(number)", body: "\(number) " + text + texts[number % 7]))
            if number % 1_000 == 999 {
                #expect(await log.settles())
                // Another connection, as `logs prune` is.
                if number % 2_000 == 1_999 { _ = try LogPruner.prune(path: folder.file, limits: prune) }
            }
        }
        #expect(await log.settles())
        await log.close()
        let reader = try LogReader(path: folder.file)
        let rows = try reader.list(limit: 10_000)
        #expect(rows.count >= 90)
        for row in rows {
            let number = Int(row.id) ?? 0
            let text = number % 3 == 0 ? texts[number / 3 % 4] : texts[number * number / 100 % texts.count]
            let body = try reader.bodies(of: row).first { $0.kind == .request }
            #expect(body?.bytes == bytes("\(number) " + text + texts[number % 7]))
        }
    }

    @Test func wordsAreFoundWhereTheyWereNew() async throws {
        var timing = RequestLog.Timing.quick
        timing.indexing = .milliseconds(5)
        let log = try RequestLog(path: folder.file, timing: timing)
        for number in 0..<300 {
            log.submit(
                record(
                    "\(number)", body: #"{"content":"about\\nwalrus\(number) and \(number % 2 == 0 ? "even" : "odd")"}"#
                ))
        }
        #expect(await log.settles())
        let reader = try LogReader(path: folder.file)
        var filter = LogFilter()
        filter.search = "walrus299"
        for _ in 0..<500 where try reader.list(filter, limit: 1).isEmpty {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try reader.list(filter, limit: 9).map(\.id) == ["299"])
        filter.search = "even walrus*"
        #expect(try reader.list(filter, limit: 3).map(\.id) == ["298", "296", "294"])
        #expect(try reader.list(filter, limit: 1_000).count == 150)
        #expect(try reader.list(filter, after: 0, limit: 2).map(\.id) == ["0", "2"])
        filter.search = "odd even"
        #expect(try reader.list(filter, limit: 3).isEmpty)
        filter.search = " \"( "
        #expect(throws: LogError.self) { try reader.list(filter, limit: 3) }
        await log.close()
    }

    @Test func bodiesOfManyPiecesAreCutAtTheirBound() {
        var body = RecordedBody()
        let large = [UInt8](repeating: 7, count: 5_000)
        body.append(bytes("ab"), limit: 100_000)
        body.append(bytes("cd"), limit: 100_000)
        body.append(large, limit: 100_000)
        body.append(bytes("ef"), limit: 100_000)
        #expect(body.bytes == bytes("abcd") + large + bytes("ef") && !body.isCut)
        body.append(large, limit: 6_000)
        #expect(body.kept == 6_000 && body.total == 10_006 && body.isCut && body.bytes.count == 6_000)
        body.forget()
        #expect(body.kept == 0 && body.total == 10_006 && body.bytes.isEmpty)
    }

    @Test func pricesAreForAMillionTokens() {
        var price = Price(model: "*")
        (price.input, price.output, price.cacheRead) = (2, 10, 0.5)
        var usage = ExchangeRecord.Usage()
        #expect(price.cost(of: usage) == nil)
        (usage.input, usage.output, usage.cacheRead) = (1_000_000, 100_000, 400_000)
        #expect(price.cost(of: usage) == 1.2 + 0.2 + 1)
        usage.cacheWrite = 100_000
        #expect(price.cost(of: usage) == 1.2 + 0.2 + 1)
    }
}
