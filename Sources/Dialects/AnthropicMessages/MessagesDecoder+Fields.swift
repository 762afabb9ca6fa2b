import CanonicalModel
import WireJSON

/// The request's other members.
extension MessagesDecoder {
    func limits() throws(ExchangeError) {
        write("max_tokens", try optionalCount("max_tokens", of: root))
        if let stops = try optionalArray("stop_sequences", of: root), stops.hasElements {
            for stop in stops.elements where stop.kind != .string { throw wrong(stop, "a string") }
            write("stop", stops)
        }
        write("temperature", try optionalNumber("temperature", of: root))
        write("top_p", try optionalNumber("top_p", of: root))
        write("top_k", try optionalCount("top_k", of: root))
        try oneReply()
    }

    /// `n` is no member of this API, but some clients send it to every API.
    private func oneReply() throws(ExchangeError) {
        guard let n = try optionalCount("n", of: root), !n.raw.elementsEqual("1".utf8) else { return }
        throw problem(n, "must be 1: an answer of the Messages API is one message")
    }

    func thinking() throws(ExchangeError) {
        guard let thinking = try optionalObject("thinking", of: root) else { return }
        let type = try string("type", of: thinking)
        if type.matches("enabled") {
            guard try optionalCount("budget_tokens", of: thinking) != nil else {
                throw missing("budget_tokens", of: thinking)
            }
        }
        write("thinking", thinking)
    }

    /// `output_config` with effort and format; `output_format` is the older place of the format.
    mutating func outputFormat() throws(ExchangeError) {
        let config = try optionalObject("output_config", of: root)
        let old = try optionalObject("output_format", of: root)
        var format: JSONSpan?
        if let config {
            write("reasoning_effort", try optionalString("effort", of: config))
            format = try optionalObject("format", of: config)
            dropUnknown(config, "output_config", known: ["effort", "format"])
        }
        if format != nil, old != nil { dropped.add("output_format", "output_config.format says it too") }
        guard let format = format ?? old else { return }
        write("response_format")
        try writeFormat(format)
    }

    /// Chat wants a name, and Anthropic always keeps to the schema: `strict`.
    private func writeFormat(_ format: JSONSpan) throws(ExchangeError) {
        let type = try string("type", of: format)
        guard type.matches("json_schema") else { return out.append(bytes: format.raw) }
        let schema = try member("schema", of: format)
        try object(schema)
        out.append(#"{"type":"json_schema","json_schema":{"name":"#)
        if let name = try optionalString("name", of: format) {
            out.append(bytes: name.raw)
        } else {
            out.append(#""output""#)
        }
        write("schema", schema)
        out.append(#","strict":true}}"#)
    }

    /// `user_id` is canonical `user`; other members of `metadata` stay there.
    func identity() throws(ExchangeError) {
        if let metadata = try optionalObject("metadata", of: root) {
            write("user", try optionalString("user_id", of: metadata))
            writeMetadata(metadata)
        }
        guard let tier = try optionalString("service_tier", of: root) else { return }
        write("service_tier")
        if tier.matches("standard_only") { out.append(#""default""#) } else { out.append(bytes: tier.raw) }
    }

    private func writeMetadata(_ metadata: JSONSpan) {
        var isFirst = true
        for (key, value) in metadata.members where !key.matches("user_id") {
            if isFirst { write("metadata") }
            out.append(isFirst ? "{" : ",")
            isFirst = false
            writeMember(key, value)
        }
        if !isFirst { out.append("}") }
    }

    private func writeMember(_ key: JSONSpan, _ value: JSONSpan) {
        out.append(bytes: key.raw)
        out.append(":")
        out.append(bytes: value.raw)
    }

    /// The header's betas, and those of clients that send them in the body.
    func betas() {
        var isFirst = true
        func separate() {
            if isFirst { write("anthropic_beta") }
            out.append(isFirst ? "[" : ",")
            isFirst = false
        }
        for beta in options.betas {
            separate()
            out.appendJSONString(beta)
        }
        for name: StaticString in ["anthropic_beta", "betas"] {
            guard let list = root.some(name) else { continue }
            for beta in list.elements where beta.kind == .string {
                separate()
                out.append(bytes: beta.raw)
            }
        }
        if !isFirst { out.append("]") }
    }

    func stream() throws(ExchangeError) -> Bool {
        guard let stream = try optionalBool("stream", of: root) else { return false }
        out.append(stream ? #","stream":true,"stream_options":{"include_usage":true}"# : #","stream":false"#)
        return stream
    }

    /// A conversation that the server shall hold: without what went before, a later turn would make no sense. The code is
    /// what Anthropic's own API says where it holds none; its package then sends the whole conversation.
    func refuseThread() throws(ExchangeError) {
        guard root.some("thread") != nil else { return }
        throw .badRequest(
            "thread: conversations are not held here: send the whole conversation, without 'thread'", param: "thread",
            code: MessagesErrors.noThreads)
    }

    /// Members that only Anthropic has are listed; those that would be taken for canonical ones too. All others ride
    /// along, as members do that nobody knows.
    mutating func rest() throws(ExchangeError) {
        try cacheControl(root)
        for (key, value) in root.members where value.kind != .null && !Self.isUsed(key) {
            if Self.anthropicOnly.contains(where: { key.matches($0) }) {
                guard value.kind != .array || value.hasElements else { continue }
                dropped.add(key.string ?? "", "only Anthropic's own API has it")
            } else if let other = Self.foreign.first(where: { key.matches($0.name) }) {
                dropped.add(key.string ?? "", "no member of the Messages API: send \(other.instead)")
            } else {
                out.append(",")
                writeMember(key, value)
            }
        }
    }

    private static func isUsed(_ key: JSONSpan) -> Bool { used.contains { key.matches($0) } }

    private static let used: [StaticString] = [
        "model", "messages", "system", "tools", "tool_choice", "max_tokens", "stop_sequences", "temperature", "top_p",
        "top_k", "n", "thinking", "output_config", "output_format", "metadata", "service_tier", "anthropic_beta",
        "betas", "stream", "cache_control",
    ]

    private static let anthropicOnly: [StaticString] = [
        "container", "mcp_servers", "context_management", "compaction", "fallbacks", "fallback_credit_token",
        "billing_policy", "diagnostics", "inference_geo", "speed", "user_profile_id", "workspace_id",
        "anthropic_version",
    ]

    private static let foreign: [(name: StaticString, instead: String)] = [
        ("stop", "stop_sequences"), ("user", "metadata.user_id"), ("reasoning_effort", "output_config.effort"),
        ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"), ("response_format", "output_config.format"),
        ("stream_options", "stream"), ("max_completion_tokens", "max_tokens"), ("max_output_tokens", "max_tokens"),
        ("functions", "tools"), ("function_call", "tool_choice"),
    ]
}
