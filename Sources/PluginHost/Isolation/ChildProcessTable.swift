import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Starts and ends the children of isolated plugins, on a thread that lives as long as the process: the kernel ends a
/// child when the *thread* that started it is gone.
enum ChildProcessTable {
    /// How long a killed child may take to be gone, in milliseconds.
    private static let reapMs = 2_000

    struct Child: Sendable {
        let pid: pid_t
        let descriptor: Int32
    }

    private typealias Job = @Sendable () -> Void

    /// A child that is to end.
    private struct Ending {
        let pid: pid_t
        let graceMs: Int
        let begunMs: UInt64
        let done: @Sendable (String) -> Void
    }

    private final class Jobs: @unchecked Sendable {
        // The mutex guards the list.
        private var mutex = pthread_mutex_t()
        private var condition = pthread_cond_t()
        private var list: [Job] = []
        // The thread's own.
        private var endings: [Ending] = []
        private static let pollMs = 2

        init() {
            pthread_mutex_init(&mutex, nil)
            pthread_cond_init(&condition, nil)
        }

        func add(_ job: @escaping Job) {
            pthread_mutex_lock(&mutex)
            list.append(job)
            pthread_cond_signal(&condition)
            pthread_mutex_unlock(&mutex)
        }

        /// On the thread only.
        func add(_ ending: Ending) { endings.append(ending) }

        func run() -> Never {
            while true {
                pthread_mutex_lock(&mutex)
                while list.isEmpty, endings.isEmpty { pthread_cond_wait(&condition, &mutex) }
                let job = list.isEmpty ? nil : list.removeFirst()
                pthread_mutex_unlock(&mutex)
                if let job { job() } else { usleep(UInt32(Self.pollMs) * 1_000) }
                endings.removeAll { ChildProcessTable.isOver($0) }
            }
        }
    }

    private static let jobs: Jobs = {
        let jobs = Jobs()
        let argument = Unmanaged.passRetained(jobs).toOpaque()
        #if canImport(Darwin)
        var thread: pthread_t?
        #else
        var thread = pthread_t()
        #endif
        pthread_create(
            &thread, nil,
            { argument in
                #if canImport(Darwin)
                Unmanaged<Jobs>.fromOpaque(argument).takeUnretainedValue().run()
                #else
                guard let argument else { return nil }
                Unmanaged<Jobs>.fromOpaque(argument).takeUnretainedValue().run()
                #endif
            }, argument)
        return jobs
    }()

    /// Starts `arguments[0]`; `done` gets the child or a sentence, on the table's thread.
    static func start(_ arguments: [String], _ done: @escaping @Sendable (Result<Child, StepFailure>) -> Void) {
        jobs.add { done(Result { () throws(StepFailure) in try spawn(arguments) }) }
    }

    /// The same for callers that may wait; never an event loop.
    static func start(_ arguments: [String]) throws(StepFailure) -> Child {
        let answer = Mutex<Result<Child, StepFailure>?>(nil)
        let shared = SharedAnswer(answer)
        start(arguments) { result in shared.set(result) }
        return try shared.wait().get()
    }

    private final class SharedAnswer: @unchecked Sendable {
        private var semaphore = sem_t()
        private let value: Mutex<Result<Child, StepFailure>?>

        init(_ value: consuming Mutex<Result<Child, StepFailure>?>) {
            self.value = value
            sem_init(&semaphore, 0, 0)
        }

        func set(_ result: Result<Child, StepFailure>) {
            value.withLock { $0 = result }
            sem_post(&semaphore)
        }

        func wait() -> Result<Child, StepFailure> {
            while sem_wait(&semaphore) != 0 {}
            return value.withLock { $0 } ?? .failure(StepFailure(message: "no answer", cure: "try again"))
        }
    }

    /// Kills the child after `graceMs`, and tells how it ended, on the table's thread.
    static func end(_ pid: pid_t, graceMs: Int, _ done: @escaping @Sendable (String) -> Void) {
        jobs.add { jobs.add(Ending(pid: pid, graceMs: graceMs, begunMs: HostTable.monotonicMs, done: done)) }
    }

    /// Has it ended, or been given up?
    private static func isOver(_ ending: Ending) -> Bool {
        let waited = HostTable.monotonicMs - ending.begunMs
        if waited >= UInt64(ending.graceMs) { kill(ending.pid, SIGKILL) }
        var information = siginfo_t()
        // It stays a zombie for a moment more: its group's number cannot be another's meanwhile.
        let found = waitid(P_PID, id_t(ending.pid), &information, WEXITED | WNOHANG | WNOWAIT)
        let isThere = found == 0 && information.si_signo == 0
        guard isThere else {
            kill(-ending.pid, SIGKILL)  // What it has started, while it was loaded.
            var status: Int32 = 0
            while waitpid(ending.pid, &status, 0) < 0, errno == EINTR {}
            ending.done(words(status))
            return true
        }
        guard waited < UInt64(ending.graceMs + reapMs) else {
            ending.done("does not end")
            return true
        }
        return false
    }

    static func close(_ descriptor: Int32) {
        #if canImport(Darwin)
        _ = Darwin.close(descriptor)
        #else
        _ = Glibc.close(descriptor)
        #endif
    }

    private static func words(_ status: Int32) -> String {
        let signal = status & 0x7F
        if signal != 0 { return "ended by signal \(signal) (\(name(signal)))" }
        switch status >> 8 & 0xFF {
        case 4: return "ended: the host's messages made no sense to it"
        case 5: return "ended: out of memory"
        case let code: return "ended with status \(code)"
        }
    }

    private static func name(_ signal: Int32) -> String {
        let names: [Int32: String] = [
            SIGILL: "SIGILL", SIGTRAP: "SIGTRAP", SIGABRT: "SIGABRT", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE",
            SIGKILL: "SIGKILL", SIGSEGV: "SIGSEGV", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU", SIGXFSZ: "SIGXFSZ",
            SIGSYS: "SIGSYS",
        ]
        return names[signal] ?? "a signal"
    }

    private static func spawn(_ arguments: [String]) throws(StepFailure) -> Child {
        var ends: [Int32] = [-1, -1]
        #if canImport(Glibc)
        let made = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        #else
        let made = socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #endif
        guard made == 0 else { throw failure("no socket for it", errno) }
        defer { close(ends[1]) }
        do {
            return Child(pid: try exec(arguments, ends[1]), descriptor: ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    private static func exec(_ arguments: [String], _ socket: Int32) throws(StepFailure) -> pid_t {
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
        for descriptor in 0...2 as ClosedRange<Int32> {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, socket, 3)
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A group of its own: Ctrl-C is the host's business.
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]  // No keys: it gets nothing.
        var pid: pid_t = 0
        let status = posix_spawn(&pid, arguments[0], &actions, &attributes, &words, &environment)
        guard status == 0 else { throw failure("\(arguments[0]) cannot be started", status) }
        return pid
    }

    private static func failure(_ what: String, _ error: Int32) -> StepFailure {
        StepFailure(
            message: "\(what): \(String(cString: strerror(error)))", cure: "install kimi-plugin-host beside kimi-host")
    }
}
