/// One numbered rule that a plugin is held to. docs/plugins/testing.md lists them; the numbers never change meaning.
package struct Rule: Sendable {
    package enum Group: String, Sendable, CaseIterable {
        case binary, handshake, config, state, memory, stream, output, determinism, failure, time, golden
    }

    /// "R40".
    package var id: String
    package var group: Group
    /// What holds, in a few words.
    package var title: String
    /// What to do when it does not.
    package var cure: String
    /// Must the plugin be loaded by the full loader before?
    package var needsPlugin: Bool
    /// Seconds that its process may take; three times as many for a plugin in Python, whose calls are messages.
    package var seconds: Int
    /// Why it says nothing about a plugin in Python; nil: it does.
    package var notForPython: String?
    let check: @Sendable (RuleContext) -> Void

    init(
        _ id: String, _ group: Group, _ title: String, cure: String, needsPlugin: Bool = true, seconds: Int = 30,
        notForPython: String? = nil, _ check: @escaping @Sendable (RuleContext) -> Void
    ) {
        (self.id, self.group, self.title, self.cure) = (id, group, title, cure)
        (self.needsPlugin, self.seconds, self.check) = (needsPlugin, seconds, check)
        self.notForPython = notForPython
    }

    /// All rules, in order.
    package static let all: [Rule] = Array(
        [
            BinaryRules.all, HandshakeRules.all, ConfigRules.all, StateRules.all, MemoryRules.all, StreamRules.all,
            OutputRules.all, DeterminismRules.all, FailureRules.all, TimeRules.all, GoldenRules.all,
        ].joined())

    /// After a failure of these nothing further can be said.
    package static let gates: Set<String> = ["R01", "R03", "R10", "R11", "R12"]
}

/// What a rule found.
package struct Finding: Sendable {
    package enum Level: String, Sendable { case fail, warn, skip, note }

    package var level: Level
    package var message: String
    /// In place of the rule's own.
    package var cure: String?
}
