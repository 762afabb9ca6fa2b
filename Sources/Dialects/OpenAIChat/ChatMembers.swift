import CanonicalModel
import PluginABI
import WireJSON

/// JSON events of chat replies: which may stand beside the members that the encoders write.
enum ChatMembers {
    /// May the member go to the client as it is? If not, `repairs` tells why.
    static func admits(_ event: CanonicalEvent, _ repairs: Repairs) -> Bool {
        let name = event.b.buffer
        let reserved = reserved(event.i0)
        if reserved.contains(where: { name.matches($0) }) {
            repairs.add(.dropped, "JSON for the member '\(event.b.text)', which has an event of its own")
            return false
        }
        guard let kinds = kinds(event.i0).first(where: { name.matches($0.0) })?.1, event.a.len > 0 else { return true }
        let kind = (try? JSONSpans.value(of: event.a.buffer))?.kind
        if let kind, kind == .null || kinds == kind { return true }
        repairs.add(.dropped, "member '\(event.b.text)', which is not of its type")
        return false
    }

    private static func reserved(_ scope: Int64) -> [StaticString] {
        switch scope {
        // Clients take an event with `error` for the end.
        case Int64(KIMI_SCOPE_RESPONSE.rawValue):
            ["id", "object", "created", "model", "choices", "usage", "error"]
        case Int64(KIMI_SCOPE_CHOICE.rawValue): ["index", "delta", "message", "finish_reason"]
        default: ["role", "content", "reasoning_content", "images"]
        }
    }

    /// The types of members that clients know, null apart.
    private static func kinds(_ scope: Int64) -> [(StaticString, JSONKind)] {
        switch scope {
        case Int64(KIMI_SCOPE_RESPONSE.rawValue): [("system_fingerprint", .string), ("service_tier", .string)]
        case Int64(KIMI_SCOPE_CHOICE.rawValue): [("logprobs", .object)]
        default:
            [
                ("refusal", .string), ("annotations", .array), ("audio", .object), ("function_call", .object),
                ("tool_calls", .array), ("reasoning_details", .array),
            ]
        }
    }
}
