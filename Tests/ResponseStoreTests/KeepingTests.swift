import GRDB
import ResponseStore
import Testing

@Suite struct KeepingTests {
    let folder = TemporaryFolder()

    @Test(arguments: [true, false]) func whatIsPutIsFoundAtOnceAndAfterTheWrite(inMemory: Bool) async throws {
        let store = try ResponseStore(path: inMemory ? nil : folder.file)
        let large = [UInt8](repeating: 7, count: 3 << 20)
        for (id, record) in [("a", bytes("one")), ("b", []), ("c", large), ("d", [0, 255, 0])] {
            store.put(id: id, owner: "o", record: record)
            #expect(try await store.get(id: id, owner: "o") == record)
        }
        #expect(await store.settles())
        #expect(store.pending(id: "a", owner: "o") == nil)
        #expect(try await store.get(id: "a", owner: "o") == bytes("one"))
        #expect(try await store.get(id: "b", owner: "o") == [])
        #expect(try await store.get(id: "c", owner: "o") == large)
        #expect(try await store.get(id: "d", owner: "o") == [0, 255, 0])
        #expect(try await store.get(id: "e", owner: "o") == nil)
        #expect(store.stats.entries == 4)
        #expect(store.stats.bytes == 3 + large.count + 3 + 4 * 2)
        await store.close()
    }

    @Test func ownersDoNotSeeEachOther() async throws {
        let store = try ResponseStore(path: folder.file)
        store.put(id: "a", owner: "one", record: bytes("1"))
        store.put(id: "a", owner: "two", record: bytes("2"))
        for _ in 0..<2 {
            #expect(try await store.get(id: "a", owner: "one") == bytes("1"))
            #expect(try await store.get(id: "a", owner: "two") == bytes("2"))
            #expect(try await store.get(id: "a", owner: "") == nil)
            #expect(try await store.delete(id: "a", owner: "three") == false)
            #expect(await store.settles())
        }
        #expect(try await store.delete(id: "a", owner: "one"))
        #expect(try await store.get(id: "a", owner: "two") == bytes("2"))
        await store.close()
    }

    @Test func aDeletedRecordIsGoneAlsoAfterReopening() async throws {
        let store = try ResponseStore(path: folder.file)
        store.put(id: "now", owner: "o", record: bytes("x"))
        #expect(try await store.delete(id: "now", owner: "o"))
        #expect(try await store.get(id: "now", owner: "o") == nil)
        store.put(id: "later", owner: "o", record: bytes("x"))
        #expect(await store.settles())
        #expect(try await store.delete(id: "later", owner: "o"))
        #expect(try await store.delete(id: "later", owner: "o") == false)
        #expect(store.stats.entries == 0 && store.stats.bytes == 0)
        await store.close()
        #expect(try inspect(folder.file) { try Int.fetchOne($0, sql: "SELECT count(*) FROM response") } == 0)
    }

    @Test func closeWritesEverythingAndEndsTheStore() async throws {
        let store = try ResponseStore(path: folder.file)
        for number in 0..<700 { store.put(id: "\(number)", owner: "o", record: bytes("record \(number)")) }
        await store.close()
        await store.close()
        store.put(id: "late", owner: "o", record: [])
        await #expect(throws: StoreError.closed) { try await store.get(id: "1", owner: "o") }
        await #expect(throws: StoreError.closed) { try await store.delete(id: "1", owner: "o") }
        #expect(store.stats.dropped == 1)
        #expect(folder.names == ["responses.sqlite"])

        let again = try ResponseStore(path: folder.file)
        #expect(again.stats.entries == 700)
        for number in 0..<700 {
            #expect(try await again.get(id: "\(number)", owner: "o") == bytes("record \(number)"))
        }
        await again.close()
    }

    @Test func aLaterRecordTakesTheNameOfAnEarlierOne() async throws {
        let store = try ResponseStore(path: folder.file)
        store.put(id: "a", owner: "o", record: bytes("first"))
        #expect(await store.settles())
        store.put(id: "a", owner: "o", record: bytes("second one"))
        #expect(try await store.get(id: "a", owner: "o") == bytes("second one"))
        #expect(await store.settles())
        #expect(try await store.get(id: "a", owner: "o") == bytes("second one"))
        #expect(store.stats.entries == 1 && store.stats.bytes == 12)
        await store.close()
    }

    @Test func namesWithZeroBytesAreNamesOfTheirOwn() async throws {
        let store = try ResponseStore(path: folder.file)
        store.put(id: "a", owner: "o", record: bytes("plain"))
        store.put(id: "a\0b", owner: "o", record: bytes("zero"))
        #expect(await store.settles())
        #expect(try await store.get(id: "a\0b", owner: "o") == bytes("zero"))
        #expect(try await store.delete(id: "a\0c", owner: "o") == false)
        #expect(try await store.delete(id: "a\0b", owner: "o"))
        #expect(try await store.get(id: "a", owner: "o") == bytes("plain"))
        await store.close()
    }

    @Test func fileAndFolderAreForTheirOwnerOnly() async throws {
        let path = folder.path + "/new/deep/responses.sqlite"
        let store = try ResponseStore(path: path)
        store.put(id: "a", owner: "o", record: bytes("x"))
        #expect(await store.settles())
        #expect(mode(of: folder.path + "/new") == 0o700 && mode(of: folder.path + "/new/deep") == 0o700)
        for companion in ["", "-wal", "-shm"] { #expect(mode(of: path + companion) == 0o600) }
        #expect(try inspect(path) { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        #expect(try inspect(path) { try Int.fetchOne($0, sql: "PRAGMA user_version") } == 1)
        await store.close()
        run("chmod", "644", path)
        await (try ResponseStore(path: path)).close()
        #expect(mode(of: path) == 0o600)
    }

    @Test func whatCanNeverWorkIsRefusedAtTheStart() throws {
        run("mkdir", folder.path + "/a-folder")
        run("touch", folder.path + "/a-file")
        for path in [
            "", "a\0b", folder.path + "/a-folder", folder.path + "/a-file/x.sqlite", "/dev/null", "/proc/none/x",
        ] {
            #expect(throws: StoreError.self, "\(path)") { try ResponseStore(path: path) }
        }
        var limits = ResponseStore.Limits()
        limits.maxEntries = 0
        #expect(throws: StoreError.limits("maxEntries must be above zero, it is 0")) {
            try ResponseStore(path: nil, limits: limits)
        }
    }

    @Test(arguments: ["CREATE TABLE other (x)", "PRAGMA application_id = 1", "PRAGMA user_version = 7"])
    func databasesOfOthersAreLeftAlone(sql: String) async throws {
        let queue = try DatabaseQueue(path: folder.file, configuration: .patient)
        try await queue.write { try $0.execute(sql: sql) }
        try queue.close()
        #expect(throws: StoreError.self) { try ResponseStore(path: folder.file) }
        #expect(folder.names.filter { $0.contains("corrupt") } == [])
    }

    @Test func aNewerVersionsFileIsLeftAlone() async throws {
        await (try ResponseStore(path: folder.file)).close()
        let queue = try DatabaseQueue(path: folder.file, configuration: .patient)
        try await queue.write { try $0.execute(sql: "PRAGMA user_version = 2") }
        try queue.close()
        #expect { try ResponseStore(path: folder.file) } throws: { "\($0)".contains("newer kimi-host") }
    }
}
