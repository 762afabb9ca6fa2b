import CanonicalModel
import PluginABI

/// Events with storage that lives as long as the test needs it.
enum Step: Sendable {
    case start(id: String = "chatcmpl-9", model: String = "m", created: Int64 = 1_700_000_000)
    case text(String, choice: UInt32 = 0)
    case reasoning(String, choice: UInt32 = 0)
    case signature(String, text: String = "")
    case part(String)
    case begin(UInt32, id: String, name: String, choice: UInt32 = 0)
    case arguments(UInt32, String, choice: UInt32 = 0)
    case end(UInt32, choice: UInt32 = 0)
    case usage(String, Int64, Int64, Int64 = -1, Int64 = -1)
    case finish(String, choice: UInt32 = 0)
    case json(kimi_scope, String, String, choice: UInt32 = 0)
    case error(String, code: String = "", category: kimi_category = KIMI_CAT_UPSTREAM, status: Int64 = 500)

    /// Hands the event to `receiver`, alone in its batch.
    @discardableResult
    func send(to receiver: any EventReceiver) -> kimi_status {
        var event = kimi_event()
        var a: [UInt8] = []
        var b: [UInt8] = []
        switch self {
        case .start(let id, let model, let created):
            event.type = KIMI_EVENT_START.rawValue
            (a, b, event.i0) = (Array(id.utf8), Array(model.utf8), created)
        case .text(let text, let choice): Self.fill(&event, KIMI_EVENT_TEXT, choice, &a, text)
        case .reasoning(let text, let choice): Self.fill(&event, KIMI_EVENT_REASONING, choice, &a, text)
        case .signature(let signature, let text):
            Self.fill(&event, KIMI_EVENT_REASONING, 0, &a, text)
            b = Array(signature.utf8)
        case .part(let json): Self.fill(&event, KIMI_EVENT_PART, 0, &a, json)
        case .begin(let index, let id, let name, let choice):
            Self.fill(&event, KIMI_EVENT_TOOL_BEGIN, choice, &a, id)
            event.index = index
            b = Array(name.utf8)
        case .arguments(let index, let text, let choice):
            Self.fill(&event, KIMI_EVENT_TOOL_ARGS, choice, &a, text)
            event.index = index
        case .end(let index, let choice):
            Self.fill(&event, KIMI_EVENT_TOOL_END, choice, &a, "")
            event.index = index
        case .usage(let json, let input, let output, let cached, let reasoning):
            Self.fill(&event, KIMI_EVENT_USAGE, 0, &a, json)
            (event.i0, event.i1, event.i2, event.i3) = (input, output, cached, reasoning)
        case .finish(let reason, let choice): Self.fill(&event, KIMI_EVENT_FINISH, choice, &a, reason)
        case .json(let scope, let name, let json, let choice):
            Self.fill(&event, KIMI_EVENT_JSON, choice, &a, json)
            b = Array(name.utf8)
            event.i0 = Int64(scope.rawValue)
        case .error(let message, let code, let category, let status):
            Self.fill(&event, KIMI_EVENT_ERROR, 0, &a, message)
            b = Array(code.utf8)
            (event.i0, event.i1, event.i2) = (Int64(category.rawValue), status, -1)
        }
        return a.withUnsafeBytes { a in
            b.withUnsafeBytes { b in
                event.a = kimi_bytes(a)
                event.b = kimi_bytes(b)
                return withUnsafePointer(to: event) { receiver.receive(UnsafeBufferPointer(start: $0, count: 1)) }
            }
        }
    }

    private static func fill(
        _ event: inout kimi_event, _ type: kimi_event_type, _ choice: UInt32, _ a: inout [UInt8], _ text: String
    ) {
        event.type = type.rawValue
        event.choice = choice
        a = Array(text.utf8)
    }
}
