package import JSONSchema
import PluginABI

/// An event with only the members that a transcript's author cared to write.
package struct EventPattern: Sendable {
    package var event: Event
    /// Which members were written.
    package var members: [String]
    package var mark: Mark?

    /// Nil if `actual` is such an event, else what differs.
    func difference(_ actual: Event) -> String? {
        guard actual.type == event.type else { return "is '\(actual.word)', '\(event.word)' is expected" }
        for name in members {
            let (want, have) = values(name, actual)
            guard want != have else { continue }
            return "'\(event.word)' has \(name) \(Self.short(have)), expected is \(Self.short(want))"
        }
        return nil
    }

    private func values(_ name: String, _ actual: Event) -> (ConfigNode, ConfigNode) {
        if name == "choice" { return (Self.number(event.choice), Self.number(actual.choice)) }
        if name == "index" { return (Self.number(event.index), Self.number(actual.index)) }
        let place = Event.members(of: event.kind).first { $0.name == name }?.place
        return (place?.value(in: event) ?? .string(""), place?.value(in: actual) ?? .string(""))
    }

    private static func number(_ number: UInt32) -> ConfigNode { ConfigNode(.int(Int64(number))) }

    static func short(_ node: ConfigNode) -> String {
        let text = node.json
        return text.count <= 120 ? text : text.prefix(117) + "…"
    }
}

/// Compares a merged stream with what a transcript expects.
enum EventComparison {
    /// Nil, or the first difference.
    static func difference(_ expected: [EventPattern], _ actual: [Event]) -> String? {
        for (number, pattern) in expected.enumerated() {
            guard number < actual.count else {
                return "event \(number + 1) is missing: \(EventPattern.short(pattern.event.node))"
            }
            if let difference = pattern.difference(actual[number]) { return "event \(number + 1) \(difference)" }
        }
        guard actual.count > expected.count else { return nil }
        return "event \(expected.count + 1) is too much: \(EventPattern.short(actual[expected.count].node))"
    }

    /// As above, between two runs of a plugin.
    static func difference(between first: [Event], and second: [Event]) -> String? {
        for number in 0..<min(first.count, second.count) where first[number] != second[number] {
            return "event \(number + 1) is \(EventPattern.short(first[number].node)) the one time and "
                + "\(EventPattern.short(second[number].node)) the other"
        }
        guard first.count != second.count else { return nil }
        return "there are \(first.count) events the one time and \(second.count) the other"
    }
}
