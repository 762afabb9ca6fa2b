import CanonicalModel
import WireJSON

extension ParametersDecoder {
    /// Parameters that Chat cannot say, each with the reason that the log gives.
    func dropTheRest() throws(ExchangeError) {
        if let truncation = try root.string("truncation"), !truncation.matches("disabled") {
            drops.add("truncation", "conversations are not cut here")
        }
        if try root.bool("background") ?? false { drops.add("background", "the response is made at once") }
        _ = try root.integer("max_tool_calls")
        let reasons: [(StaticString, String)] = [
            ("max_tool_calls", "it counts calls of hosted tools only"),
            ("background_options", "the response is made at once"),
            ("context_management", "conversations are not compacted here"),
            ("prompt_cache_options", "chat requests have no cache options"),
            ("prompt_cache_retention", "chat requests have no cache options"),
            ("moderation", "it is a service of OpenAI's"),
            ("image", "chat requests have no image options"),
            ("access_programs", "they are OpenAI's"),
            ("messages", "the conversation is in 'input'"),
        ]
        for (name, reason) in reasons where root.value(name) != nil { drops.add("\(name)", reason) }
        dropUnknown(reasoning, "reasoning", known: ["effort", "summary", "generate_summary"])
        dropUnknown(try root.object("text"), "text", known: ["format", "verbosity"])
        let options = try root.object("stream_options")
        if try options?.bool("include_obfuscation") ?? false {
            drops.add("stream_options.include_obfuscation", "streams are not padded here")
        }
        dropUnknown(options, "stream_options", known: ["include_obfuscation", "include_usage"])
        sayTwice("reasoning_effort", reasoning?.value("effort"), "reasoning.effort")
        sayTwice("verbosity", try root.object("text")?.value("verbosity"), "text.verbosity")
        sayTwice("response_format", try root.object("text")?.value("format"), "text.format")
    }

    private func dropUnknown(_ fields: Fields?, _ path: String, known: [StaticString]) {
        guard let members = fields?.object.members else { return }
        for (key, value) in members where value.kind != .null && !known.contains(where: { key.matches($0) }) {
            drops.add("\(path).\(LogText.oneLine(key.string ?? ""))", "chat requests have no such option")
        }
    }

    /// Chat's own name for something that the request says in the Responses API's way, too.
    private func sayTwice(_ name: StaticString, _ other: JSONSpan?, _ place: String) {
        guard root.value(name) != nil, other != nil else { return }
        drops.add("\(name)", "\(place) says it too")
    }

    /// Members that the Responses API does not have go up as they are: upstreams have parameters of their own.
    func writeUnknown(to members: inout MemberWriter) {
        for (key, value) in root.object.members where value.kind != .null {
            if Self.known.contains(where: { key.matches($0) }) { continue }
            members.copy(key: key, value)
        }
    }

    private static let known: [StaticString] = [
        "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "text", "reasoning",
        "max_output_tokens", "max_completion_tokens", "max_tokens", "max_tool_calls", "include", "store",
        "previous_response_id", "conversation", "metadata", "prompt", "prompt_cache_key", "safety_identifier", "user",
        "service_tier", "stream", "stream_options", "temperature", "top_p", "top_logprobs", "logprobs", "truncation",
        "background", "background_options", "context_management", "prompt_cache_options", "prompt_cache_retention",
        "moderation", "image", "access_programs", "messages", "n", "response_format", "reasoning_effort", "verbosity",
    ]
}
