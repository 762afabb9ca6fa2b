internal import PluginABI
internal import PluginKit
internal import WireJSON

/// A canonical request in the words of the Messages API.
struct WrittenRequest {
    let body: ByteWriter
    let betas: [String]
    let losses: Losses
    let reply: ReplyForm
}

/// Writes a canonical request (docs/canonical-request.md) as a Messages request: docs/anthropic.md says what becomes of
/// what. Values that do not change keep their bytes, for caches and signatures live on them.
///
/// One pass to find all values, one over messages, parts and tools: linear in the request.
struct RequestWriter {
    let options: AnthropicOptions
    let traits: ModelTraits
    let root: JSONSpan
    /// Is the client one of Anthropic's own, whose words mean here what they mean upstream?
    let isOwnDialect: Bool
    let out: ByteWriter
    let turns: TurnWriter
    let system = BlockList()
    /// Texts of system messages that may stay in their place, until it is known what follows them.
    let waitingSystem = BlockList()
    var losses = Losses()

    /// Fails with a sentence that names the member if something of the conversation cannot be said.
    static func write(_ request: RequestView, _ upstream: MessagesUpstream) throws(PluginFailure) -> WrittenRequest {
        let outline: JSONOutline
        do {
            outline = try JSONOutline(request.json)
        } catch {
            throw PluginFailure(KIMI_E_ARG, KIMI_CAT_BAD_REQUEST, "The request is not JSON: \(error.message)")
        }
        let out = ByteWriter(capacity: request.json.count + 1024)
        var writer = RequestWriter(
            options: upstream.options, traits: ModelTraits(String(decoding: request.model, as: UTF8.self)),
            root: outline.root, isOwnDialect: request.dialect.matches("anthropic.messages"), out: out,
            turns: TurnWriter(out: out))
        try writer.run(wantsStream: request.wantsStream)
        let betas = outline.root.some("anthropic_beta").map(BetaWords.read) ?? []
        withExtendedLifetime(outline) {}
        return WrittenRequest(
            body: try writer.patched(), betas: betas, losses: writer.losses, reply: ReplyForm(request.dialect))
    }

    private mutating func run(wantsStream: Bool) throws(PluginFailure) {
        guard root.kind == .object else { throw .unsupported("The request is not a JSON object.") }
        try refuse()
        out.append(#"{"model":"#)
        if let model = root["model"] { out.append(bytes: model.raw) } else { out.append(#""""#) }
        try messages()
        let choice = try toolChoice()
        try tools(choice)
        try parameters(choice)
        if wantsStream { out.append(#","stream":true"#) }
        out.append("}")
    }

    private func refuse() throws(PluginFailure) {
        if let count = root.some("n"), count.integer != 1 {
            throw .unsupported("n: the upstream answers with one choice; leave n out, and ask several times.")
        }
        for name: StaticString in ["functions", "function_call"] where root.some(name)?.isEmptyList == false {
            throw .unsupported("\(name): the upstream takes functions as tools only; send tools and tool_choice.")
        }
    }

    /// With the configuration's `extra_body`.
    private func patched() throws(PluginFailure) -> ByteWriter {
        guard !options.patch.patch.isEmpty else { return out }
        let result: Result<[UInt8], JSONError> = options.patch.patch.withUnsafeBytes { patch in
            do throws(JSONError) {
                return .success(try JSONEdit.mergePatch(patch, into: out.unsafeBytes))
            } catch {
                return .failure(error)
            }
        }
        guard case .success(let body) = result else {
            throw PluginFailure(KIMI_E_INTERNAL, KIMI_CAT_INTERNAL, "extra_body does not fit the request.")
        }
        let patched = ByteWriter(capacity: body.count)
        patched.append(bytes: body)
        return patched
    }

    /// Begins a further member.
    func name(_ name: StaticString) {
        out.append(",\"")
        out.append(name)
        out.append("\":")
    }

    /// `messages[2].content[1]`, for a sentence.
    func place(_ value: JSONSpan) -> String { root.path(to: value) }
}
