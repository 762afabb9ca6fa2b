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

/// A small file system in memory, where this process may mount one.
final class SmallDisk: Sendable {
    let folder = TemporaryFolder()

    init?() {
        guard run("sh", "-c", "mount -t tmpfs -o size=2m none \(folder.path) 2>/dev/null") == 0 else { return nil }
    }

    deinit { run("umount", "-l", folder.path) }

    func remount(_ options: String) { run("mount", "-o", "remount,\(options)", folder.path) }

    static let isPossible = SmallDisk() != nil
}

@Suite struct FailureTests {
    let folder = TemporaryFolder()
    let warnings = Warnings()

    private func open(_ path: String, limits: ResponseStore.Limits = .init()) throws -> ResponseStore {
        try ResponseStore(path: path, limits: limits, timing: .quick, onWarning: warnings.sink)
    }

    private func corruptNames(_ names: [String]) -> [String] {
        names.filter { $0.contains(".corrupt-") && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") }
    }

    @Test(arguments: [
        "this is no database, but it is long enough to be taken for one", "x", "SQLite format 3\0 and junk",
    ])
    func aFileThatIsNoDatabaseIsMovedAsideAtTheStart(content: String) async throws {
        run("touch", folder.file)
        overwrite(folder.file, at: 0, with: bytes(String(repeating: content, count: 200)))
        let store = try open(folder.file)
        store.put(id: "a", owner: "o", record: bytes("x"))
        #expect(await store.settles())
        #expect(try await store.get(id: "a", owner: "o") == bytes("x"))
        let moved = corruptNames(folder.names)
        #expect(moved.count == 1)
        #expect(warnings.all.count == 1)
        #expect(warnings.all.first?.contains(moved.first ?? "?") == true)
        await store.close()
    }

    @Test func damageFoundWhileServingIsReplaced() async throws {
        let store = try open(folder.file)
        for number in 0..<200 { store.put(id: "\(number)", owner: "o", record: [UInt8](repeating: 1, count: 9_000)) }
        await store.close()
        // Everything behind the first page, which a start looks at.
        overwrite(folder.file, at: 4_096 * 4, with: [UInt8](repeating: 0xA5, count: 4_096 * 300))
        let again = try open(folder.file)
        for number in 0..<200 {
            let record = try await again.get(id: "\(number)", owner: "o")
            #expect(record == nil || record?.count == 9_000)
        }
        again.put(id: "new", owner: "o", record: bytes("x"))
        #expect(await again.settles())
        #expect(try await again.get(id: "new", owner: "o") == bytes("x"))
        #expect(corruptNames(folder.names).count == 1)
        #expect(warnings.all.count == 1)
        #expect(again.stats.entries == 1)
        await again.close()
    }

    @Test func manyReadsOfADamagedFileReplaceItOnce() async throws {
        let store = try open(folder.file)
        for number in 0..<100 { store.put(id: "\(number)", owner: "o", record: [UInt8](repeating: 1, count: 9_000)) }
        await store.close()
        overwrite(folder.file, at: 4_096 * 4, with: [UInt8](repeating: 0xA5, count: 4_096 * 200))
        let again = try open(folder.file)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask { _ = try await again.get(id: "\(number)", owner: "o") }
            }
            try await group.waitForAll()
        }
        #expect(corruptNames(folder.names).count == 1)
        await again.close()
    }

    @Test func aTableThatIsMissingIsDamage() async throws {
        await (try open(folder.file)).close()
        let queue = try DatabaseQueue(path: folder.file, configuration: .patient)
        try await queue.write { try $0.execute(sql: "DROP TABLE response") }
        try queue.close()
        let store = try open(folder.file)
        store.put(id: "a", owner: "o", record: bytes("x"))
        #expect(await store.settles())
        #expect(corruptNames(folder.names).count == 1)
        await store.close()
    }

    @Test func aFileThatIsTakenAwayIsBegunAnew() async throws {
        let store = try open(folder.file)
        store.put(id: "a", owner: "o", record: bytes("x"))
        #expect(await store.settles())
        run("sh", "-c", "rm -r \(folder.path)/*")
        store.put(id: "b", owner: "o", record: bytes("y"))
        #expect(await store.settles())
        #expect(warnings.all.count == 1)
        await store.close()
        let again = try open(folder.file)
        #expect(try await again.get(id: "b", owner: "o") == bytes("y"))
        await again.close()
    }

    @Test func aFolderThatIsTakenAwayIsMadeAgain() async throws {
        let path = folder.path + "/inner/responses.sqlite"
        let store = try open(path)
        run("rm", "-r", folder.path + "/inner")
        store.put(id: "b", owner: "o", record: bytes("y"))
        #expect(await store.settles())
        #expect(mode(of: folder.path + "/inner") == 0o700)
        await store.close()
        #expect(mode(of: path) == 0o600)
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount")) func aFullDiskIsBridgedInMemory() async throws
    {
        let disk = try #require(SmallDisk())
        var limits = ResponseStore.Limits()
        limits.queueEntries = 20
        let store = try open(disk.folder.file, limits: limits)
        store.put(id: "before", owner: "o", record: bytes("early"))
        #expect(await store.settles())
        run("sh", "-c", "dd if=/dev/zero of=\(disk.folder.path)/ballast bs=4k 2>/dev/null")
        store.put(id: "0", owner: "o", record: [UInt8](repeating: 1, count: 20_000))
        #expect(await store.waits { $0.isFailing })
        for number in 1..<30 { store.put(id: "\(number)", owner: "o", record: [UInt8](repeating: 1, count: 20_000)) }
        #expect(await store.waits { $0.failures > 3 })
        store.put(id: "last", owner: "o", record: bytes("late"))
        #expect(store.stats.isFailing)
        #expect(warnings.all.count == 1, "\(warnings.all)")
        #expect(try await store.get(id: "before", owner: "o") == bytes("early"))
        #expect(try await store.get(id: "last", owner: "o") == bytes("late"))
        #expect(try await store.get(id: "unknown", owner: "o") == nil)
        let dropped = store.stats.dropped
        #expect(store.stats.pending <= 20 && dropped > 0)
        run("rm", disk.folder.path + "/ballast")
        #expect(await store.settles())
        #expect(store.stats.isFailing == false)
        #expect(warnings.all.count == 2 && warnings.all.last?.contains("\(dropped)") == true, "\(warnings.all)")
        #expect(try await store.get(id: "29", owner: "o")?.count == 20_000)
        await store.close()
        #expect(try inspect(disk.folder.file) { try String.fetchOne($0, sql: "PRAGMA integrity_check") } == "ok")
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount")) func aFullDiskAtTheStartIsBridged()
        async throws
    {
        let disk = try #require(SmallDisk())
        run("sh", "-c", "dd if=/dev/zero of=\(disk.folder.path)/ballast bs=4k 2>/dev/null")
        let store = try open(disk.folder.file)
        store.put(id: "a", owner: "o", record: bytes("x"))
        #expect(try await store.get(id: "a", owner: "o") == bytes("x"))
        #expect(store.stats.isFailing && warnings.all.count == 1)
        run("rm", disk.folder.path + "/ballast")
        #expect(await store.settles())
        await store.close()
    }

    @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount")) func aReadOnlyDiskIsBridged() async throws {
        let disk = try #require(SmallDisk())
        disk.remount("ro")
        let store = try open(disk.folder.file)
        store.put(id: "a", owner: "o", record: bytes("x"))
        #expect(try await store.get(id: "a", owner: "o") == bytes("x"))
        #expect(try await store.get(id: "unknown", owner: "o") == nil)
        #expect(try await store.delete(id: "unknown", owner: "o") == false)
        store.put(id: "b", owner: "o", record: bytes("x"))
        #expect(try await store.delete(id: "b", owner: "o"))
        #expect(warnings.all.count == 1)
        disk.remount("rw")
        #expect(await store.settles())
        #expect(store.stats.entries == 1 && !store.stats.isFailing)
        await store.close()
    }

    @Test func closingWhileTheDiskFailsSaysWhatIsLost() async throws {
        let store = try open(folder.file)
        // The writer may make the file anew between the two commands.
        run("sh", "-c", "until rm -f \(folder.path)/*; mkdir \(folder.file); do :; done 2>/dev/null")
        for number in 0..<3 { store.put(id: "\(number)", owner: "o", record: bytes("x")) }
        #expect(await store.waits { $0.isFailing })
        #expect(try await store.get(id: "1", owner: "o") == bytes("x"))
        await store.close()
        #expect(store.stats.dropped == 3)
        #expect(warnings.all.last?.contains("3 records are lost") == true)
    }
}
