import Dispatch
import GRDB
import ResponseStore
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// Failures that need a process of their own.
@Suite struct CrashTests {
    @Test(arguments: [1_300, 1_700, 2_150]) func whatWasPutASecondBeforeAKillIsThere(milliseconds: Int) async throws {
        let folder = TemporaryFolder()
        let (file, log) = (folder.file, folder.path + "/log")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [file = file as String, log = log as String, milliseconds = milliseconds as Int] in
            let store = try ResponseStore(path: file)
            let journal = open(log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(milliseconds)) {
                kill(getpid(), SIGKILL)
            }
            for number in 0..<1_000_000 {
                store.put(id: "\(number)", owner: "o", record: [UInt8](repeating: UInt8(number & 255), count: 20_000))
                let line = bytes("\(number) \(DispatchTime.now().uptimeNanoseconds / 1_000_000)\n")
                write(journal, line, line.count)
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        let put = try lines(of: log).map { line in line.split(separator: " ").compactMap { Int($0) } }
        let end = try #require(put.last?.last)
        let due = put.filter { $0[1] < end - 1_000 }
        #expect(due.count > 10)
        #expect(try inspect(file) { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
        let warnings = Warnings()
        let store = try ResponseStore(path: file, onWarning: warnings.sink)
        for entry in due {
            let record = try await store.get(id: "\(entry[0])", owner: "o")
            #expect(record == [UInt8](repeating: UInt8(entry[0] & 255), count: 20_000))
        }
        #expect(warnings.all == [])
        await store.close()
    }

    @Test func aFileSizeLimitIsBridgedInMemory() async throws {
        let folder = TemporaryFolder()
        let file = folder.file
        await #expect(processExitsWith: .success) { [file = file as String] in
            signal(SIGXFSZ, SIG_IGN)
            let warnings = Warnings()
            let store = try ResponseStore(path: file, timing: .quick, onWarning: warnings.sink)
            limitFileSize(to: 200_000)
            for number in 0..<40 {
                store.put(id: "\(number)", owner: "o", record: [UInt8](repeating: 1, count: 20_000))
            }
            #expect(await store.waits { $0.failures > 2 })
            #expect(warnings.all.count == 1)
            #expect(try await store.get(id: "39", owner: "o")?.count == 20_000)
            limitFileSize(to: nil)
            #expect(await store.settles())
            #expect(store.stats.entries == 40 && store.stats.dropped == 0)
            #expect(try await store.get(id: "0", owner: "o")?.count == 20_000)
            await store.close()
        }
        #expect(try inspect(file) { try Int.fetchOne($0, sql: "SELECT count(*) FROM response") } == 40)
    }

    @Test func aFolderWithoutPermissionIsBridgedInMemory() async throws {
        let folder = TemporaryFolder()
        let (path, file) = (folder.path, folder.file)
        await #expect(processExitsWith: .success) { [path = path as String, file = file as String] in
            if geteuid() == 0 {
                #expect(chown(path, 65_534, 65_534) == 0)
                #expect(setgid(65_534) == 0 && setuid(65_534) == 0)
            }
            chmod(path, 0o500)
            let warnings = Warnings()
            let store = try ResponseStore(path: file, timing: .quick, onWarning: warnings.sink)
            store.put(id: "a", owner: "o", record: bytes("x"))
            #expect(try await store.get(id: "a", owner: "o") == bytes("x"))
            #expect(store.stats.isFailing && warnings.all.count == 1)
            chmod(path, 0o700)
            #expect(await store.settles())
            #expect(mode(of: file) == 0o600)
            await store.close()
            // A file that may be read and not written.
            chmod(file, 0o400)
            let reader = try ResponseStore(path: file, timing: .quick, onWarning: warnings.sink)
            reader.put(id: "b", owner: "o", record: bytes("y"))
            #expect(await reader.waits { $0.isFailing && $0.failures > 2 })
            #expect(try await reader.get(id: "b", owner: "o") == bytes("y"))
            chmod(file, 0o600)
            #expect(await reader.settles())
            #expect(try await reader.get(id: "a", owner: "o") == bytes("x"))
            await reader.close()
            #expect(warnings.all.count == 4)
        }
    }

    private func lines(of path: String) throws -> [Substring] {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var text = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(descriptor, &text, text.count)
        return String(decoding: text.prefix(max(count, 0)), as: UTF8.self).split(separator: "\n")
    }
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
