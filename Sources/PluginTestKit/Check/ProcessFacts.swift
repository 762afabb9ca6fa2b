#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a library that is merely loaded must leave alone.
struct ProcessFacts {
    var threads = 0
    var descriptors = Set<String>()
    var handlers: [Int32: UInt] = [:]
    var folder = ""
    var mask: mode_t = 0
    var environment = 0

    /// Signals whose handlers are the host's.
    private static let signals: [(number: Int32, name: String)] = [
        (SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP"), (SIGPIPE, "SIGPIPE"), (SIGCHLD, "SIGCHLD"),
        (SIGSEGV, "SIGSEGV"), (SIGABRT, "SIGABRT"), (SIGBUS, "SIGBUS"), (SIGALRM, "SIGALRM"), (SIGUSR1, "SIGUSR1"),
    ]

    static func now() -> ProcessFacts {
        var facts = ProcessFacts()
        facts.threads = list("/proc/self/task").count
        facts.descriptors = Set(list("/proc/self/fd"))
        for signal in signals {
            var action = sigaction()
            sigaction(signal.number, nil, &action)
            facts.handlers[signal.number] = withUnsafeBytes(of: action) { $0.loadUnaligned(as: UInt.self) }
        }
        facts.folder =
            getcwd(nil, 0).map { path in
                defer { free(path) }
                return String(cString: path)
            } ?? ""
        facts.mask = umask(0)
        umask(facts.mask)
        var entry = environ
        while entry.pointee != nil {
            facts.environment += 1
            entry += 1
        }
        return facts
    }

    /// What changed since `before`, as sentences.
    func changes(since before: ProcessFacts) -> [String] {
        var changes: [String] = []
        for signal in Self.signals where handlers[signal.number] != before.handlers[signal.number] {
            changes.append("loading it changed the handler of \(signal.name)")
        }
        if folder != before.folder { changes.append("loading it changed the working directory to \(folder)") }
        if mask != before.mask { changes.append("loading it changed the umask") }
        if environment != before.environment { changes.append("loading it changed the environment") }
        let opened = descriptors.subtracting(before.descriptors).count
        if opened > 1 { changes.append("loading it left \(opened - 1) files open") }
        return changes
    }

    static func list(_ folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }
}

/// Clocks and memory of this process.
enum Measure {
    static func clock(_ id: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(id, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    static var processID: Int32 { getpid() }
    static var ticksPerSecond: UInt64 { UInt64(max(sysconf(Int32(_SC_CLK_TCK)), 1)) }

    static func wall() -> UInt64 { clock(CLOCK_MONOTONIC) }
    static func processCPU() -> UInt64 { clock(CLOCK_PROCESS_CPUTIME_ID) }
    static func pause(milliseconds: UInt32) { usleep(milliseconds * 1_000) }
}
