internal import PluginKit
internal import WireJSON

/// `generationConfig`.
extension GeminiRequest {
    mutating func generationConfig(_ root: JSONSpan) {
        let start = out.count
        begin("generationConfig")
        out.append("{")
        let empty = out.count
        for (name, own) in Self.numbers {
            if let value = root.given(name), value.double != nil { member(own, value) }
        }
        if let limit = root.given("max_completion_tokens") ?? root.given("max_tokens") {
            member("maxOutputTokens", limit)
        }
        seed(root)
        stop(root)
        logprobs(root)
        responseFormat(root)
        modalities(root)
        if let thinking = ThinkingConfig(root, model, configured: config.thinking, &losses).json {
            member("thinkingConfig", thinking)
        }
        if out.count == empty { out.truncate(to: start) } else { out.append("}") }
    }

    private static let numbers: [(StaticString, StaticString)] = [
        ("temperature", "temperature"), ("top_p", "topP"), ("top_k", "topK"), ("n", "candidateCount"),
        ("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty"),
    ]

    /// Gemini's is a 32-bit number.
    private mutating func seed(_ root: JSONSpan) {
        guard let seed = root.given("seed") else { return }
        if let value = seed.integer, Int32(exactly: value) != nil { return member("seed", seed) }
        losses.drop("seed beyond 32 bits")
    }

    private func stop(_ root: JSONSpan) {
        guard let stop = root.given("stop") else { return }
        if stop.kind == .array {
            if stop.elements.contains(where: { _ in true }) { member("stopSequences", stop) }
        } else if stop.kind == .string {
            begin("stopSequences")
            out.append("[")
            out.append(bytes: stop.raw)
            out.append("]")
        }
    }

    private func logprobs(_ root: JSONSpan) {
        guard root["logprobs"]?.bool == true else { return }
        begin("responseLogprobs")
        out.append("true")
        if let count = root.given("top_logprobs"), count.integer != nil { member("logprobs", count) }
    }

    private mutating func responseFormat(_ root: JSONSpan) {
        guard let format = root.given("response_format"), let type = format["type"]?.string else { return }
        switch type {
        case "text": return
        case "json_object": member("responseMimeType", text: "application/json")
        case "json_schema":
            member("responseMimeType", text: "application/json")
            guard let described = format["json_schema"]?.given("schema"), described.kind == .object else { return }
            schema(described, "responseSchema", "responseJsonSchema", of: "response_format.json_schema.schema")
        default: losses.drop("response_format (\(String(type.prefix(48))))")
        }
    }

    /// `["text", "image"]`; text alone is what comes anyway.
    private func modalities(_ root: JSONSpan) {
        let wanted = root["modalities"]?.elements.compactMap(\.word).map { $0.uppercased() } ?? []
        guard wanted.contains(where: { $0 != "TEXT" }) else { return }
        begin("responseModalities")
        for (number, name) in wanted.enumerated() {
            out.append(number == 0 ? "[" : ",")
            out.appendJSONString(name)
        }
        out.append("]")
    }
}
