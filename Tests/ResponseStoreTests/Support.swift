import GRDB
import ResponseStore
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
        var template = Array("/tmp/kimi-store-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/nonexistent"
    }

    deinit { run("rm", "-rf", path) }

    var file: String { path + "/responses.sqlite" }

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

/// A clock that tests set.
final class ManualClock: Sendable {
    private let seconds: Mutex<Int64>

    init(_ seconds: Int64 = 1_800_000_000) { self.seconds = Mutex(seconds) }

    var now: @Sendable () -> Int64 { { self.seconds.withLock { $0 } } }
    func advance(by more: Int64) { seconds.withLock { $0 += more } }
}

extension ResponseStore.Timing {
    /// Retries that tests can wait for.
    static var quick: Self {
        var timing = Self()
        timing.firstRetry = .milliseconds(50)
        timing.longestRetry = .milliseconds(200)
        return timing
    }
}

extension ResponseStore {
    /// Waits, at most ten seconds, until a condition on the counters holds.
    func waits(until condition: (StoreStats) -> Bool) async -> Bool {
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
