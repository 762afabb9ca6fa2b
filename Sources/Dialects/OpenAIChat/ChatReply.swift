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

    /// `,"native_finish_reason":…` where the upstream's own word has no equal.
    static func nativeReason(_ finish: CanonicalEvent, to out: ByteWriter) {
        guard finish.b.len > 0, FinishReason.word(finish.b.buffer) == nil else { return }
        out.append(#","native_finish_reason":"#)
        out.appendJSONString(finish.b.buffer)
    }

    /// A call's id; an empty one would be illegal, so one is made from its number.
    static func writeCallID(_ id: kimi_bytes, _ index: UInt32, to out: ByteWriter) {
        if id.len > 0 { return out.appendJSONString(id.buffer) }
        out.append(#""call_"#)
        out.append(int: Int64(index))
        out.append("\"")
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
