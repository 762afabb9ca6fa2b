import ResponseStore
import Testing

@Suite struct ConcurrencyTests {
    let folder = TemporaryFolder()

    @Test func nothingIsLostOrMixedUpUnderManyTasks() async throws {
        var limits = ResponseStore.Limits()
        limits.queueEntries = 100_000
        let store = try ResponseStore(path: folder.file, limits: limits)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask { try await Self.work(store, owner: "owner \(task)") }
            }
            try await group.waitForAll()
        }
        #expect(await store.settles())
        #expect(store.stats.entries == 8 * 200)
        #expect(store.stats.dropped == 0 && store.stats.failures == 0)
        await store.close()
    }

    private static func work(_ store: ResponseStore, owner: String) async throws {
        for number in 0..<300 {
            let id = "\(number)"
            let record = bytes("\(owner) \(id) " + String(repeating: "x", count: number * 7))
            store.put(id: id, owner: owner, record: record)
            #expect(try await store.get(id: id, owner: owner) == record)
            guard number % 3 == 0 else { continue }
            #expect(try await store.delete(id: id, owner: owner))
            #expect(try await store.get(id: id, owner: owner) == nil)
        }
    }

    @Test func aDeleteEndsAlthoughRecordsComeAllTheTime() async throws {
        var limits = ResponseStore.Limits()
        limits.maxEntries = 100
        let store = try ResponseStore(path: folder.file, limits: limits)
        let producer = Task {
            var number = 0
            while !Task.isCancelled {
                store.put(id: "\(number)", owner: "o", record: bytes("x"))
                number += 1
                if number % 100 == 0 { await Task.yield() }
            }
        }
        for _ in 0..<10 { #expect(try await store.delete(id: "none", owner: "o") == false) }
        producer.cancel()
        await producer.value
        #expect(await store.settles())
        await store.close()
    }

    @Test func aCancelledGetEnds() async throws {
        let store = try ResponseStore(path: folder.file)
        let task = Task { try await store.get(id: "a", owner: "o") }
        task.cancel()
        _ = try? await task.value
        #expect(store.stats.failures == 0)
        await store.close()
    }
}
