import CanonicalModel
import PluginABI
import WireJSON

/// What streamed and unstreamed chat replies have in common.
enum ChatReply {
    static let incomplete = ExchangeError(
        KIMI_CAT_PROTOCOL, "the upstream ended its answer without finishing it", code: "upstream_incomplete")

    /// `"id":…,"object":…,"created":…,"model":…,` with the comma.
    static func writeHead(_ start: CanonicalEvent, object: StaticString, to out: ByteWriter) {
        out.append(#""id":"#)
        if start.a.len > 0 { out.appendJSONString(start.a.buffer) } else { out.append(#""chatcmpl-0""#) }
        out.append(#","object":""#)
        out.append(object)
        out.append(#"","created":"#)
        out.append(int: start.i0)
        out.append(#","model":"#)
        out.appendJSONString(start.b.buffer)
        out.append(",")
    }

    /// `"name":json` for a JSON event.
    static func member(_ name: kimi_bytes, _ json: kimi_bytes, to out: ByteWriter) {
        out.appendJSONString(name.buffer)
        out.append(":")
        if json.len > 0 { out.append(json: json.buffer) } else { out.append("null") }
    }

    /// Why an event cannot be encoded, or nil; `order` follows the events.
    static func failure(_ event: CanonicalEvent, _ order: inout EventOrder) -> ExchangeError? {
        if let violation = order.violation(event) ?? violation(event) {
            return ExchangeError(KIMI_CAT_INTERNAL, "a plugin sent \(violation) (rule S11)", code: "plugin_misbehaved")
        }
        guard kimi_event_type(event.type) == KIMI_EVENT_TOOL_BEGIN, event.b.len == 0 else { return nil }
        return ExchangeError(
            KIMI_CAT_PROTOCOL, "the upstream sent a tool call without a name, and nothing told which tool it means",
            code: "upstream_invalid_response")
    }

    /// What is wrong with an event whose slice a must be JSON, or nil. Plugins may hand on anything.
    private static func violation(_ event: CanonicalEvent) -> String? {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_JSON, KIMI_EVENT_PART: break
        default: return nil
        }
        if kimi_event_type(event.type) == KIMI_EVENT_JSON, isReserved(event) {
            return "JSON for the member '\(LogText.oneLine(event.b.text))', which has an event of its own"
        }
        guard event.a.len > 0 else { return nil }
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

    private static func isReserved(_ event: CanonicalEvent) -> Bool {
        let name = event.b.text
        switch kimi_scope(UInt32(clamping: event.i0)) {
        case KIMI_SCOPE_RESPONSE: return ["id", "object", "created", "model", "choices", "usage"].contains(name)
        case KIMI_SCOPE_CHOICE: return ["index", "delta", "message", "finish_reason"].contains(name)
        default: return ["role", "content", "reasoning_content"].contains(name)
        }
    }

    /// A call's id; an empty one would be illegal, so one is made from its number.
    static func writeCallID(_ id: kimi_bytes, _ index: UInt32, to out: ByteWriter) {
        if id.len > 0 { return out.appendJSONString(id.buffer) }
        out.append(#""call_"#)
        out.append(int: Int64(index))
        out.append("\"")
    }

    /// The usage object: the upstream's own members as they came, and the standard ones it left out.
    static func usage(_ event: CanonicalEvent) -> ByteWriter {
        let out = ByteWriter(capacity: max(256, event.a.len + 128))
        out.append("{")
        var names: [String] = []
        if event.a.len > 0, String(validating: event.a.buffer, as: UTF8.self) != nil,
            let members = try? JSONSpans.members(of: event.a.buffer)
        {
            for member in members {
                if !names.isEmpty { out.append(",") }
                names.append(member.key)
                out.appendJSONString(member.key)
                out.append(":")
                out.append(json: UnsafeRawBufferPointer(rebasing: event.a.buffer[member.valueRange]))
            }
        }
        func add(_ name: String, _ value: Int64, in wrapper: String? = nil) {
            guard value >= 0, !names.contains(wrapper ?? name) else { return }
            if !names.isEmpty { out.append(",") }
            names.append(wrapper ?? name)
            let json = wrapper.map { "\"\($0)\":{\"\(name)\":\(value)}" } ?? "\"\(name)\":\(value)"
            out.append(utf8: json)
        }
        add("prompt_tokens", event.i0)
        add("completion_tokens", event.i1)
        // Upstreams and plugins may send any number; a sum that does not fit is left out.
        let (total, isTooMuch) = event.i0.addingReportingOverflow(event.i1)
        if event.i0 >= 0, event.i1 >= 0, !isTooMuch { add("total_tokens", total) }
        if event.i2 > 0 { add("cached_tokens", event.i2, in: "prompt_tokens_details") }
        if event.i3 > 0 { add("reasoning_tokens", event.i3, in: "completion_tokens_details") }
        out.append("}")
        return out
    }
}

extension ByteWriter {
    /// Another writer's bytes.
    func append(_ other: ByteWriter) {
        other.withBytes { append(bytes: $0) }
    }

    /// Valid JSON, on one line: a line break can only stand between its tokens, and would end an SSE line.
    func append(json: UnsafeRawBufferPointer) {
        guard json.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return append(bytes: json) }
        for line in json.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            append(bytes: UnsafeRawBufferPointer(rebasing: line))
        }
    }
}
