import CPluginTestKit
import JSONSchema

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What a child process does: `kimi-host plugin kit-child TASK FILE …`.
package enum ChildTask {
    /// Bytes of memory that the process may ask for at all; the parent's own limit is lower.
    private static let maxDataBytes: UInt64 = 8 << 30

    /// Runs a task and reports. False if there is no such task, or its input is unusable.
    package static func run(_ task: String, _ request: CheckRequest) -> Bool {
        ptk_die_with_parent()
        ptk_watch_crashes(ChildProcess.reportDescriptor)
        do {
            let config = try request.configNode()
            let transcripts = try request.readTranscripts()
            let context = RuleContext(
                file: request.file, insecurePaths: request.insecurePaths, config: config, transcripts: transcripts,
                seed: request.seed
            ) { ChildReport.send($0.level.rawValue, $0.message, cure: $0.cure) }
            guard perform(task, context) else { return false }
        } catch {
            ChildReport.send("fail", "\(error)")
        }
        ChildReport.send("done")
        return true
    }

    /// Ends the process at once.
    package static func leave() -> Never { _exit(0) }

    private static func perform(_ task: String, _ context: RuleContext) -> Bool {
        if let rule = Rule.all.first(where: { $0.id == task }) {
            ptk_limit(maxDataBytes, UInt64(2 * rule.seconds))
            rule.check(context)
            return true
        }
        switch task {
        case "run": QuickLook.run(context)
        case "bench": Bench.run(context)
        case "fuzz": FuzzChild.search(context)
        case "try": FuzzChild.attempt(context)
        case "export": FuzzChild.export(context)
        default: return false
        }
        return true
    }
}
