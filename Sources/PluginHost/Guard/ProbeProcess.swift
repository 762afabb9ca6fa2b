#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// One run of the host's own program as a prober of some libraries.
struct ProbeProcess {
    /// How a library fared.
    enum Outcome: Equatable {
        case fine(manifest: String)
        /// The loader's checks refuse it; nothing worse.
        case refused
        case failed(Failure)
    }

    struct Failure: Equatable {
        /// `dlopen` or `entry`.
        var phase: String
        /// `SIGSEGV`, `no return within 5 s`, `exit with status 1`.
        var how: String
        var isHang: Bool
        /// The last line that it printed; may be empty.
        var printed: String
    }

    /// Milliseconds without a word from the child.
    static let patienceMs: Int64 = 5_000
    /// Silences in a row that are borne with while the child is only short of processor or disk.
    private static let maxSilences = 12
    private static let maxReportBytes = 16 << 20
    private static let keptOutputBytes = 2_048

    /// Probes the files in order until one does not come back. Returns as many outcomes as it got to; nil: the child
    /// could not be started.
    static func run(_ files: [String], insecurePaths: Bool) -> [Outcome]? {
        var report: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        guard openPipe(&report) else { return nil }
        guard openPipe(&output) else {
            for end in report { close(end) }
            return nil
        }
        let arguments = ["plugin", "probe-child"] + (insecurePaths ? ["--plugins-insecure-path"] : []) + ["--"] + files
        let child = spawn(arguments, report[1], output[1])
        close(report[1])
        close(output[1])
        defer {
            close(report[0])
            close(output[0])
        }
        guard let child else { return nil }
        var reading = ProbeReading(report: report[0], output: output[0], keptOutputBytes: keptOutputBytes)
        follow(child, &reading)
        let isHang = !reading.isEnded
        if isHang { kill(child, SIGKILL) }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        guard reading.isUnderWay else { return reading.outcomes }
        let how = isHang ? "no return within \(patienceMs / 1000) s" : words(status)
        let failure = Failure(phase: reading.phase, how: how, isHang: isHang, printed: reading.lastPrinted)
        return reading.outcomes + [.failed(failure)]
    }

    /// Reads until the report is over, or the child has hung.
    private static func follow(_ child: pid_t, _ reading: inout ProbeReading) {
        var silences = 0
        while reading.reportBytes < maxReportBytes {
            switch reading.wait(milliseconds: patienceMs) {
            case .end: return
            case .more: silences = 0
            case .silence:
                silences += 1
                guard silences < maxSilences, ProcessState(of: child)?.isStarved(silences) == true else { return }
            }
        }
    }

    private static func words(_ status: Int32) -> String {
        let signal = status & 0x7F
        guard signal != 0 else { return "exit with status \(status >> 8 & 0xFF)" }
        let names: [Int32: String] = [
            SIGSEGV: "SIGSEGV", SIGBUS: "SIGBUS", SIGILL: "SIGILL", SIGFPE: "SIGFPE", SIGABRT: "SIGABRT",
            SIGTRAP: "SIGTRAP", SIGKILL: "SIGKILL", SIGSYS: "SIGSYS",
        ]
        return names[signal] ?? "signal \(signal)"
    }

    private static func openPipe(_ ends: inout [Int32]) -> Bool {
        guard pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    private static func spawn(_ arguments: [String], _ report: Int32, _ output: Int32) -> pid_t? {
        #if canImport(Glibc)
        var actions = posix_spawn_file_actions_t()
        let program = "/proc/self/exe"
        #else
        var actions: posix_spawn_file_actions_t?
        let program = CommandLine.arguments.first ?? "kimi-host"
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        posix_spawn_file_actions_adddup2(&actions, report, ProbeChild.descriptor)
        var pointers = ([CommandLine.arguments.first ?? "kimi-host"] + arguments).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        var variables = environment.map { strdup($0) } + [nil]
        defer { for variable in variables { free(variable) } }
        return posix_spawn(&child, program, &actions, nil, pointers, &variables) == 0 ? child : nil
    }

    /// What the program itself needs to run. No keys: the libraries are not trusted yet.
    private static var environment: [String] {
        ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ"].compactMap { name in
            getenv(name).map { name + "=" + String(cString: $0) }
        }
    }
}
