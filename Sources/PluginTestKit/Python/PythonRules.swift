import CanonicalModel
import PluginABI
import PluginHost

/// How rules are looked at whose usual way needs a library.
enum PythonRules {
    /// Why a rule says nothing about a plugin in Python.
    enum Because {
        static let noLibrary = "there is no library to look into"
        static let noLink = "nothing is linked; what it imports is imported before hello (R10)"
        static let noEntry = "the binding answers hello, once for each process"
        static let oneThread = "its process makes one call at a time, on one thread"
        static let copies = "what it sees are copies in its own process; no pointer of the host's gets there"
        static let later =
            "what a call brings leaves the process when it has returned; what the host refuses is dropped or fails the "
            + "call there"
        static let noTables = "the binding has no tables; the host's memory is always there"
        static let noMalloc = "its allocations cannot be made to fail from outside; Python raises MemoryError"
    }

    // MARK: R05

    private static let startLimit: UInt64 = 10_000_000_000
    private static let workLimit: UInt64 = 1_000_000_000

    static func loading(_ context: RuleContext) {
        let start = Measure.wall()
        do {
            let plugin = try context.load()
            guard let pid = plugin.python?.pid else { return }
            guard PythonProcess.isVisible(pid) else { return context.skip(PythonProcess.invisible) }
            let (wall, work) = (Measure.wall() - start, PythonProcess.processorTime(pid))
            if work > workLimit {
                context.fail("loading takes \(work / 1_000_000) ms of processor time, 1000 are allowed")
            }
            if wall > startLimit { context.fail("loading takes \(wall / 1_000_000) ms; the host waits for 20000") }
            let threads = PythonProcess.threads(pid)
            if threads > 1 {
                context.warn("loading it started \(threads - 1) threads", cure: "a plugin needs none")
            }
            context.note("the rest of the rule does not matter in a process of its own")
        } catch {
            context.skip("not reached, the loader stops before: \(error.step.rawValue)")
        }
    }

    // MARK: R21

    /// Create runs `configure` and nothing else of most plugins: what they make of a configuration shows in begin.
    static func begins(_ context: RuleContext, _ instance: KitInstance, _ what: String) {
        guard var script = context.scripts(instance.plugin).first else { return }
        script.endsAfterCalls = 1
        guard let failure = Exchange.make(instance, script).finish().failure,
            failure.category == KIMI_CAT_CONFIG.rawValue
        else { return }
        context.fail("\(failure.function) refuses \(what): \(failure.message)")
    }

    // MARK: R23, R43

    /// What one round may leave behind, in bytes, and the least that pages and arenas can show.
    private static let bytesPerRound = 128
    private static let leastBytes = 256 << 10

    /// Does the process grow by each half of the rounds? What it grew by, and in how many; nil: it does not, or the time
    /// was over before that was known.
    static func growth(
        _ child: CalledChild, warmUp: Int, half: Int, until deadline: UInt64 = .max, _ body: () -> Bool
    ) -> (bytes: Int, rounds: Int)? {
        var marks: [Int] = []
        for count in [warmUp, half, half] {
            for _ in 0..<count {
                guard body(), Measure.wall() < deadline else { return nil }
            }
            marks.append(PythonProcess.residentBytes(child.pid))
        }
        let (first, second) = (marks[1] - marks[0], marks[2] - marks[1])
        guard min(first, second) > max(half * bytesPerRound, leastBytes) else { return nil }
        return (first + second, 2 * half)
    }

    static func instanceGrowth(_ context: RuleContext, _ plugin: PluginUnderTest, _ child: CalledChild) {
        guard PythonProcess.isVisible(child.pid) else { return context.skip(PythonProcess.invisible) }
        let growth = growth(child, warmUp: 1_000, half: 4_500) { context.instance(plugin) != nil }
        guard let growth else { return }
        context.fail(
            "\(growth.rounds) instances leave \(growth.bytes) bytes behind, \(growth.bytes / growth.rounds) each")
    }

    static func exchangeGrowth(
        _ context: RuleContext, _ child: CalledChild, _ instance: KitInstance, _ script: Script, until deadline: UInt64
    ) {
        guard PythonProcess.isVisible(child.pid) else { return context.skip(PythonProcess.invisible) }
        let growth = growth(child, warmUp: 200, half: 600, until: deadline) {
            _ = Exchange.make(instance, script).finish()
            return true
        }
        guard let growth else { return }
        context.fail(
            "\(script.name): \(growth.rounds) exchanges leave \(growth.bytes) bytes behind, "
                + "\(growth.bytes / growth.rounds) each")
    }

    // MARK: R70

    private static let processes = 3

    /// Each process hashes strings in another way, and knows nothing of exchanges that others had.
    static func otherProcesses(_ context: RuleContext, _ plugin: PluginUnderTest) {
        var expected: [(script: Script, outcome: Outcome)] = []
        context.withInstances(plugin) { instance, script in
            expected.append((script, Exchange.make(instance, script).finish()))
        }
        for _ in 0..<processes where !context.hasFailed {
            do {
                _ = try plugin.withProcess {
                    for (script, outcome) in expected {
                        guard let instance = context.instance(plugin, config: script.config) else { return }
                        guard let difference = outcome.isSame(as: Exchange.make(instance, script).finish()) else {
                            continue
                        }
                        return context.fail(
                            "\(script.name), in another process: \(difference)",
                            cure: "do not go through sets, and take no time and no chance into what comes out")
                    }
                }
            } catch {
                context.fail("another process of it does not load: \(error.message)", cure: error.cure)
            }
        }
    }

    // MARK: R91

    /// Nanoseconds: some ticks of the clock, of a pause in which a busy machine gives a busy thread more.
    private static let idleLimit: UInt64 = 50_000_000
    private static let pauseMs: UInt32 = 1_000

    static func idle(_ context: RuleContext, _ child: CalledChild, _ exchange: Exchange) {
        guard PythonProcess.isVisible(child.pid) else { return context.skip(PythonProcess.invisible) }
        let threads = PythonProcess.threads(child.pid)
        for _ in 0..<4 { _ = exchange.step() }
        let before = PythonProcess.processorTime(child.pid)
        Measure.pause(milliseconds: pauseMs)
        let used = PythonProcess.processorTime(child.pid) - before
        let started = PythonProcess.threads(child.pid) - threads
        _ = exchange.finish()
        if used > idleLimit {
            context.fail("\(used / 1_000_000) ms of CPU in \(pauseMs) ms in which nothing was called")
        }
        if started > 0 { context.warn("begin started \(started) threads", cure: "a plugin needs none") }
    }
}
