import CanonicalModel
import PluginABI
import WireJSON

/// Checks on what plugins hand on.
enum ResponsesReply {
    /// Why an event cannot be encoded, or nil; `order` follows the events.
    static func failure(_ event: CanonicalEvent, _ order: inout EventOrder) -> ExchangeError? {
        if let violation = order.violation(event) ?? violation(event) {
            return ExchangeError(KIMI_CAT_INTERNAL, "a plugin sent \(violation) (rule S11)", code: "plugin_misbehaved")
        }
        guard EventOrder.isKnown(event.type) else { return nil }
        if event.choice > 0 {
            return protocolError("the upstream sent a second choice, which was not asked for")
        }
        guard kimi_event_type(event.type) == KIMI_EVENT_TOOL_BEGIN, event.b.len == 0 else { return nil }
        return protocolError("the upstream sent a tool call without a name, and nothing told which tool it means")
    }

    private static func protocolError(_ message: String) -> ExchangeError {
        ExchangeError(KIMI_CAT_PROTOCOL, message, code: "upstream_invalid_response")
    }

    /// What is wrong with an event whose slice a must be JSON, or nil.
    private static func violation(_ event: CanonicalEvent) -> String? {
        let type = kimi_event_type(event.type)
        guard type == KIMI_EVENT_JSON || type == KIMI_EVENT_PART, event.a.len > 0 else { return nil }
        guard String(validating: event.a.buffer, as: UTF8.self) != nil else {
            return "an event whose JSON is not UTF-8"
        }
        do {
            _ = try JSONSpans.value(of: event.a.buffer)
            return nil
        } catch {
            return "an event whose JSON is not valid: \(error.message)"
        }
    }
}
