import Dispatch
import LogModel
import RequestLog
import Synchronization
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Groups of frames that are torn, damaged or made up.
@Suite(.serialized) struct SpoolDamageTests {
    let folder = TemporaryFolder()
    let warnings = Warnings()

    private func open(packs: Bool = false) throws -> RequestLog {
        var limits = RequestLog.Limits()
        (limits.queueEntries, limits.queueBytes) = (100_000, 512 << 20)
        var timing = RequestLog.Timing.quick
        if !packs { (timing.batch, timing.calm, timing.closing) = (.seconds(3_600), .seconds(3_600), .zero) }
        return try RequestLog(path: folder.file, limits: limits, timing: timing, onWarning: warnings.sink)
    }

    /// The spool's only file, with these in it.
    private func leave(_ records: [ExchangeRecord]) async throws -> String {
        let log = try open()
        for record in records { log.submit(record) }
        await log.close()
        return try file()
    }

    private func file() throws -> String {
        let spool = folder.file + "-spool"
        let directory = try #require(opendir(spool))
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".frames") { return spool + "/" + name }
        }
        throw Missing()
    }

    private struct Missing: Error {}

    private final class Flag: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }

    /// Of one system prompt, so that bodies share bytes.
    static func entry(_ number: Int, _ body: String) -> ExchangeRecord {
        var entry = record("r\(number)", body: "{\"n\":\(number),\"p\":\"\(body)\"}")
        entry.attempts[0].request = RecordedBody(bytes("{\"p\":\"\(body)\",\"up\":\(number)}"), total: 0)
        return entry
    }

    private func checkFirst(_ count: Int, _ body: String) throws {
        let reader = try LogReader(path: folder.file)
        let rows = try reader.list(limit: 1_000_000)
        #expect(rows.map(\.id) == (0..<count).reversed().map { "r\($0)" })
        for (place, row) in rows.reversed().enumerated() {
            let kept = try reader.bodies(of: row)
            let sent = bytes("{\"p\":\"\(body)\",\"up\":\(place)}")
            #expect(kept.first { $0.kind == .upstreamRequest }?.bytes == sent)
        }
    }

    /// What was whole when a group was cut off is there, and no more than that.
    @Test(arguments: [1, 17, 300, 5_000, 60_000]) func aTornGroupKeepsItsWholeFrames(cut: Int) async throws {
        let body = String(repeating: "shared words, ", count: 200)
        let file = try await leave((0..<300).map { Self.entry($0, body) })
        var info = stat()
        stat(file, &info)
        truncate(file, off_t(max(0, Int(info.st_size) - cut)))
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        let count = try LogReader(path: folder.file).list(limit: 1_000).count
        #expect(count < 300 && count > (cut > 5_000 ? 0 : 250))
        try checkFirst(count, body)
    }

    /// The newest wait in memory while the disk is full; bodies that they share bytes with may have been dropped.
    @Test func whatIsLeftOfAGroupIsWhole() async throws {
        let path = folder.file
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            let body = String(repeating: "shared words, ", count: 200)
            var limits = RequestLog.Limits()
            limits.queueEntries = 400
            var timing = RequestLog.Timing.quick
            (timing.calm, timing.closing) = (.seconds(3_600), .zero)
            let log = try RequestLog(path: path, limits: limits, timing: timing)
            limitFileSize(to: 10)
            log.submit(SpoolDamageTests.entry(0, body))
            #expect(await log.waits { $0.failures > 1 && $0.isFailing })
            for number in 1..<1_300 { log.submit(SpoolDamageTests.entry(number, body)) }
            limitFileSize(to: nil)
            #expect(await log.waits { $0.pending == 0 && $0.spoolBytes > 0 })
            #expect(log.stats.dropped + log.stats.written == 1_300 && log.stats.written >= 400)
            await log.close()
        }
        #expect(SpoolTakeOver.run(path: folder.file, folder: nil) == nil)
        let reader = try LogReader(path: folder.file)
        let rows = try reader.list(limit: 2_000)
        #expect(rows.map(\.id) == (0..<1_300).reversed().prefix(rows.count).map { "r\($0)" })
        #expect(rows.count >= 400 && rows.count < 1_300)
        let body = String(repeating: "shared words, ", count: 200)
        for (place, row) in rows.enumerated() {
            let sent = try reader.bodies(of: row).first { $0.kind == .upstreamRequest }
            #expect(sent?.bytes == bytes("{\"p\":\"\(body)\",\"up\":\(1_299 - place)}"))
        }
    }

    /// Another process takes over all the while, and the host is killed while it writes: each exchange is there once, in
    /// order, with its bodies.
    @Test(arguments: [40, 90, 150]) func aKilledHostLosesNoMoreThanItsEnd(milliseconds: Int) async throws {
        let path = folder.file
        await (try open(packs: true)).close()
        let seen = Flag()
        let watch = DispatchGroup()
        DispatchQueue.global().async(group: watch) {
            while !seen.isSet { _ = SpoolTakeOver.run(path: path, folder: nil) }
        }
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, milliseconds = milliseconds as Int] in
            let body = String(repeating: "shared words, ", count: 200)
            var timing = RequestLog.Timing.quick
            timing.calm = .milliseconds(20)
            let log = try RequestLog(path: path, timing: timing)
            alarm(20)
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) {
                kill(getpid(), SIGKILL)
            }
            for number in 0..<10_000_000 {
                log.submit(SpoolDamageTests.entry(number, body))
                if number % 512 == 511 { _ = await log.waits { $0.pending < 1_024 } }
            }
        }
        seen.set()
        await withCheckedContinuation { done in watch.notify(queue: .global()) { done.resume() } }
        _ = SpoolTakeOver.run(path: path, folder: nil)
        let count = try LogReader(path: path).list(limit: 1_000_000).count
        #expect(count > 0)
        try checkFirst(count, String(repeating: "shared words, ", count: 200))
    }

    /// Numbers that nobody wrote: such an exchange is lost, the others are not.
    @Test func numbersBeyondAllMeasureAreDamage() async throws {
        var wrong = (0..<8).map { record("wrong\($0)") }
        (wrong[0].began, wrong[0].duration) = (.max, 1)
        (wrong[1].began, wrong[1].duration) = (.min, -1)
        (wrong[2].duration, wrong[2].firstToken) = (.max, .min)
        (wrong[2].isStream, wrong[2].usage.output) = (true, 100)
        (wrong[3].duration, wrong[3].firstToken) = (.max, 1)
        wrong[4].firstByte = -1
        wrong[5].attempts[0].arrivals = [.init(milliseconds: 1, count: -5)]
        wrong[6].attempts[0].arrivals = [.init(milliseconds: 1, count: .max)]
        wrong[7].began = 1 << 60
        var right = (0..<300).map { record("r\($0)") }
        // What a plugin says is another matter.
        right[50].notes = (0..<2).map { _ in .init(plugin: "p", kind: "k", count: .max, details: []) }
        _ = try await leave(Array(right[..<100]) + wrong + Array(right[100...]))
        _ = SpoolTakeOver.run(path: folder.file, folder: nil)
        let rows = try LogReader(path: folder.file).list(limit: 1_000)
        #expect(rows.map(\.id) == (0..<300).reversed().map { "r\($0)" })
    }

    /// A short frame tells a long body by another's; no group has so many of them that they fill the memory.
    @Test func aGroupThatGrowsBeyondMeasureIsDamage() async throws {
        let body = String(decoding: random(1 << 19, seed: 9).map { 0x61 + $0 % 26 }, as: UTF8.self)
        let file = try await leave((0..<9).map { record("r\($0)", body: body) })
        var all = [UInt8](repeating: 0, count: 1 << 20)
        let descriptor = try #require(fopen(file, "r+"))
        all.removeLast(all.count - fread(&all, 1, all.count, descriptor))
        func number(_ place: Int) -> Int { (0..<4).reduce(0) { $0 | Int(all[place + $1]) << (8 * $1) } }
        var (last, next) = (16, 16)
        while next < all.count { (last, next) = (next, next + 8 + number(next + 4)) }
        #expect(next == all.count && all.count - last < 1_000)
        let frame = Array(all[last...])
        for _ in 0..<300 { all += frame }
        for place in 0..<4 { all[4 + place] = UInt8(truncatingIfNeeded: all.count >> (8 * place)) }
        rewind(descriptor)
        #expect(fwrite(all, 1, all.count, descriptor) == all.count)
        fclose(descriptor)
        _ = SpoolTakeOver.run(path: folder.file, folder: nil)
        let rows = try LogReader(path: folder.file).list(limit: 1_000)
        #expect(rows.count >= 9 && rows.count < 20)
    }

    /// A chunk that waits for its next use must not keep the plugins of an exchange that is long on disk.
    @Test func aMaskEndsWithItsExchanges() async throws {
        final class Plugin: Sendable {}
        struct Held: RecordMask {
            let plugin: Plugin
            var longest: Int { 0 }
            func finds(in bytes: UnsafeRawBufferPointer) -> Bool { false }
            func isSame(as other: any RecordMask) -> Bool { (other as? Held)?.plugin === plugin }
            func masked(_ bytes: [UInt8]) -> [UInt8] { bytes }
        }
        var plugin: Plugin? = Plugin()
        weak let watched = plugin
        let log = try open(packs: true)
        for number in 0..<3 {
            var entry = record("r\(number)")
            entry.mask = plugin.map(Held.init)
            log.submit(entry)
        }
        plugin = nil
        #expect(await log.waits { $0.pending == 0 && $0.written == 3 })
        #expect(watched == nil)
        await log.close()
    }
}
