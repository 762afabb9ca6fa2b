import LogModel
import PluginHost
import RequestLog
import WireJSON

/// Writes a recorded attempt in the kit's format.
enum RecordedTranscript {
    /// Of an answer, what plugins go by.
    private static let headers: Set<String> = ["content-type", "retry-after", "retry-after-ms"]

    static func text(
        _ name: String, _ request: PluginRequest, _ attempt: RecordedExchange.Attempt, config: [UInt8], usesToken: Bool
    ) -> String {
        let out = ByteWriter(capacity: 4_096)
        out.append("{\n  \"kimi-transcript\": 1,\n  \"name\": ")
        out.appendJSONString(name)
        out.append(",\n  \"kind\": \"provider\",\n  \"config\": ")
        out.append(bytes: config)
        out.append(",\n  \"request\": ")
        out.appendJSONString(String(decoding: request.json, as: UTF8.self))
        member("model", request.model, out)
        member(request.isNative ? "native" : "dialect", request.dialect, out)
        if !request.conversation.isEmpty { member("conversation", request.conversation, out) }
        out.append(request.wantsStream ? ",\n  \"stream\": true" : ",\n  \"stream\": false")
        out.append(",\n  \"steps\": [\n")
        if usesToken { out.append("    {\"token\": {}},\n") }
        out.append("    {\"send\": {}, \"answer\": ")
        answer(attempt, out)
        out.append("}\n  ]")
        if attempt.broke != nil, attempt.status > 0 {
            member("ends", "truncated", out)
            out.append(",\n  \"fails\": {}")
        }
        out.append("\n}")
        return String(decoding: out.bytes, as: UTF8.self)
    }

    private static func answer(_ attempt: RecordedExchange.Attempt, _ out: ByteWriter) {
        if attempt.status == 0 {
            out.append("{\"fails\": ")
            out.appendJSONString(attempt.broke ?? "no answer")
            return out.append("}")
        }
        out.append("{\"status\": ")
        out.append(int: Int64(attempt.status))
        out.append(", \"headers\": {")
        for (place, header) in attempt.headers.filter({ headers.contains($0.name.lowercased()) }).enumerated() {
            if place > 0 { out.append(", ") }
            out.appendJSONString(header.name.lowercased())
            out.append(": ")
            out.appendJSONString(header.value)
        }
        out.append("}, ")
        body(attempt.reply, out)
        out.append("}")
    }

    private static func body(_ bytes: [UInt8], _ out: ByteWriter) {
        if let text = String(validating: bytes, as: UTF8.self) {
            out.append("\"body\": ")
            out.appendJSONString(text)
        } else {
            out.append("\"body-base64\": ")
            out.appendJSONString(Base64Text.encoded(bytes))
        }
    }

    private static func member(_ name: StaticString, _ value: String, _ out: ByteWriter) {
        out.append(",\n  \"")
        out.append(name)
        out.append("\": ")
        out.appendJSONString(value)
    }
}
