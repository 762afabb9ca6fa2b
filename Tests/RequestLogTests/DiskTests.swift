import Dispatch
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

@Suite struct DiskTests {
    @Test(arguments: [1_300, 2_150]) func whatEndedASecondBeforeAKillIsThere(milliseconds: Int) async throws {
        let folder = TemporaryFolder()
        let (file, journal) = (folder.file, folder.path + "/journal")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [file = file as String, journal = journal as String, milliseconds = milliseconds as Int] in
            let log = try RequestLog(path: file)
            let descriptor = open(journal, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) {
                kill(getpid(), SIGKILL)
            }
            for number in 0..<1_000_000 {
                log.submit(record("\(number)", body: String(repeating: "\(number) ", count: 2_000)))
                let line = bytes("\(number) \(DispatchTime.now().uptimeNanoseconds / 1_000_000)\n")
                write(descriptor, line, line.count)
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        let submitted = try lines(of: journal).map { line in line.split(separator: " ").compactMap { Int($0) } }
        let end = try #require(submitted.last?.last)
        let due = submitted.filter { $0[1] < end - 1_000 }
        #expect(due.count > 10)
        // The reader first: it must cope with what a killed writer leaves.
        let reader = try LogReader(path: file)
        for entry in due {
            let row = try #require(try reader.find("\(entry[0])"))
            #expect(try reader.bodies(of: row).first?.bytes == bytes(String(repeating: "\(entry[0]) ", count: 2_000)))
        }
        #expect(try inspect(file) { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
        let warnings = Warnings()
        let log = try RequestLog(path: file, timing: .quick, onWarning: warnings.sink)
        log.submit(record("again"))
        #expect(await log.settles())
        #expect(warnings.all == [])
        await log.close()
    }

    @Test func aFileSizeLimitIsBridgedInMemory() async throws {
        let folder = TemporaryFolder()
        let file = folder.file
        await #expect(processExitsWith: .success) { [file = file as String] in
            signal(SIGXFSZ, SIG_IGN)
            let warnings = Warnings()
            let log = try RequestLog(path: file, timing: .quick, onWarning: warnings.sink)
            limitFileSize(to: 200_000)
            for number in 0..<40 { log.submit(noise("\(number)")) }
            #expect(await log.waits { $0.failures > 2 && $0.isFailing })
            #expect(warnings.all.count == 1)
            limitFileSize(to: nil)
            #expect(await log.settles())
            #expect(log.stats.written == 40 && log.stats.dropped == 0 && !log.stats.isFailing)
            #expect(warnings.all.count == 2)
            await log.close()
        }
        #expect(try LogReader(path: file).list(limit: 100).count == 40)
    }

    @Test(.enabled(if: SmallDisk.isPossible)) func aFullDiskLosesTheOldestAndRecovers() async throws {
        let disk = try #require(SmallDisk())
        let warnings = Warnings()
        var limits = RequestLog.Limits()
        limits.queueEntries = 20
        run("sh", "-c", "head -c 1800000 /dev/zero > \(disk.folder.path)/ballast")
        let log = try RequestLog(path: disk.folder.file, limits: limits, timing: .quick, onWarning: warnings.sink)
        for number in 0..<60 {
            log.submit(noise("\(number)"))
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(await log.waits { $0.isFailing && $0.dropped > 0 })
        #expect(warnings.all.count == 1)
        run("rm", disk.folder.path + "/ballast")
        #expect(await log.settles())
        #expect(log.stats.written + log.stats.dropped == 60)
        #expect(try LogReader(path: disk.folder.file).list(limit: 1).first?.id == "59")
        await log.close()
    }

    @Test func aDamagedFileIsMovedAside() async throws {
        let folder = TemporaryFolder()
        run("sh", "-c", "yes 'this is no database at all' | head -c 9000 > \(folder.file)")
        let warnings = Warnings()
        let log = try RequestLog(path: folder.file, timing: .quick, onWarning: warnings.sink)
        log.submit(record("a"))
        #expect(await log.settles())
        #expect(folder.names.contains { $0.contains(".corrupt-") } && warnings.all.count == 1)
        // And one that goes away under the writer.
        run("sh", "-c", "rm \(folder.file)*")
        log.submit(record("b"))
        #expect(await log.settles())
        #expect(try LogReader(path: folder.file).list(limit: 9).map(\.id) == ["b"])
        await log.close()
    }

    @Test func anothersDatabaseIsRefused() throws {
        let folder = TemporaryFolder()
        let other = try DatabaseQueue(path: folder.file)
        try other.write { try $0.execute(sql: "CREATE TABLE mine (a)") }
        try other.close()
        #expect(throws: LogError.self) { try RequestLog(path: folder.file) }
    }

    private func lines(of path: String) throws -> [Substring] {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &text, text.count)
        return String(decoding: text.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n")
    }
}

/// An exchange whose body nothing can make smaller.
func noise(_ id: String) -> ExchangeRecord {
    var entry = record(id)
    entry.reply.append(random(20_000, seed: UInt64(id.utf8.reduce(7) { $0 &* 31 &+ Int($1) })), limit: 1 << 20)
    return entry
}

func limitFileSize(to bytes: Int?) {
    var limit = rlimit()
    #if canImport(Glibc)
    let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    #else
    let resource = RLIMIT_FSIZE
    #endif
    getrlimit(resource, &limit)
    limit.rlim_cur = bytes.map { rlim_t($0) } ?? limit.rlim_max
    setrlimit(resource, &limit)
}
