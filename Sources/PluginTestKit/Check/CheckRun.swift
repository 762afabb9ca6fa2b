package import JSONSchema

/// What came out of one rule.
package struct RuleResult: Sendable {
    package enum Status: String, Sendable, CaseIterable {
        case pass = "PASS", warn = "WARN", fail = "FAIL", skip = "SKIP"
    }

    package var rule: Rule
    package var status: Status
    package var findings: [Finding]
    package var milliseconds: Int
    /// False: it says nothing about files of this kind, and was not tried.
    package var isApplicable = true

    /// One object for `--json`.
    package var node: ConfigNode {
        let findings = findings.map { finding in
            var object = ConfigObject([
                .init(key: "level", value: .string(finding.level.rawValue)),
                .init(key: "message", value: .string(finding.message)),
            ])
            if finding.level == .fail || finding.level == .warn {
                object["cure"] = .string(finding.cure ?? rule.cure)
            }
            return ConfigNode(.object(object))
        }
        var object = ConfigObject([
            .init(key: "rule", value: .string(rule.id)),
            .init(key: "group", value: .string(rule.group.rawValue)),
            .init(key: "title", value: .string(rule.title)),
            .init(key: "status", value: .string(status.rawValue.lowercased())),
            .init(key: "ms", value: ConfigNode(.int(Int64(milliseconds)))),
            .init(key: "findings", value: ConfigNode(.array(findings))),
        ])
        if !isApplicable { object["applicable"] = ConfigNode(.bool(false)) }
        return ConfigNode(.object(object))
    }

    /// Lines for people.
    package var lines: [String] {
        var lines = ["\(rule.id) \(status.rawValue)  \(rule.title)"]
        for finding in findings {
            lines.append("          " + (finding.level == .note ? "(\(finding.message))" : finding.message))
        }
        let cures = findings.filter { $0.level == .fail || $0.level == .warn }.map { $0.cure ?? rule.cure }
        var seen = Set<String>()
        for cure in cures where seen.insert(cure).inserted { lines.append("          cure: \(cure)") }
        return lines
    }
}

/// Runs the rules, each in a process of its own.
package struct CheckRun {
    let request: CheckRequest
    /// Ids and groups; nil: all.
    let only: Set<String>?
    /// In place of each rule's own limit.
    let seconds: Int?

    package init(_ request: CheckRequest, only: Set<String>?, seconds: Int? = nil) {
        (self.request, self.only, self.seconds) = (request, only, seconds)
    }

    /// Names in `only` that are neither rule nor group.
    package static func unknown(_ only: Set<String>) -> [String] {
        only.filter { name in
            Rule.Group(rawValue: name) == nil && !Rule.all.contains { $0.id == name }
        }.sorted()
    }

    /// Checks; `report` gets each result as it comes.
    package func run(_ report: (RuleResult) -> Void) -> [RuleResult] {
        var results: [RuleResult] = []
        var gate: String?
        for rule in Rule.all where only.map({ $0.contains(rule.id) || $0.contains(rule.group.rawValue) }) ?? true {
            var result: RuleResult
            if let gate {
                let finding = Finding(level: .skip, message: "not reached: \(gate) failed")
                result = RuleResult(rule: rule, status: .skip, findings: [finding], milliseconds: 0)
            } else if request.isPython, let reason = rule.notForPython {
                let finding = Finding(level: .skip, message: "not applicable to a plugin in Python: \(reason)")
                result = RuleResult(
                    rule: rule, status: .skip, findings: [finding], milliseconds: 0, isApplicable: false)
            } else {
                result = check(rule)
                if result.status == .fail, Rule.gates.contains(rule.id) { gate = rule.id }
            }
            results.append(result)
            report(result)
        }
        return results
    }

    private func check(_ rule: Rule) -> RuleResult {
        var findings: [Finding] = []
        var isDone = false
        var crash: String?
        let seconds = self.seconds ?? rule.seconds * (request.isPython ? 3 : 1)
        let child = ChildProcess(arguments: request.arguments(task: rule.id), seconds: seconds)
        let ending = child.run { text in
            guard let line = ChildReport.parse(text), findings.count < 64 else { return }
            if line.kind == "done" { isDone = true }
            if line.kind == "crash", crash == nil { crash = ChildReport.crashSentence(line.node) }
            guard let level = Finding.Level(rawValue: line.kind) else { return }
            if !findings.contains(where: { $0.message == line.message }) {
                findings.append(Finding(level: level, message: line.message, cure: line.cure))
            }
        }
        if let sentence = CheckRun.sentence(ending, crash, isDone, seconds) {
            findings.append(Finding(level: .fail, message: sentence))
            if let last = CheckRun.lastLine(ending.output) {
                findings.append(Finding(level: .note, message: "it said: \(last)"))
            }
        }
        return RuleResult(
            rule: rule, status: CheckRun.status(findings), findings: findings, milliseconds: ending.milliseconds)
    }

    /// How a process ended that should have said "done"; nil if all went well.
    static func sentence(_ ending: ChildProcess.Ending, _ crash: String?, _ isDone: Bool, _ seconds: Int) -> String? {
        if let crash { return crash }
        switch ending.how {
        case .tooLong: return "it hangs: stopped after \(seconds) s"
        case .tooLarge: return "it takes more than \(ChildProcess.maxResidentBytes >> 20) MB of memory: stopped"
        case .signalled(let signal): return "the process was ended by \(ChildReport.signalName(signal))"
        case .notStarted(let reason): return "the check's process \(reason)"
        case .exited(let status): return isDone ? nil : "the plugin ended the process, with status \(status)"
        }
    }

    private static func lastLine(_ output: String) -> String? {
        let lines = output.split(whereSeparator: \.isNewline).filter { !$0.isEmpty }
        // Swift and C say what went wrong before they print where.
        let telling = lines.first { $0.contains("Fatal error") || $0.contains("rror:") || $0.contains("panicked") }
        return (telling ?? lines.last).map { String($0.prefix(300)) }
    }

    private static func status(_ findings: [Finding]) -> RuleResult.Status {
        if findings.contains(where: { $0.level == .fail }) { return .fail }
        if findings.contains(where: { $0.level == .warn }) { return .warn }
        return findings.contains { $0.level == .skip } ? .skip : .pass
    }
}
