import GRDB
import LogModel
import RequestLog
import Testing

@Suite struct KeepingTests {
    let folder = TemporaryFolder()
    let warnings = Warnings()

    private func open(_ limits: RequestLog.Limits = .init()) throws -> RequestLog {
        try RequestLog(path: folder.file, limits: limits, timing: .quick, onWarning: warnings.sink)
    }

    @Test func everythingOfAnExchangeComesBack() async throws {
        let log = try open()
        var full = record("req_1", began: 1_800_000_000_000)
        full.profile = "work"
        full.firstByte = 4
        full.isStream = true
        full.outcome = .failed
        full.status = 502
        full.failure = .init(category: "upstream", message: "it \"broke\"\n", code: "bad")
        full.usage.input = 10
        full.usage.cacheRead = 6
        full.notes = [.init(plugin: "kimi-k2", kind: "names", count: 2, details: ["a is b"])]
        full.dropped = [.init(path: "seed", reason: "no equivalent")]
        log.submit(full)
        await log.close()
        let reader = try LogReader(path: folder.file)
        let row = try #require(try reader.find("req_1"))
        #expect(row.ended == 1_800_000_000_012 && row.status == 502 && row.outcome == "failed" && row.repairs == 2)
        #expect(row.input == 10 && row.output == nil)
        #expect(row.json.hasPrefix(#"{"sequence":1,"id":"req_1","began":1800000000000,"#))
        for part in [
            #""profile":"work""#, #""first_byte_ms":4"#, #""message":"it \"broke\"\n""#, #""cache_read":6"#,
            #""kind":"names","count":2,"details":["a is b"]"#, #""path":"seed""#, #""arrivals":[3,4,5,5]"#,
            #""request_bytes":28"#,
        ] {
            #expect(row.json.contains(part), "\(part) in \(row.json)")
        }
        let bodies = try reader.bodies(of: row)
        #expect(bodies.map(\.kind) == [.request, .reply, .upstreamRequest, .upstreamReply])
        #expect(
            bodies.map { String(decoding: $0.bytes, as: UTF8.self) } == [
                #"{"model":"kimi","n":"req_1"}"#, "reply to req_1", #"{"up":"req_1"}"#, "raw req_1",
            ])
        #expect(try reader.find("req_2") == nil)
        #expect(mode(of: folder.file) == 0o600)
        #expect(warnings.all == [])
    }

    @Test func aLongBodyIsCutAndItsLengthKept() async throws {
        let log = try open()
        var long = record("a")
        long.request = RecordedBody()
        long.request.append(random(300_000, seed: 3), limit: 200_000)
        long.request.append([1, 2, 3], limit: 200_000)
        log.submit(long)
        await log.close()
        let reader = try LogReader(path: folder.file)
        let row = try #require(try reader.find("a"))
        let body = try #require(try reader.bodies(of: row).first)
        #expect(body.total == 300_003 && body.isCut)
        #expect(body.bytes == Array(random(300_000, seed: 3).prefix(200_000)))
        #expect(row.json.contains(#""request_bytes":300003,"request_kept":200000"#))
        #expect(row.json(with: [body]).contains(#""total":300003,"base64":""#))
    }

    @Test func turnsOfAConversationShareTheirPieces() async throws {
        let log = try open()
        var text = "{\"model\":\"kimi\",\"messages\":["
        var whole = 0
        for turn in 0..<200 {
            // Words that do not compress away: what is measured is the sharing.
            text +=
                "{\"role\":\"user\",\"content\":\"\(random(700, seed: UInt64(turn + 9)).map { String($0, radix: 16) }.joined())\"},"
            let body = text + "{}]}"
            whole += body.utf8.count
            log.submit(record("turn-\(turn)", body: body))
            if turn % 50 == 0 { #expect(await log.settles()) }
        }
        await log.close()
        let reader = try LogReader(path: folder.file)
        #expect(try reader.totals().bytes * 10 <= whole)
        let row = try #require(try reader.find("turn-199"))
        #expect(try reader.bodies(of: row).first?.bytes == bytes(text + "{}]}"))
        #expect(log.stats.dropped == 0)
    }

    @Test func aFullQueueDropsAndCounts() async throws {
        var limits = RequestLog.Limits()
        limits.queueEntries = 4
        var timing = RequestLog.Timing()
        timing.batch = .seconds(1)
        let log = try RequestLog(path: folder.file, limits: limits, timing: timing, onWarning: warnings.sink)
        let start = ContinuousClock.now
        for number in 0..<10 { log.submit(record("\(number)")) }
        #expect(ContinuousClock.now - start < .milliseconds(900))
        #expect(log.stats.pending == 4 && log.stats.dropped == 6)
        #expect(warnings.all.count == 1)
        await log.close()
        log.submit(record("late"))
        #expect(
            log.stats.written == 4 && log.stats.pending == 0 && log.stats.pendingBytes == 0 && log.stats.dropped == 7)
        #expect(try LogReader(path: folder.file).list(limit: 100).map(\.id) == ["3", "2", "1", "0"])
    }

    @Test func tenThousandExchangesOfFourKilobytes() async throws {
        let log = try open()
        let start = ContinuousClock.now
        for number in 0..<10_000 {
            log.submit(record("\(number)", body: String(repeating: "word \(number) ", count: 4_096 / 10)))
            if number % 100 == 0 { while log.stats.pending > 2_000 { try await Task.sleep(for: .milliseconds(1)) } }
        }
        #expect(await log.settles())
        print("request log: 10000 exchanges in \(ContinuousClock.now - start)")
        #expect(log.stats.written == 10_000 && log.stats.dropped == 0)
        await log.close()
    }
}
