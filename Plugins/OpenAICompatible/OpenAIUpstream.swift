internal import PluginABI
public import PluginKit
internal import WireJSON

/// An upstream that speaks the OpenAI API: what all exchanges of one provider instance share. Immutable, but for a
/// pool of work memory.
public final class OpenAIUpstream: Sendable {
    let options: OpenAIOptions
    let endpoints: Endpoints
    /// The merge patch of a canonical request, streamed and plain; nil = the request goes up as it is. The first two
    /// have the extra body in them.
    private let streamPatch: [UInt8]?
    private let plainPatch: [UInt8]?
    private let streamBase: [UInt8]
    private let plainBase: [UInt8]?
    /// What native requests to completions and embeddings get.
    private let otherPatch: [UInt8]?
    let context: PluginContext
    let pool = WorkspacePool()
    let patches = PatchPool()

    /// Fails with a sentence if the URL or a patch is not one.
    public init(_ options: OpenAIOptions, context: PluginContext) throws(PluginFailure) {
        self.context = context
        self.options = options
        endpoints = try Endpoints(
            options.baseURL, flavour: options.flavour, apiVersion: options.apiVersion, deployment: options.deployment)
        let empty = Array("{}".utf8)
        // The client's own stream_options stay: a merge patch adds to them.
        let stream = Array(#"{"stream":true,"stream_options":{"include_usage":true}}"#.utf8)
        let more = Array(options.bodyPatch.utf8)
        let extra = options.extraBody ?? empty
        streamBase = try Self.combine(stream, more)
        let plain = try Self.combine(empty, more)
        plainBase = plain == empty ? nil : plain
        streamPatch = try Self.combine(streamBase, extra)
        let plainAll = try Self.combine(plain, extra)
        plainPatch = plainAll == empty ? nil : plainAll
        let other = try Self.combine(empty, Array(options.otherPatch.utf8))
        otherPatch = other == empty ? nil : other
    }

    /// Starts an attempt. A native request that shall not be served natively fails with KIMI_E_UNSUPPORTED.
    public func begin(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        if request.isNative { return try beginNative(request) }
        return options.api == .responses ? try beginResponses(request) : try beginChat(request)
    }

    // MARK: Native

    private func beginNative(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        guard let endpoint = Endpoint(dialect: request.dialect) else {
            throw Self.unsupported("The upstream does not speak \(String(decoding: request.dialect, as: UTF8.self)).")
        }
        if endpoint == .chat, options.api == .responses, options.native != true {
            throw Self.unsupported("Chat requests go to the upstream's Responses API.")
        }
        if endpoint == .chat || endpoint == .responses, !(options.native ?? options.flavour.isGenuine) {
            throw Self.unsupported("Answers of this upstream are cleaned, so they do not go down as they are.")
        }
        if endpoint == .chat, options.native != true, RouteMark.thoughtsStand(inChatRequest: request.json) {
            throw Self.unsupported("The conversation holds thoughts, which this upstream does not take back.")
        }
        if endpoint == .responses, RouteMark.stands(inResponsesRequest: request.json) {
            throw Self.unsupported("The conversation holds thoughts that another route sealed.")
        }
        let patch = try suffixed(endpoint == .chat || endpoint == .responses ? plainPatch : otherPatch, request)
        let call = UpstreamCall(
            url: endpoints.url(endpoint, model: request.model), isStream: request.wantsStream,
            body: patch.map { .patch($0) } ?? .unchanged, isNative: true)
        return OpenAIExchange(self, call, decoder: Self.decoder(endpoint))
    }

    private static func decoder(_ endpoint: Endpoint) -> any ReplyDecoder {
        switch endpoint {
        case .chat: ChatDecoder()
        case .responses: ResponsesDecoder(seal: .member)
        case .completions: CompletionDecoder()
        case .embeddings: EmbeddingDecoder()
        }
    }

    private static func unsupported(_ message: String) -> PluginFailure {
        PluginFailure(KIMI_E_UNSUPPORTED, KIMI_CAT_BAD_REQUEST, message)
    }

    // MARK: Canonical

    private func beginChat(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        var call = UpstreamCall(
            url: endpoints.url(.chat, model: request.model), isStream: request.wantsStream,
            body: try suffixed(request.wantsStream ? streamPatch : plainPatch, request).map { .patch($0) }
                ?? .unchanged)
        let isForeign = Self.isForeign(request)
        let decoder = ChatDecoder(details: details(request))
        let hasThoughts = options.flavour.isGenuine && RouteMark.thoughtsStand(inChatRequest: request.json)
        guard isForeign || options.canonical.adaptsChat || hasThoughts else {
            return OpenAIExchange(self, call, decoder: decoder)
        }
        let adapted = patches.take()
        // An extra body comes after all of it, which one patch cannot say; it is seldom there.
        let base = try suffixed(request.wantsStream ? streamBase : plainBase, request)
        call.losses = CanonicalAdapter.adapt(
            request.json, options.canonical, isForeign: isForeign, model: request.model, base: base, to: adapted)
        if adapted.count == 0 {
            patches.give(adapted)
        } else if let extra = options.extraBody {
            defer { patches.give(adapted) }
            call.body = .whole(try Self.apply(extra, after: adapted, to: request.json))
        } else {
            call.body = .pooled(adapted)
        }
        return OpenAIExchange(self, call, decoder: decoder)
    }

    private func details(_ request: RequestView) -> Reasoning.Details {
        guard options.keepsReasoningDetails else { return .mute }
        if request.dialect.matches("anthropic.messages") { return .sealed }
        return Self.isForeign(request) ? .mute : .whole
    }

    private func beginResponses(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        var losses = CanonicalLosses()
        var body = try ResponsesWriter.write(request, options, &losses)
        if let extra = options.extraBody { body = try Self.merge(extra, into: body) }
        let call = UpstreamCall(
            url: endpoints.url(.responses, model: request.model), isStream: request.wantsStream, body: .whole(body),
            losses: losses)
        return OpenAIExchange(self, call, decoder: ResponsesDecoder(seal: Self.seal(request)))
    }

    private static func seal(_ request: RequestView) -> ResponsesDecoder.Seal {
        if request.dialect.matches("anthropic.messages") { return .signature }
        return request.dialect.matches("openai.responses") ? .content : .member
    }

    /// Does the request come from a client that does not speak Chat? An unnamed dialect is taken for Chat.
    private static func isForeign(_ request: RequestView) -> Bool {
        !request.dialect.isEmpty && !request.dialect.matches("openai.chat")
    }

    // MARK: Patches

    /// With the model's suffix, if it shall have one and has none.
    private func suffixed(_ patch: [UInt8]?, _ request: RequestView) throws(PluginFailure) -> [UInt8]? {
        guard let suffix = options.modelSuffix, !request.model.contains(UInt8(ascii: ":")), !request.model.isEmpty
        else { return patch }
        let out = ByteWriter(capacity: 64)
        out.append(#"{"model":"#)
        out.appendJSONString(String(decoding: request.model, as: UTF8.self) + suffix)
        out.append("}")
        // What extra_body says of the model counts more.
        return try Self.combine(out.bytes, patch ?? Array("{}".utf8))
    }

    private static func apply(
        _ extra: [UInt8], after first: ByteWriter, to json: UnsafeRawBufferPointer
    ) throws(PluginFailure) -> [UInt8] {
        let patched: Result<[UInt8], JSONError> = first.withBytes { first in
            do throws(JSONError) { return .success(try JSONEdit.mergePatch(first, into: json)) } catch {
                return .failure(error)
            }
        }
        guard case .success(let body) = patched else { throw broken }
        return try merge(extra, into: body)
    }

    private static func merge(_ patch: [UInt8], into body: [UInt8]) throws(PluginFailure) -> [UInt8] {
        do throws(JSONError) {
            return try patch.withUnsafeBytesTyped { patch throws(JSONError) in
                try body.withUnsafeBytesTyped { body throws(JSONError) in try JSONEdit.mergePatch(patch, into: body) }
            }
        } catch {
            throw broken
        }
    }

    private static var broken: PluginFailure {
        PluginFailure(KIMI_E_ARG, KIMI_CAT_BAD_REQUEST, "The request is not a JSON object.")
    }

    private static func combine(_ first: [UInt8], _ second: [UInt8]) throws(PluginFailure) -> [UInt8] {
        do {
            return try MergePatch.combine(first, second)
        } catch {
            throw PluginFailure(
                KIMI_E_CONFIG, KIMI_CAT_CONFIG, "The extra request members are not a JSON object: \(error).")
        }
    }
}
