import LogModel
import RequestLog
import Testing

/// What happens to a spool behind its host's back.
@Suite struct SpoolHarmTests {
    let folder = TemporaryFolder()
    let warnings = Warnings()

    private var spool: String { folder.file + "-spool" }

    private func open(_ file: String? = nil, blobs: String? = nil, calm: Duration = .seconds(3_600)) throws
        -> RequestLog
    {
        var limits = RequestLog.Limits()
        (limits.queueEntries, limits.queueBytes, limits.spoolFolder) = (100_000, 512 << 20, blobs)
        var timing = RequestLog.Timing.quick
        (timing.batch, timing.calm, timing.closing) = (.seconds(1), calm, .zero)
        return try RequestLog(path: file ?? folder.file, limits: limits, timing: timing, onWarning: warnings.sink)
    }

    /// A log that ended in a rush.
    private func leaveRush(_ file: String? = nil, blobs: String? = nil, from first: Int = 0) async throws {
        let log = try open(file, blobs: blobs)
        for number in first..<(first + 1_500) { log.submit(record("r\(number)")) }
        #expect(await log.settles())
        await log.close()
    }

    private func count(_ file: String? = nil) throws -> Int {
        try LogReader(path: file ?? folder.file).list(limit: 100_000).count
    }

    private func shell(_ command: String) { #expect(run("sh", "-c", command) == 0) }

    @Test func anotherDatabaseTakesNothing() async throws {
        let (blobs, other) = (folder.path + "/blobs", folder.path + "/other.db")
        await (try open(other)).close()
        try await leaveRush(blobs: blobs)
        #expect(SpoolTakeOver.run(path: other, folder: blobs)?.contains("another database") == true)
        #expect(try count(other) == 0)
        #expect(SpoolTakeOver.run(path: folder.file, folder: blobs) == nil)
        #expect(try count() == 1_500)
    }

    @Test func anotherDatabaseInItsPlaceTakesNothingAndSaysSo() async throws {
        let log = try open()
        log.submit(record("old"))
        await log.close()
        shell("mkdir \(folder.path)/copy && mv \(folder.file)* \(folder.path)/copy")
        try await leaveRush()
        shell("mv \(folder.file) \(folder.path)/later.db && rm -f \(folder.file)-wal \(folder.file)-shm")
        shell("cp \(folder.path)/copy/logs.db \(folder.file)")
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil)?.contains("another database") == true)
        #expect(try count() == 1)
        shell("mv \(folder.path)/later.db \(folder.file)")
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        #expect(try count() == 1_500)
    }

    @Test func aNewDatabaseTakesWhatTheLostOneLeft() async throws {
        try await leaveRush()
        shell("rm -f \(folder.file) \(folder.file)-wal \(folder.file)-shm")
        let log = try open(calm: .milliseconds(20))
        log.submit(record("new"))
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 })
        await log.close()
        #expect(try count() == 1_501)
    }

    @Test func aFileThatCannotBeReadIsPutAside() async throws {
        try await leaveRush()
        shell("cd \(spool) && f=$(ls *.frames) && rm $f && mkdir $f")
        let log = try open(calm: .milliseconds(20))
        log.submit(record("new"))
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 && $0.written >= 1 })
        await log.close()
        #expect(try count() == 1)
        #expect(warnings.all.contains { $0.contains("put aside") })
        #expect(run("sh", "-c", "ls \(spool) | grep -q frames.bad") == 0)
    }

    @Test func aLinkToNowhereDoesNotHoldUpTheCommands() async throws {
        try await leaveRush()
        shell("cd \(spool) && f=$(ls *.frames) && mv $f ../kept && ln -s /nonexistent/x $f")
        let began = ContinuousClock.now
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) != nil)
        #expect(ContinuousClock.now - began < .seconds(10))
    }

    @Test func whatIsTakenAwayIsTold() async throws {
        let log = try open()
        for number in 0..<1_500 { log.submit(record("r\(number)")) }
        #expect(await log.settles())
        #expect(log.stats.spoolBytes > 0)
        shell("rm -rf \(spool)")
        // Goes the same way, and the rush is over.
        log.submit(record("last"))
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 })
        log.submit(record("new"))
        #expect(await log.settles())
        await log.close()
        #expect(try LogReader(path: folder.file).find("new") != nil)
        #expect(warnings.all.contains { $0.contains("lost") })
    }

    @Test func aHostBesideTakesOverWhatTheOtherLeft() async throws {
        let first = try open()
        for number in 0..<1_500 { first.submit(record("r\(number)")) }
        #expect(await first.waits { $0.spoolBytes > 0 })
        let second = try open(calm: .milliseconds(20))
        second.submit(record("a"))
        #expect(await second.settles())
        #expect(try count() == 1)
        await first.close()
        second.submit(record("b"))
        #expect(await second.waits { $0.pending == 0 && $0.spoolBytes == 0 && $0.written == 2 })
        await second.close()
        #expect(try count() == 1_502)
    }

    @Test func nothingIsPackedInARush() async throws {
        let log = try open()
        for number in 0..<6_000 { log.submit(record("r\(number)")) }
        #expect(await log.settles())
        #expect(try count() == 0)
        await log.close()
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        #expect(try count() == 6_000)
    }

    @Test func wordsAreFoundAfterAllHasGone() async throws {
        let log = try open()
        for number in 0..<3 { log.submit(record("old\(number)", body: "{\"content\":\"before \(number)\"}")) }
        #expect(await log.settles())
        try await indexed()
        var limits = RequestLog.Limits()
        limits.maxBytes = 1
        #expect(try LogPruner.prune(path: folder.file, limits: limits) == 3)
        for number in 0..<20 { log.submit(record("new\(number)", body: "{\"content\":\"fresh word\(number)\"}")) }
        #expect(await log.settles())
        try await indexed()
        await log.close()
        for number in 0..<20 {
            var filter = LogFilter()
            filter.search = "word\(number)"
            #expect(try LogReader(path: folder.file).list(filter, limit: 10).map(\.id) == ["new\(number)"])
        }
    }

    private func indexed() async throws {
        for _ in 0..<1_000 {
            let reader = try LogReader(path: folder.file)
            if try reader.indexed() >= reader.newest() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record("the index did not follow")
    }
}
