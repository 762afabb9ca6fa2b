import CanonicalModel
import WireJSON

/// The parameters of a Responses request besides conversation and tools.
struct ParametersDecoder {
    let root: Fields
    let drops: DropList
    let reasoning: Fields?
    private let text: Fields?
    private let include: Set<String>

    init(_ root: Fields, _ drops: DropList) throws(ExchangeError) {
        self.root = root
        self.drops = drops
        reasoning = try root.object("reasoning")
        text = try root.object("text")
        var include: Set<String> = []
        var index = 0
        if let list = try root.array("include") {
            for entry in list.elements {
                guard let name = entry.string else { throw .wrong("include[\(index)]", "a string", entry.kind) }
                include.insert(name)
                if name != Self.encrypted, name != Self.logprobs {
                    drops.add("include[\(index)]", "only hosted tools have it")
                }
                index += 1
            }
        }
        self.include = include
    }

    private static let encrypted = "reasoning.encrypted_content"
    private static let logprobs = "message.output_text.logprobs"

    func read(into context: inout ResponsesContext) {
        context.wantsEncryptedReasoning = include.contains(Self.encrypted)
        context.wantsLogprobs = include.contains(Self.logprobs)
        let summary = reasoning?.value("summary") ?? reasoning?.value("generate_summary")
        if let summary, !summary.matches("none") { context.reasoning = .summary }
        if let tier = root.value("service_tier"), tier.kind == .string { context.serviceTier = Array(tier.raw) }
    }

    func write(to members: inout MemberWriter) throws(ExchangeError) {
        members.copy("max_tokens", try maxTokens())
        members.copy("temperature", try root.number("temperature"))
        members.copy("top_p", try root.number("top_p"))
        try writeLogprobs(to: &members)
        let effort = try reasoning?.string("effort")
        members.copy("reasoning_effort", effort ?? root.value("reasoning_effort"))
        let verbosity = try text?.string("verbosity")
        members.copy("verbosity", verbosity ?? root.value("verbosity"))
        try writeFormat(to: &members)
        let user = try root.string("user")
        let identifier = try root.string("safety_identifier")
        members.copy("user", identifier ?? user)
        if identifier != nil, user != nil { drops.add("user", "safety_identifier says it too") }
        if let metadata = root.value("metadata") {
            guard metadata.kind == .object else { throw .wrong("metadata", "an object", metadata.kind) }
            members.copy("metadata", metadata)
        }
        members.copy("service_tier", try root.string("service_tier"))
        members.copy("prompt_cache_key", try root.string("prompt_cache_key"))
        if try root.bool("stream") ?? false {
            members.bool("stream", true)
            members.name("stream_options")
            members.out.append(#"{"include_usage":true}"#)
        }
        try dropTheRest()
        writeUnknown(to: &members)
    }

    private func maxTokens() throws(ExchangeError) -> JSONSpan? {
        var limit: JSONSpan?
        for name: StaticString in ["max_output_tokens", "max_completion_tokens", "max_tokens"] {
            guard let value = try root.integer(name) else { continue }
            if limit == nil { limit = value } else { drops.add("\(name)", "max_output_tokens says it too") }
        }
        return limit
    }

    private func writeLogprobs(to members: inout MemberWriter) throws(ExchangeError) {
        let top = try root.integer("top_logprobs")
        guard include.contains(Self.logprobs) || top.map({ !$0.raw.matches("0") }) ?? false else { return }
        members.bool("logprobs", true)
        members.copy("top_logprobs", top)
    }

    private func writeFormat(to members: inout MemberWriter) throws(ExchangeError) {
        guard let format = try text?.object("format") else {
            return members.copy("response_format", root.value("response_format"))
        }
        let type = try format.required("type")
        if type.matches("text") { return }
        members.name("response_format")
        guard type.matches("json_schema"), format.value("json_schema") == nil else {
            return members.out.append(format.object)
        }
        guard let schema = format.value("schema") else { throw format.missing("schema", "an object") }
        guard schema.kind == .object else { throw .wrong("text.format.schema", "an object", schema.kind) }
        members.out.append(#"{"type":"json_schema","json_schema":{"#)
        var inner = MemberWriter(members.out)
        inner.copy("name", try format.required("name"))
        inner.copy("description", try format.string("description"))
        inner.copy("schema", schema)
        if let strict = try format.bool("strict") { inner.bool("strict", strict) }
        members.out.append("}}")
    }
}
