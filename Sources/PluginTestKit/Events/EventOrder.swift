package import CanonicalModel
import PluginABI

/// Checks that a stream of events keeps rule S11 of kimi_plugin.h, whatever plugins do.
package struct EventOrder {
    private struct Choice {
        var isBegun = false
        var isFinished = false
        var openCall: UInt32?
        var nextCall: UInt32 = 0
    }

    /// Bound on `n`: more choices than this are a violation, not memory.
    package static let maxChoices = 128

    private var hasStarted = false
    private var hasFailed = false
    private var choices: [Choice] = []

    package init() {}

    /// Has every choice that was begun got its FINISH, and was there one?
    package var isComplete: Bool {
        choices.contains(where: \.isBegun) && choices.allSatisfy { $0.isFinished || !$0.isBegun }
    }

    /// Types of later minors are skipped by rule.
    package static func isKnown(_ type: UInt32) -> Bool {
        type >= KIMI_EVENT_START.rawValue && type <= KIMI_EVENT_JSON.rawValue
    }

    /// Takes the next event. Nil, or a sentence that names the violation; then the event must not be used.
    package mutating func violation(_ event: CanonicalEvent) -> String? {
        guard Self.isKnown(event.type) else { return nil }
        if hasFailed { return "an event after ERROR" }
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START:
            defer { hasStarted = true }
            return hasStarted ? "a second START" : nil
        case KIMI_EVENT_ERROR:
            hasFailed = true
            return nil
        case KIMI_EVENT_USAGE: return hasStarted ? nil : "USAGE before START"
        case KIMI_EVENT_JSON where event.i0 == Int64(KIMI_SCOPE_RESPONSE.rawValue):
            return hasStarted ? nil : "JSON before START"
        default: return choiceViolation(event)
        }
    }

    private mutating func choiceViolation(_ event: CanonicalEvent) -> String? {
        guard hasStarted else { return "an event before START" }
        guard event.choice < Self.maxChoices else { return "choice \(event.choice), the limit is \(Self.maxChoices)" }
        let number = Int(event.choice)
        while choices.count <= number { choices.append(Choice()) }
        choices[number].isBegun = true
        if choices[number].isFinished { return "an event after FINISH of choice \(number)" }
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_TOOL_BEGIN: return begin(event, &choices[number])
        case KIMI_EVENT_TOOL_ARGS:
            return choices[number].openCall == event.index
                ? nil : "TOOL_ARGS for call \(event.index), which is not open"
        case KIMI_EVENT_TOOL_END:
            guard choices[number].openCall == event.index else {
                return "TOOL_END for call \(event.index), which is not open"
            }
            choices[number].openCall = nil
        case KIMI_EVENT_FINISH:
            if let call = choices[number].openCall { return "FINISH while call \(call) is open" }
            choices[number].isFinished = true
        default: break
        }
        return nil
    }

    private func begin(_ event: CanonicalEvent, _ choice: inout Choice) -> String? {
        if let call = choice.openCall { return "TOOL_BEGIN while call \(call) is open" }
        guard event.index == choice.nextCall else {
            return "TOOL_BEGIN with index \(event.index), the next is \(choice.nextCall)"
        }
        choice.openCall = event.index
        choice.nextCall += 1
        return nil
    }
}
