import GRDB
import LogModel
import RequestLog
import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A folder of its own for each test, removed at the end.
final class TemporaryFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/kimi-log-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit { run("rm", "-rf", path) }

    var file: String { path + "/logs.db" }

    /// Names in the folder, sorted.
    var names: [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

/// Runs a program and answers its exit code.
@discardableResult
func run(_ words: String...) -> Int32 {
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for case let word? in arguments { free(word) } }
    var child = pid_t()
    guard posix_spawnp(&child, words[0], nil, nil, &arguments, nil) == 0 else { return -1 }
    var status: Int32 = 0
    waitpid(child, &status, 0)
    return (status >> 8) & 0xFF
}

/// Collects warnings.
final class Warnings: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var sink: @Sendable (String) -> Void { { line in self.lines.withLock { $0.append(line) } } }
}

/// A clock that tests set, in milliseconds.
final class ManualClock: Sendable {
    private let time: Mutex<Int64>

    init(_ time: Int64 = 1_800_000_000_000) { self.time = Mutex(time) }

    var now: @Sendable () -> Int64 { { self.time.withLock { $0 } } }
    func advance(days: Int64) { time.withLock { $0 += days * 86_400_000 } }
}

extension RequestLog.Timing {
    /// Retries that tests can wait for.
    static var quick: Self {
        var timing = Self()
        timing.batch = .milliseconds(5)
        timing.firstRetry = .milliseconds(50)
        timing.longestRetry = .milliseconds(200)
        return timing
    }
}

extension RequestLog {
    /// Waits, at most ten seconds, until a condition on the counters holds.
    func waits(until condition: (LogStats) -> Bool) async -> Bool {
        for _ in 0..<1_000 {
            if condition(stats) { return true }
            try? await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    func settles() async -> Bool { await waits { $0.pending == 0 } }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// Looks into a database file as another program would.
func inspect<Value>(_ path: String, _ look: (Database) throws -> Value) throws -> Value {
    let queue = try DatabaseQueue(path: path, configuration: .patient)
    defer { try? queue.close() }
    return try queue.read(look)
}

func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) {
    let descriptor = open(path, O_WRONLY)
    defer { close(descriptor) }
    pwrite(descriptor, bytes, bytes.count, off_t(offset))
}

func mode(of path: String) -> mode_t {
    var info = stat()
    return stat(path, &info) == 0 ? info.st_mode & 0o777 : 0
}

extension Configuration {
    /// A second connection that waits for the store's own.
    static var patient: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        return configuration
    }
}

/// A small file system in memory, where this process may mount one.
final class SmallDisk: Sendable {
    let folder = TemporaryFolder()

    init?() {
        guard run("sh", "-c", "mount -t tmpfs -o size=2m none \(folder.path) 2>/dev/null") == 0 else { return nil }
    }

    deinit { run("umount", "-l", folder.path) }

    static let isPossible = SmallDisk() != nil
}

/// A successful exchange with bodies of its own.
func record(_ id: String, began: Int64 = unixMilliseconds(), body: String? = nil) -> ExchangeRecord {
    var record = ExchangeRecord(id: id, began: began, dialect: "openai.chat", model: "kimi")
    record.provider = "openai"
    record.upstreamModel = "kimi-k2"
    record.duration = 12
    record.request.append(bytes(body ?? "{\"model\":\"kimi\",\"n\":\"\(id)\"}"), limit: 1 << 20)
    record.reply.append(bytes("reply to \(id)"), limit: 1 << 20)
    var attempt = AttemptRecord(number: 1, provider: "openai", upstreamModel: "kimi-k2", began: 1)
    attempt.method = "POST"
    attempt.url = "https://up.example/v1/chat/completions"
    attempt.headers = [.init(name: "authorization", value: "***"), .init(name: "x-a", value: "it's")]
    attempt.status = 200
    attempt.request.append(bytes("{\"up\":\"\(id)\"}"), limit: 1 << 20)
    attempt.reply.append(bytes("raw "), limit: 1 << 20)
    attempt.reply.append(bytes(id), limit: 1 << 20)
    attempt.arrivals = [.init(milliseconds: 3, count: 4), .init(milliseconds: 5, count: id.utf8.count)]
    record.attempts = [attempt]
    return record
}

/// Hides one word.
struct WordMask: RecordMask {
    let word: String

    func finds(in bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.indices.dropLast(word.utf8.count - 1).contains { bytes[$0...].starts(with: word.utf8) }
    }

    var longest: Int { word.utf8.count }

    func isSame(as other: any RecordMask) -> Bool { (other as? WordMask)?.word == word }

    func masked(_ body: [UInt8]) -> [UInt8] {
        guard body.withUnsafeBytes(finds) else { return body }
        return bytes(String(decoding: body, as: UTF8.self).replacing(word, with: "***"))
    }
}

func random(_ count: Int, seed: UInt64) -> [UInt8] {
    var state = seed | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return UInt8(truncatingIfNeeded: state >> 24)
    }
}
