import GRDB
import LogModel
import RequestLog
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

@Suite struct SpoolTests {
    let folder = TemporaryFolder()
    let warnings = Warnings()

    private var spool: String { folder.file + "-spool" }

    private func open(
        spoolBytes: Int = 1 << 30, queueBytes: Int = 512 << 20, packs: Bool = true, redaction: Redaction? = nil
    ) throws -> RequestLog {
        var limits = RequestLog.Limits()
        (limits.queueEntries, limits.queueBytes, limits.spoolBytes) = (100_000, queueBytes, spoolBytes)
        var timing = RequestLog.Timing.quick
        // Long enough for a rush to be one.
        timing.batch = packs ? .milliseconds(50) : .seconds(2)
        timing.calm = packs ? .milliseconds(50) : .seconds(3_600)
        timing.closing = packs ? .seconds(60) : .zero
        return try RequestLog(
            path: folder.file, limits: limits, redaction: redaction, timing: timing, onWarning: warnings.sink)
    }

    /// A log that was killed in a rush: everything is in the spool, nothing in the database.
    private func leaveRush(_ count: Int, padding: Int = 0) async throws {
        let log = try open(packs: false)
        for number in 0..<count { log.submit(Self.entry(number, padding: padding)) }
        #expect(await log.settles())
        await log.close()
        #expect(try inspect(folder.file) { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM exchange") } == 0)
        #expect(segments.count >= 1)
    }

    private static func entry(_ number: Int, padding: Int = 0) -> ExchangeRecord {
        record("r\(number)", body: "{\"n\":\(number),\"p\":\"\(String(repeating: "x", count: padding))\"}")
    }

    private static func letters(_ count: Int, seed: UInt64) -> [UInt8] {
        random(count, seed: seed).map { 0x61 + $0 % 26 }
    }

    private var segments: [String] {
        guard let stream = popen("ls \(spool) 2>/dev/null", "r") else { return [] }
        defer { pclose(stream) }
        var line = [CChar](repeating: 0, count: 256)
        var names: [String] = []
        while fgets(&line, Int32(line.count), stream) != nil {
            let name = String(
                decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if name.hasSuffix(".frames") { names.append(spool + "/" + name) }
        }
        return names
    }

    private func checkAll(_ count: Int) throws {
        let reader = try LogReader(path: folder.file)
        let rows = try reader.list(limit: count + 10)
        #expect(rows.map(\.id) == (0..<count).reversed().map { "r\($0)" })
        for row in [rows.first, rows.last].compactMap(\.self) {
            let bodies = try reader.bodies(of: row)
            #expect(bodies.count == 4)
            #expect(String(decoding: bodies[1].bytes, as: UTF8.self) == "reply to \(row.id)")
        }
    }

    @Test func aRushGoesThroughTheSpoolInOrderAndLeavesNothing() async throws {
        let log = try open()
        var spooled = 0
        for number in 0..<6_000 {
            log.submit(Self.entry(number, padding: 1_000))
            if number % 100 == 0 {
                spooled = max(spooled, log.stats.spoolBytes)
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 && $0.written == 6_000 })
        #expect(spooled > 0)
        log.submit(Self.entry(6_000))
        await log.close()
        #expect(segments == [])
        try checkAll(6_001)
        #expect(warnings.all == [])
    }

    @Test func aSlowStreamMakesNoSpool() async throws {
        let log = try open()
        for number in 0..<40 {
            log.submit(Self.entry(number))
            try await Task.sleep(for: .milliseconds(2))
        }
        await log.close()
        #expect(access(spool, F_OK) != 0)
        try checkAll(40)
    }

    @Test func whatARushLeftIsTakenOverByTheNextStart() async throws {
        try await leaveRush(3_000)
        let log = try open()
        log.submit(Self.entry(3_000))
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 })
        await log.close()
        #expect(segments == [])
        try checkAll(3_001)
    }

    @Test func whatARushLeftIsSeenByAReaderOnce() async throws {
        try await leaveRush(2_500)
        #expect(mode(of: try #require(segments.first)) == 0o600 && mode(of: spool) == 0o700)
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        try checkAll(2_500)
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        try checkAll(2_500)
        let log = try open()
        log.submit(Self.entry(2_500))
        await log.close()
        try checkAll(2_501)
    }

    @Test func aReaderTakesOverBesideTheHost() async throws {
        let log = try open(packs: false)
        for number in 0..<2_000 { log.submit(Self.entry(number)) }
        #expect(await log.settles())
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        try checkAll(2_000)
        for number in 2_000..<2_500 { log.submit(Self.entry(number)) }
        #expect(await log.settles())
        await log.close()
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        try checkAll(2_500)
    }

    @Test func aTornEndLosesOnlyItself() async throws {
        try await leaveRush(1_500)
        let last = try #require(segments.last)
        var info = stat()
        stat(last, &info)
        truncate(last, info.st_size - 10)
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        try checkAll(1_499)
        let log = try open()
        log.submit(record("r1499"))
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 })
        await log.close()
        try checkAll(1_500)
    }

    @Test(arguments: 0..<8) func damagedBytesAreNoHarm(seed: Int) async throws {
        try await leaveRush(1_200, padding: 50)
        let file = try #require(segments.first)
        var info = stat()
        stat(file, &info)
        let noise = random(128, seed: UInt64(seed) * 77 + 5)
        for place in 0..<16 {
            let offset = Int(noise[place * 2]) * 7_919 + Int(noise[place * 2 + 1]) * 104_729
            overwrite(file, at: offset % Int(info.st_size), with: Array(noise[64 + place..<68 + place]))
        }
        _ = SpoolTakeOver.run(path: folder.file, folder: nil)
        let rows = try LogReader(path: folder.file).list(limit: 2_000)
        #expect(rows.count <= 1_200)
        let log = try open()
        log.submit(record("new"))
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 })
        await log.close()
        #expect(try LogReader(path: folder.file).find("new") != nil)
    }

    @Test func aFullSpoolSlowsTheWriterAndLosesNothing() async throws {
        let log = try open(spoolBytes: 300_000)
        for number in 0..<3_000 { log.submit(Self.entry(number, padding: 500)) }
        #expect(await log.waits { $0.pending == 0 && $0.spoolBytes == 0 })
        #expect(log.stats.dropped == 0)
        await log.close()
        try checkAll(3_000)
    }

    @Test func withoutASpoolEverythingIsPackedAtOnce() async throws {
        let log = try open(spoolBytes: 0)
        for number in 0..<2_000 { log.submit(Self.entry(number)) }
        #expect(await log.settles())
        await log.close()
        #expect(access(spool, F_OK) != 0)
        try checkAll(2_000)
    }

    @Test func aSecondHostWorksWithoutOne() async throws {
        let first = try open(packs: false)
        for number in 0..<1_000 { first.submit(Self.entry(number)) }
        #expect(await first.settles())
        let second = try open()
        for number in 0..<1_000 { second.submit(record("s\(number)")) }
        #expect(await second.settles())
        await second.close()
        await first.close()
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        #expect(try LogReader(path: folder.file).list(limit: 5_000).count == 2_000)
        #expect(warnings.all.contains { $0.contains("no spool") })
    }

    @Test func noSecretIsInTheSpool() async throws {
        let redaction = try Redaction(patterns: ["sk-[A-Za-z0-9]{8,}"])
        let (before, after) = (Self.letters(100_000, seed: 4), Self.letters(90_000, seed: 5))
        for (place, redaction) in [nil, redaction].enumerated() {
            let log = try open(packs: false, redaction: redaction)
            for number in 0..<400 {
                var entry = Self.entry(number + 400 * place)
                entry.model = "PLANTED-ONE"
                entry.failure = .init(category: "auth", message: "bad key PLANTED-ONE", code: nil)
                entry.attempts[0].url = "https://user:PLANTED-TWO@up/?key=PLANTED-THREE"
                entry.attempts[0].headers = [.init(name: "Authorization", value: "Bearer PLANTED-FOUR")]
                entry.attempts[0].answer = bytes("HTTP/1.1 200 OK\r\nSet-Cookie: PLANTED-FIVE\r\nA: b\r\n\r\n")
                // In a body that is told by what it does not share with the request's, across the border.
                if number == 0 {
                    entry.request = RecordedBody(before + bytes("PLANTED-") + bytes("none") + after, total: 0)
                    entry.attempts[0].request = RecordedBody(before + bytes("PLANTED-ONE") + after, total: 0)
                }
                if redaction != nil { entry.reply = RecordedBody(bytes("a sk-PLANTEDSIX1 b"), total: 0) }
                entry.mask = WordMask(word: "PLANTED-ONE")
                log.submit(entry)
            }
            #expect(await log.settles())
            #expect(segments != [])
            for word in ["PLANTED-O", "PLANTED-TWO", "PLANTED-THREE", "PLANTED-FOUR", "PLANTED-FIVE", "PLANTEDSIX"] {
                #expect(run("grep", "-rqa", word, folder.path) == 1, "\(word)")
            }
            await log.close()
        }
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        let reader = try LogReader(path: folder.file)
        let row = try #require(try reader.find("r0"))
        let all = row.json(with: try reader.bodies(of: row))
        #expect(row.model == "***" && all.contains("bad key ***") && !all.contains("PLANTED-ONE"))
        let body = try #require(try reader.bodies(of: row).first { $0.kind == .upstreamRequest })
        #expect(body.bytes == before + bytes("***") + after && !body.isCut)
    }

    @Test func everyMemberComesBack() async throws {
        var full = record("all", began: 1_800_000_000_000)
        (full.firstByte, full.firstToken, full.overhead, full.client) = (4, 5, 777, "me")
        full.plugins = [.init(name: "a", id: "b", version: "c", sha256: "d")]
        (full.profile, full.isStream, full.isNative, full.outcome) = ("work", true, true, .cancelled)
        full.status = 499
        full.failure = .init(category: "upstream", message: "it \"broke\"\n", code: "bad")
        full.usage.input = 10
        (full.usage.output, full.usage.cacheRead, full.usage.cacheWrite, full.usage.reasoning) = (9, 8, 7, 6)
        (full.usage.cost, full.usage.isPriced, full.finish) = (0.125, true, "stop")
        full.notes = [.init(plugin: "kimi-k2", kind: "names", count: 2, details: ["a is b"])]
        full.dropped = [.init(path: "seed", reason: "no equivalent")]
        full.request = RecordedBody(bytes("cut"), total: 1_000)
        full.attempts[0].head = 3
        full.attempts[0].end = 9
        full.attempts[0].broke = "reset"
        full.attempts[0].failure = .init(category: "timeout", message: "late", code: nil)
        full.attempts[0].rejected = "no call"
        full.attempts[0].isNative = true
        full.attempts[0].isStream = true
        full.attempts[0].changes = [.init(plugin: "t", isWhole: true, body: RecordedBody(bytes("{}"), total: 0))]
        full.attempts[0].answer = bytes("HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n")
        var texts: [String] = []
        for packs in [true, false] {
            let log = try open(packs: packs)
            log.submit(full)
            if !packs { for number in 0..<400 { log.submit(Self.entry(number)) } }
            #expect(await log.settles())
            await log.close()
            #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
            let reader = try LogReader(path: folder.file)
            let row = try #require(try reader.find("all"))
            texts.append(String(row.json(with: try reader.bodies(of: row)).drop { $0 != "," }))
        }
        #expect(texts[0] == texts[1])
        for part in [
            "reset", "late", "no call", "cost_by", "work", "me", "777", "x-a", "replace", "x-a\",\"value\":\"b",
        ] {
            #expect(texts[0].lowercased().contains(part), "\(part) in \(texts[0])")
        }
    }
}
