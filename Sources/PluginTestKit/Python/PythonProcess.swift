import PluginHost

/// What the checks know of the process of a plugin in Python.
enum PythonProcess {
    /// Reports what a library could not come back from, and ends the check: nothing that follows would mean anything.
    static func report(_ fault: CalledChild.Fault) {
        let (sentence, cure) = words(fault)
        ChildReport.send("fail", sentence, cure: cure)
        ChildReport.send("done")
        ChildTask.leave()
    }

    private static func words(_ fault: CalledChild.Fault) -> (String, String?) {
        switch fault.kind {
        case .raised:
            (
                "the plugin raised \(fault.words)",
                "handle it, or raise kimi.Failure with a sentence for the client and a category"
            )
        case .gone: ("in \(fault.function) its process \(fault.words)", nil)
        case .late: ("in \(fault.function) it hangs: it \(fault.words), after which the host kills the process", nil)
        case .malformed:
            ("its process answered \(fault.function) with \(fault.words)", "call sink and plan with what they take")
        }
    }

    /// Does this system tell of other processes? Where it does not, rules about memory and idleness say so.
    static func isVisible(_ pid: Int32) -> Bool { residentBytes(pid) > 0 }
    static let invisible = "this system does not tell what another process takes"

    /// Resident memory.
    static func residentBytes(_ pid: Int32) -> Int { ChildProcess.residentBytes(pid) }

    /// Processor time of all its threads so far, nanoseconds; in steps of a clock tick.
    static func processorTime(_ pid: Int32) -> UInt64 {
        guard let bytes = Files.read("/proc/\(pid)/stat", maxBytes: 4_096) else { return 0 }
        // Behind the name, which may have anything in it, in brackets.
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.lastIndex(of: ")") else { return 0 }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return 0 }
        return (user + system) * (1_000_000_000 / Measure.ticksPerSecond)
    }

    static func threads(_ pid: Int32) -> Int { ProcessFacts.list("/proc/\(pid)/task").count }
}

extension PluginUnderTest {
    /// The process that runs a plugin in Python; nil for a library.
    var python: CalledChild? { plugin.isolated == nil ? nil : CalledChild.current }

    /// Does `body` while instances are made in another process: a new one of the plugin's, or of another file.
    func withProcess<Value>(of file: String? = nil, _ body: () -> Value) throws(PluginLoadError) -> Value? {
        guard let isolated = plugin.isolated else { return nil }
        let before = CalledChild.current
        defer { CalledChild.current = before }
        CalledChild.current =
            if let file {
                try isolated.calledChild(of: file, PythonProcess.report)
            } else {
                try isolated.calledChild(PythonProcess.report)
            }
        return body()
    }
}
