import GRDB
import LogModel
import RequestLog
import Testing

@Suite struct RetentionTests {
    let folder = TemporaryFolder()

    private func counts() throws -> (rows: Int, bodies: Int, pieces: Int, contents: Int) {
        try inspect(folder.file) { db in
            func count(_ table: String) throws -> Int {
                try Int.fetchOne(db, sql: "SELECT count(*) FROM \(table)") ?? -1
            }
            return (try count("exchange"), try count("body"), try count("piece"), try count("content"))
        }
    }

    /// What the writer counts is what is there.
    private func checkTotals() throws {
        let (entries, size) = try LogReader(path: folder.file).totals()
        let sum = """
            SELECT (SELECT ifnull(sum(size), 0) FROM exchange) + (SELECT ifnull(sum(length(packed) + 80), 0) FROM content)
            """
        let orphans = "SELECT count(*) FROM piece WHERE id NOT IN (SELECT id FROM content)"
        let found = try ["SELECT count(*) FROM exchange", sum, orphans].map { sql in
            try inspect(folder.file) { db in try Int.fetchOne(db, sql: sql) }
        }
        #expect(found == [entries, size, 0])
    }

    @Test func theOldestGoWhenThereAreTooMany() async throws {
        var limits = RequestLog.Limits()
        limits.maxEntries = 50
        let log = try RequestLog(path: folder.file, limits: limits, timing: .quick)
        for number in 0..<200 { log.submit(record("\(number)")) }
        #expect(await log.waits { $0.written == 200 && $0.evicted == 150 })
        await log.close()
        #expect(try counts().rows == 50)
        try checkTotals()
        let reader = try LogReader(path: folder.file)
        let rows = try reader.list(limit: 100)
        #expect(rows.first?.id == "199" && rows.last?.id == "150")
        for row in rows { #expect(try reader.bodies(of: row).count == 4) }
    }

    @Test func bytesAreBoundedAndSharedPiecesLive() async throws {
        var limits = RequestLog.Limits()
        limits.maxBytes = 300_000
        let log = try RequestLog(path: folder.file, limits: limits, timing: .quick)
        let common = random(60_000, seed: 5).map { String($0, radix: 16) }.joined()
        for number in 0..<100 {
            let own = random(5_000, seed: UInt64(number + 77)).map { String($0, radix: 16) }.joined()
            log.submit(record("\(number)", body: common + own))
        }
        #expect(await log.settles())
        await log.close()
        let reader = try LogReader(path: folder.file)
        #expect(try reader.totals().bytes <= 300_000)
        let rows = try reader.list(limit: 1_000)
        #expect(rows.count > 5 && rows.count < 100)
        for row in rows {
            let body = try reader.bodies(of: row).first
            #expect(body?.bytes.starts(with: bytes(common)) == true && body?.isCut == false)
        }
        try checkTotals()
    }

    @Test func oldOnesGoAndLeaveNothing() async throws {
        let clock = ManualClock()
        var limits = RequestLog.Limits()
        limits.maxAgeDays = 2
        var timing = RequestLog.Timing.quick
        timing.sweep = .milliseconds(20)
        let log = try RequestLog(path: folder.file, limits: limits, timing: timing, clock: clock.now)
        for number in 0..<600 { log.submit(record("\(number)", began: clock.now())) }
        #expect(await log.settles())
        clock.advance(days: 1)
        log.submit(record("young", began: clock.now()))
        #expect(await log.settles())
        clock.advance(days: 1)
        #expect(await log.waits { $0.evicted == 0 })
        clock.advance(days: 2)
        #expect(await log.waits { $0.evicted == 601 })
        await log.close()
        let left = try counts()
        #expect(left == (0, 0, 0, 0))
        try checkTotals()
    }

    @Test func pruningWorksBesideARunningHost() async throws {
        let log = try RequestLog(path: folder.file, timing: .quick)
        for number in 0..<700 { log.submit(record("\(number)")) }
        #expect(await log.settles())
        var limits = RequestLog.Limits()
        limits.maxEntries = 10
        #expect(try LogPruner.prune(path: folder.file, limits: limits) == 690)
        log.submit(record("after"))
        #expect(await log.settles())
        #expect(try LogReader(path: folder.file).totals().entries == 11)
        await log.close()
        try checkTotals()
        #expect(throws: LogError.self) { try LogPruner.prune(path: folder.path + "/none", limits: limits) }
    }
}
