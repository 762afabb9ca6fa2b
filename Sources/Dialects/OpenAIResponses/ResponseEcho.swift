import CanonicalModel
import WireJSON

/// The parameters that a response repeats, as the client sent them or with OpenAI's defaults.
struct ResponseEcho {
    let short: [UInt8]
    let long: [UInt8]

    init(_ root: Fields, store: Bool) throws(ExchangeError) {
        let out = ByteWriter(capacity: 512)
        var members = MemberWriter(out)
        for (name, fallback) in Self.parameters {
            members.name(name)
            if let value = root.value(name) { out.append(onOneLine: value) } else { out.append(fallback) }
        }
        members.bool("store", store)
        short = out.bytes
        let long = ByteWriter(capacity: 512)
        var others = MemberWriter(long)
        others.name("instructions")
        if let text = try root.string("instructions") { long.append(text) } else { long.append("null") }
        others.name("tools")
        if let tools = try root.array("tools") { long.append(onOneLine: tools) } else { long.append("[]") }
        self.long = long.bytes
    }

    private static let parameters: [(StaticString, StaticString)] = [
        ("background", "false"), ("max_output_tokens", "null"), ("max_tool_calls", "null"), ("metadata", "{}"),
        ("parallel_tool_calls", "true"), ("previous_response_id", "null"), ("prompt_cache_key", "null"),
        ("reasoning", #"{"effort":null,"summary":null}"#), ("safety_identifier", "null"), ("temperature", "1.0"),
        ("text", #"{"format":{"type":"text"}}"#), ("tool_choice", #""auto""#), ("top_logprobs", "0"),
        ("top_p", "1.0"), ("truncation", #""disabled""#), ("user", "null"),
    ]
}
