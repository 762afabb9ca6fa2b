import PluginHost
import Testing

@Suite("What plugins keep between exchanges") struct PluginMemoryTests {
    private func put(_ memory: PluginMemory, _ key: String, _ size: Int, expiresAt: UInt64? = nil)
        -> PluginMemory.Outcome
    {
        let value = [UInt8](repeating: 7, count: size)
        return Array(key.utf8).withUnsafeBytes { key in
            value.withUnsafeBytes { memory.put(key, $0, expiresAt: expiresAt) }
        }
    }

    private func size(_ memory: PluginMemory, _ key: String, now: UInt64 = 0) -> Int? {
        Array(key.utf8).withUnsafeBytes { memory.get($0, now: now) }?.count
    }

    @Test func `the longest unused goes first, and the bound holds`() {
        let memory = PluginMemory(capacity: 10_000)
        for number in 0..<9 { #expect(put(memory, "k\(number)", 900) == .done) }
        #expect(size(memory, "k0") == 900)
        for number in 9..<12 { #expect(put(memory, "k\(number)", 900) == .done) }
        #expect(size(memory, "k0") == 900, "used lately")
        #expect(size(memory, "k1") == nil && size(memory, "k2") == nil && size(memory, "k11") == 900)
        #expect(memory.size.bytes <= 10_000 && memory.size.evictions == 12 - memory.size.entries)
    }

    @Test func `replacing and forgetting give the room back`() {
        let memory = PluginMemory(capacity: 10_000)
        for _ in 0..<100 { #expect(put(memory, "same", 5_000) == .done) }
        #expect(memory.size.entries == 1 && memory.size.evictions == 0)
        Array("same".utf8).withUnsafeBytes { memory.forget($0) }
        #expect(memory.size.bytes == 0 && memory.size.entries == 0 && memory.size.evictions == 0)
        for number in 0..<5 { #expect(put(memory, "k\(number)", 0) == .done) }
        #expect(memory.size.entries == 5)
    }

    @Test func `what expired is gone`() {
        let memory = PluginMemory(capacity: 10_000)
        #expect(put(memory, "a", 10, expiresAt: 100) == .done)
        #expect(size(memory, "a", now: 99) == 10)
        #expect(size(memory, "a", now: 100) == nil)
        #expect(memory.size.bytes == 0)
    }

    @Test func `keys and values have bounds`() {
        let memory = PluginMemory(capacity: 4 << 20)
        #expect(put(memory, "", 1) == .badKey)
        #expect(put(memory, String(repeating: "k", count: 257), 1) == .badKey)
        #expect(put(memory, String(repeating: "k", count: 256), 1) == .done)
        #expect(put(memory, "a", PluginMemory.maxValueBytes) == .done)
        #expect(put(memory, "a", PluginMemory.maxValueBytes + 1) == .tooLarge)
        #expect(size(memory, "a") == PluginMemory.maxValueBytes, "a refused value changes nothing")
        #expect(put(PluginMemory(capacity: 0), "a", 1) == .tooLarge)
    }

    @Test func `many threads at once`() async {
        let memory = PluginMemory(capacity: 50_000)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<4 {
                group.addTask {
                    for round in 0..<2_000 {
                        let key = "k\((round &* 7 &+ task) % 97)"
                        if round % 3 == 0 {
                            _ = self.put(memory, key, round % 1_500)
                        } else {
                            _ = self.size(memory, key)
                        }
                    }
                }
            }
        }
        #expect(memory.size.bytes <= 50_000)
    }
}
