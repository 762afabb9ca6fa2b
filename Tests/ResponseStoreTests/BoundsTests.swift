import GRDB
import ResponseStore
import Testing

@Suite struct BoundsTests {
    let folder = TemporaryFolder()

    private func count(_ path: String) throws -> Int? {
        try inspect(path) { try Int.fetchOne($0, sql: "SELECT count(*) FROM response") }
    }

    @Test func theOldestGoWhenThereAreTooMany() async throws {
        var limits = ResponseStore.Limits()
        limits.maxEntries = 10
        let store = try ResponseStore(path: folder.file, limits: limits)
        for number in 0..<600 {
            store.put(id: "\(number)", owner: "o", record: bytes("x"))
            if number % 50 == 0 { #expect(await store.settles()) }
        }
        #expect(await store.settles())
        #expect(store.stats.entries == 10 && store.stats.evicted == 590)
        #expect(try await store.get(id: "589", owner: "o") == nil)
        #expect(try await store.get(id: "590", owner: "o") == bytes("x"))
        #expect(try count(folder.file) == 10)
        await store.close()
    }

    @Test func theOldestGoWhenTheyAreTooLarge() async throws {
        var limits = ResponseStore.Limits()
        limits.maxBytes = 1_000_000
        let store = try ResponseStore(path: folder.file, limits: limits)
        for number in 0..<50 { store.put(id: "\(number)", owner: "o", record: [UInt8](repeating: 1, count: 100_000)) }
        #expect(await store.settles())
        #expect(store.stats.entries == 9)
        #expect(store.stats.bytes == 9 * 100_003)
        #expect(try await store.get(id: "41", owner: "o") != nil)
        #expect(try await store.get(id: "40", owner: "o") == nil)
        await store.close()
    }

    @Test func tighterLimitsHoldAfterTheNextStart() async throws {
        let store = try ResponseStore(path: folder.file)
        for number in 0..<900 { store.put(id: "\(number)", owner: "o", record: bytes("x")) }
        await store.close()
        var limits = ResponseStore.Limits()
        limits.maxEntries = 5
        let tighter = try ResponseStore(path: folder.file, limits: limits)
        #expect(await tighter.waits { $0.entries == 5 })
        #expect(try await tighter.get(id: "899", owner: "o") == bytes("x"))
        await tighter.close()
    }

    @Test func spaceIsGivenBackToTheFileSystem() async throws {
        let store = try ResponseStore(path: folder.file)
        for number in 0..<40 { store.put(id: "\(number)", owner: "o", record: [UInt8](repeating: 1, count: 1 << 20)) }
        await store.close()
        var limits = ResponseStore.Limits()
        limits.maxBytes = 1 << 20
        let tighter = try ResponseStore(path: folder.file, limits: limits)
        #expect(await tighter.waits { $0.entries == 0 })
        var pages = Int.max
        for _ in 0..<500 where pages > 2_100 {
            try await Task.sleep(for: .milliseconds(10))
            pages = try inspect(folder.file) { try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0 }
        }
        #expect(pages <= 2_100)
        await tighter.close()
    }

    @Test func recordsOfAgeAreNeitherServedNorKept() async throws {
        let clock = ManualClock()
        var limits = ResponseStore.Limits()
        limits.maxAge = .seconds(100)
        var timing = ResponseStore.Timing()
        timing.sweep = .milliseconds(20)
        let store = try ResponseStore(path: folder.file, limits: limits, timing: timing, clock: clock.now)
        store.put(id: "old", owner: "o", record: bytes("x"))
        #expect(await store.settles())
        clock.advance(by: 60)
        store.put(id: "new", owner: "o", record: bytes("x"))
        #expect(await store.settles())
        clock.advance(by: 40)
        #expect(try await store.get(id: "old", owner: "o") != nil)
        clock.advance(by: 1)
        #expect(try await store.get(id: "old", owner: "o") == nil)
        #expect(await store.waits { $0.entries == 1 })
        #expect(try await store.get(id: "new", owner: "o") != nil)
        #expect(try count(folder.file) == 1)
        await store.close()
    }

    @Test func aRecordThatIsTooLargeIsDroppedWithOneWarning() async throws {
        let warnings = Warnings()
        var limits = ResponseStore.Limits()
        limits.maxRecordBytes = 100
        let store = try ResponseStore(path: folder.file, limits: limits, onWarning: warnings.sink)
        for _ in 0..<3 { store.put(id: "a", owner: "o", record: [UInt8](repeating: 0, count: 99)) }
        #expect(try await store.get(id: "a", owner: "o") == nil)
        #expect(store.stats.dropped == 3 && store.stats.entries == 0)
        #expect(warnings.all.count == 1)
        store.put(id: "a", owner: "o", record: [UInt8](repeating: 0, count: 98))
        #expect(try await store.get(id: "a", owner: "o")?.count == 98)
        await store.close()
    }

    @Test func aFullQueueDropsTheNewRecordAndSaysSoOnce() async throws {
        let warnings = Warnings()
        var limits = ResponseStore.Limits()
        limits.queueEntries = 3
        let store = try ResponseStore(path: folder.file, limits: limits, onWarning: warnings.sink)
        // Another process that holds the file's lock for a while.
        let other = try DatabaseQueue(path: folder.file, configuration: .patient)
        try await other.writeWithoutTransaction { db in
            try db.execute(sql: "BEGIN IMMEDIATE")
            let start = ContinuousClock.now
            for number in 0..<10 { store.put(id: "\(number)", owner: "o", record: bytes("x")) }
            #expect(ContinuousClock.now - start < .seconds(4))
            try db.execute(sql: "COMMIT")
        }
        #expect(store.stats.dropped == 7)
        #expect(warnings.all.count == 1)
        #expect(await store.settles())
        #expect(try await store.get(id: "2", owner: "o") != nil)
        #expect(try await store.get(id: "3", owner: "o") == nil)
        #expect(store.stats.entries == 3)
        try other.close()
        await store.close()
    }

    @Test func recordsOfAnotherProcessCount() async throws {
        var limits = ResponseStore.Limits()
        limits.maxEntries = 10
        let one = try ResponseStore(path: folder.file, limits: limits)
        let two = try ResponseStore(path: folder.file, limits: limits)
        for number in 0..<10 {
            one.put(id: "\(number)", owner: "one", record: bytes("x"))
            two.put(id: "\(number)", owner: "two", record: bytes("x"))
            let both = await (one.settles(), two.settles())
            #expect(both.0 && both.1)
        }
        #expect(try count(folder.file) == 10)
        #expect(try await one.get(id: "9", owner: "two") == bytes("x"))
        await one.close()
        await two.close()
    }
}
