#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A run of this very program in which a plugin's code may do what it likes. Its report comes through descriptor 3.
struct ChildProcess {
    /// How it ended.
    struct Ending {
        enum How: Equatable { case exited(Int32), signalled(Int32), tooLong, tooLarge, notStarted(String) }
        var how: How
        /// What it printed, the last of it.
        var output: String
        var milliseconds: Int
    }

    static let reportDescriptor: Int32 = 3
    /// Resident memory of a child.
    static let maxResidentBytes = 2 << 30
    private static let maxReportBytes = 4 << 20
    private static let keptOutputBytes = 4_096

    let arguments: [String]
    let seconds: Int

    /// Runs it to its end or the limit. `line` gets each line of the report.
    func run(_ line: (String) -> Void) -> Ending {
        var report: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        guard openPipe(&report), openPipe(&output) else { return failed("no pipe: \(Self.lastError)") }
        let start = Measure.wall()
        let spawned = spawn(report[1], output[1])
        close(report[1])
        close(output[1])
        defer {
            close(report[0])
            close(output[0])
        }
        guard let child = spawned else { return failed("cannot be started: \(Self.lastError)") }
        var reader = Reader(report: report[0], output: output[0])
        let how = watch(child, &reader, until: start + UInt64(seconds) * 1_000_000_000, line)
        // Whatever it started goes with it.
        kill(-child, SIGKILL)
        let text = String(decoding: reader.printed.suffix(Self.keptOutputBytes), as: UTF8.self)
        return Ending(how: how, output: text, milliseconds: Int((Measure.wall() - start) / 1_000_000))
    }

    private static var lastError: String { String(cString: strerror(errno)) }

    private func failed(_ reason: String) -> Ending {
        Ending(how: .notStarted(reason), output: "", milliseconds: 0)
    }

    private func openPipe(_ ends: inout [Int32]) -> Bool {
        guard pipe(&ends) == 0 else { return false }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return true
    }

    private func spawn(_ report: Int32, _ output: Int32) -> pid_t? {
        #if canImport(Glibc)
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        #else
        var actions: posix_spawn_file_actions_t?
        var attributes: posix_spawnattr_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        posix_spawn_file_actions_adddup2(&actions, report, Self.reportDescriptor)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var pointers = ([CommandLine.arguments.first ?? "kimi-host"] + arguments).map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var child: pid_t = 0
        let status = posix_spawn(&child, Self.program, &actions, &attributes, pointers, environ)
        guard status == 0 else {
            errno = status
            return nil
        }
        return child
    }

    private static var program: String {
        #if os(Linux)
        "/proc/self/exe"
        #else
        CommandLine.arguments.first ?? "kimi-host"
        #endif
    }

    /// Reads until the child has ended or must be ended.
    private func watch(
        _ child: pid_t, _ reader: inout Reader, until deadline: UInt64, _ line: (String) -> Void
    ) -> Ending.How {
        while true {
            reader.wait(milliseconds: 20, line)
            var status: Int32 = 0
            if waitpid(child, &status, WNOHANG) == child {
                reader.drain(line)
                return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .signalled(status & 0x7F)
            }
            let isLarge = Self.residentBytes(child) > Self.maxResidentBytes || reader.reportBytes > Self.maxReportBytes
            guard isLarge || Measure.wall() > deadline else { continue }
            kill(-child, SIGKILL)
            kill(child, SIGKILL)
            waitpid(child, &status, 0)
            reader.drain(line)
            return isLarge ? .tooLarge : .tooLong
        }
    }

    static func residentBytes(_ child: pid_t) -> Int {
        guard let bytes = Files.read("/proc/\(child)/statm", maxBytes: 4_096) else { return 0 }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
    }
}

/// Reads a child's two pipes.
private struct Reader {
    let report: Int32
    let output: Int32
    private(set) var printed: [UInt8] = []
    private(set) var reportBytes = 0
    private var unfinished: [UInt8] = []
    private var isOpen = [true, true]

    init(report: Int32, output: Int32) {
        (self.report, self.output) = (report, output)
        for descriptor in [report, output] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    mutating func wait(milliseconds: Int32, _ line: (String) -> Void) {
        var polled = [
            pollfd(fd: isOpen[0] ? report : -1, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isOpen[1] ? output : -1, events: Int16(POLLIN), revents: 0),
        ]
        _ = poll(&polled, 2, milliseconds)
        if polled[0].revents != 0 { isOpen[0] = readReport(line) }
        if polled[1].revents != 0 { isOpen[1] = readOutput() }
    }

    /// What is left in the pipes, without waiting.
    mutating func drain(_ line: (String) -> Void) {
        _ = readReport(line)
        _ = readOutput()
    }

    /// False at the end of the pipe.
    private mutating func readReport(_ line: (String) -> Void) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(report, &buffer, buffer.count)
            guard count > 0 else { return count < 0 }
            reportBytes += count
            unfinished += buffer.prefix(count)
            while let end = unfinished.firstIndex(of: 0x0A) {
                let text = String(decoding: unfinished[..<end], as: UTF8.self)
                unfinished.removeSubrange(...end)
                if !text.isEmpty { line(text) }
            }
            // More comes with the next turn, after a look at the limits.
            if count < buffer.count { return true }
        }
    }

    private mutating func readOutput() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        let count = read(output, &buffer, buffer.count)
        guard count > 0 else { return count < 0 }
        printed = Array((printed + buffer.prefix(count)).suffix(1 << 14))
        return true
    }
}
