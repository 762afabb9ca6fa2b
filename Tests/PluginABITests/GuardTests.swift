import PluginHost
import Testing

@Suite("State folder and quarantine") struct GuardTests {
    private static let now = CrashRecord.now
    private static let hash = String(repeating: "ab", count: 32)

    /// A path where nothing is yet.
    private static func place() throws -> String {
        try TestFiles.folder("state-\(UInt64.random(in: 0...(.max)))") + "/state"
    }

    private func crash(_ id: String, _ sha256: String, age: Int64) -> CrashRecord {
        CrashRecord(
            time: Self.now - age, kind: .crash, signal: "SIGSEGV",
            plugin: PluginIdentity(id: id, version: "1.0.0", file: "plugins.d/\(id).so", sha256: sha256),
            function: "feed", request: "r")
    }

    @Test func `a record survives its file`() throws {
        let folder = StateFolder(path: try Self.place())
        let record = crash("a.b", Self.hash, age: 5)
        try folder.add(record)
        var read = try #require(folder.crashRecords.first)
        read.name = ""
        #expect(read == record)
    }

    @Test func `the newest crash within the window counts`() throws {
        let folder = StateFolder(path: try Self.place())
        try folder.add(crash("old", String(repeating: "0", count: 64), age: 100))
        try folder.add(crash("a.b", Self.hash, age: 5))
        try folder.add(crash("future", String(repeating: "1", count: 64), age: -50))
        let quarantine = Quarantine(folder, window: 50, now: Self.now)
        #expect(quarantine[Self.hash]?.message.contains("kimi-host plugins unquarantine a.b") == true)
        #expect(quarantine[String(repeating: "0", count: 64)] == nil)
        #expect(quarantine[String(repeating: "1", count: 64)] != nil, "a clock that was put back")
        #expect(Quarantine(folder, window: 0, now: Self.now)[Self.hash] == nil)
    }

    @Test(arguments: ["a.b", "a.b.so", "plugins.d/a.b.so", "abababab"])
    func `it is cleared by id, file or hash`(name: String) throws {
        let folder = StateFolder(path: try Self.place())
        try folder.add(crash("a.b", Self.hash, age: 5))
        #expect(try Quarantine.clear(["abab", "a"], in: folder, window: 50, now: Self.now).unknown == ["abab", "a"])
        let (cleared, unknown) = try Quarantine.clear([name], in: folder, window: 50, now: Self.now)
        #expect(cleared.count == 1 && unknown.isEmpty)
        #expect(Quarantine(folder, window: 50, now: Self.now)[Self.hash] == nil)
        try folder.add(crash("a.b", Self.hash, age: -1))
        #expect(Quarantine(folder, window: 50, now: Self.now)[Self.hash] != nil, "it has crashed again")
    }

    @Test func `a time far ahead is no time, one a little ahead is the clock's fault`() throws {
        let folder = StateFolder(path: try Self.place())
        try folder.add(crash("com.example.x", Self.hash, age: -1_000_000_000))
        #expect(Quarantine(folder, window: 50, now: Self.now)[Self.hash] == nil)
        try folder.add(crash("com.example.x", Self.hash, age: -10))
        #expect(Quarantine(folder, window: 50, now: Self.now)[Self.hash] != nil)
        #expect(Quarantine(folder, window: .max, now: Self.now)[Self.hash]?.message.contains("quarantined") == true)
    }

    @Test func `the oldest crash files go`() throws {
        let folder = StateFolder(path: try Self.place())
        for age in 0..<120 { try folder.add(crash("a.b", Self.hash, age: Int64(age))) }
        _ = PluginSafety(folder: folder, window: 50, insecurePaths: false)
        #expect(folder.crashRecords.count == 100)
        #expect(folder.crashRecords.last?.time == Self.now)
    }

    @Test func `nothing is written where nothing may be`() throws {
        let path = try Self.place()
        let folder = StateFolder(path: path, mayWrite: false)
        #expect(throws: StateFolder.Failure.self) { try folder.add(crash("a.b", Self.hash, age: 5)) }
        #expect(folder.crashRecords.isEmpty)
    }
}
