import LogModel
import RequestLog
import Testing

/// Bodies that the spool tells by what they share.
@Suite struct SpoolSharingTests {
    let folder = TemporaryFolder()

    private var spool: String { folder.file + "-spool" }

    private func open() throws -> RequestLog {
        var limits = RequestLog.Limits()
        (limits.queueEntries, limits.queueBytes) = (100_000, 512 << 20)
        var timing = RequestLog.Timing.quick
        // All is one rush, however slow the machine is.
        (timing.batch, timing.calm, timing.closing) = (.seconds(3_600), .seconds(3_600), .zero)
        return try RequestLog(path: folder.file, limits: limits, timing: timing)
    }

    private static func letters(_ count: Int, seed: UInt64) -> [UInt8] {
        random(count, seed: seed).map { 0x61 + $0 % 26 }
    }

    /// Every way in which one body may resemble another, small and large.
    private static func variants(of base: [UInt8], _ number: Int) -> [UInt8] {
        let (half, mark) = (base.count / 2, Array("<\(number)>".utf8))
        return switch number % 9 {
        case 0: base
        case 1: base + mark
        case 2: mark + base
        case 3: Array(base[..<half]) + mark + Array(base[half...])
        case 4: Array(base[..<half])
        case 5: Array(base[half...])
        case 6: Array(base[..<half]) + Array(base[(half + 100)...])
        case 7: base + base
        default: Array(base.reversed())
        }
    }

    /// Leaves exchanges in the spool; answers the bytes that they take there.
    private func leave(_ entries: [ExchangeRecord]) async throws -> Int {
        let log = try open()
        for entry in entries { log.submit(entry) }
        await log.close()
        #expect(log.stats.pending == 0)
        return log.stats.spoolBytes
    }

    private func entry(_ id: String, _ request: [UInt8], _ sent: [UInt8]) -> ExchangeRecord {
        var entry = record(id)
        entry.request = RecordedBody(request, total: 0)
        entry.attempts[0].request = RecordedBody(sent, total: 0)
        return entry
    }

    @Test(arguments: [900, 1_100, 5_000, 120_000]) func bodiesComeBackWhole(size: Int) async throws {
        let bases = (0..<3).map { Self.letters(size, seed: UInt64(size * 10 + $0)) }
        func bodies(_ number: Int) -> ([UInt8], [UInt8]) {
            (Self.variants(of: bases[number % 3], number / 2), Self.variants(of: bases[number % 3], number))
        }
        _ = try await leave((0..<300).map { entry("r\($0)", bodies($0).0, bodies($0).1) })
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        let reader = try LogReader(path: folder.file)
        for number in 0..<300 {
            let row = try #require(try reader.find("r\(number)"))
            let kept = try reader.bodies(of: row)
            let (request, sent) = bodies(number)
            let asked = try #require(kept.first { $0.kind == .request })
            let went = try #require(kept.first { $0.kind == .upstreamRequest })
            #expect(asked.bytes == request && went.bytes == sent, "\(number)")
        }
    }

    @Test func whatIsTheSameIsWrittenOnceInAMegabyte() async throws {
        let body = Self.letters(200_000, seed: 1)
        let bytes = try await leave((0..<300).map { entry("r\($0)", body, body + Array("\($0)".utf8)) })
        #expect(bytes > 200_000 && bytes < 300 * 400_000 / 15)
    }

    /// In whatever part a secret stands, and whosever it is.
    @Test func secretsInSharedBytesAreFound() async throws {
        let (before, after) = (Self.letters(3_000, seed: 2), Self.letters(3_000, seed: 3))
        let entries = (0..<400).map { number -> ExchangeRecord in
            let secret = "SECRET-OF-\(number % 5)"
            // The secret of another exchange is no secret to this one, and must not become one.
            let sent = before + Array((number % 7 == 0 ? secret : "SECRET-OF-none").utf8) + after
            var entry = entry("r\(number)", before + Array("SECRET-none".utf8) + after, sent)
            entry.mask = WordMask(word: secret)
            return entry
        }
        _ = try await leave(entries)
        #expect(run("grep", "-rqaE", "SECRET-OF-[0-9]", spool) == 1)
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        let reader = try LogReader(path: folder.file)
        for number in [0, 1, 7, 14, 399] {
            let row = try #require(try reader.find("r\(number)"))
            let sent = try #require(try reader.bodies(of: row).first { $0.kind == .upstreamRequest })
            let word = number % 7 == 0 ? "***" : "SECRET-OF-none"
            #expect(sent.bytes == before + Array(word.utf8) + after, "\(number)")
        }
    }

    /// The secret comes into being in the middle of what two bodies share at both ends.
    @Test func aSecretAcrossASeamIsFound() async throws {
        let (before, after) = (Self.letters(3_000, seed: 4), Self.letters(3_000, seed: 5))
        let entries = (0..<400).map { number -> ExchangeRecord in
            // Without the bytes in between, the two ends make the secret.
            let sent = before + Array("PLANTED".utf8) + Array("-KEY".utf8) + after
            var entry = entry("r\(number)", before + Array("PLANTED and -KEY".utf8) + after, sent)
            entry.mask = WordMask(word: "PLANTED-KEY")
            return entry
        }
        _ = try await leave(entries)
        #expect(run("grep", "-rqa", "PLANTED-KEY", spool) == 1)
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        let reader = try LogReader(path: folder.file)
        for number in [0, 200, 399] {
            let row = try #require(try reader.find("r\(number)"))
            let sent = try #require(try reader.bodies(of: row).first { $0.kind == .upstreamRequest })
            #expect(sent.bytes == before + Array("***".utf8) + after, "\(number)")
        }
    }
}
