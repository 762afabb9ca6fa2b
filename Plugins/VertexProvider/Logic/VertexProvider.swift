internal import OpenAICompatible
internal import PluginABI
public import PluginKit
internal import WireJSON

/// Google's Vertex AI: Gemini by `generateContent`, open models ("MaaS") by the chat endpoint, tokens by the host's
/// cache.
public final class VertexProvider: AuthPlugin {
    private let config: VertexConfig
    private let chat: OpenAIUpstream
    private let context: PluginContext

    /// Reads the config that the manifest's schema describes.
    public init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure) {
        let parser = JSONParser()
        let settings = try VertexConfig(try ProviderConfig.parse(config, with: parser))
        self.config = settings
        self.context = context
        var options = OpenAIOptions(baseURL: settings.chatBase)
        options.headers.append(.init("X-Goog-User-Project", settings.quotaProject ?? settings.project))
        if let extra = settings.extraBody { options.bodyPatch = String(decoding: extra, as: UTF8.self) }
        chat = try OpenAIUpstream(options, context: context)
    }

    /// Starts an attempt.
    public func begin(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        guard !request.isNative else {
            throw PluginFailure(
                KIMI_E_UNSUPPORTED, KIMI_CAT_BAD_REQUEST, "The provider 'vertex' takes canonical requests only.")
        }
        let model = try ModelName(String(decoding: request.model, as: UTF8.self), api: config.api)
        let inner: any ProviderExchange
        switch model.api {
        case .gemini: inner = try gemini(request, model)
        case .chat:
            // Through a function value: whether `begin` can fail is its own business.
            let start: (RequestView) throws(PluginFailure) -> any ProviderExchange = chat.begin
            inner = try start(request)
        }
        if case .accessToken(let token) = config.credentials {
            return AuthorizedExchange(inner, key: "", token: token)
        }
        return AuthorizedExchange(inner, key: tokenKey, token: nil)
    }

    /// Starts fetching a token; every key is this instance's own.
    public func authenticate(_ key: UnsafeRawBufferPointer) throws(PluginFailure) -> any AuthExchange {
        guard String(decoding: key, as: UTF8.self) == tokenKey else {
            throw PluginFailure(
                KIMI_E_ARG, KIMI_CAT_INTERNAL, "The token '\(excerpt(key))' is not one of this instance.")
        }
        return try TokenFetch(config.credentials, context: context)
    }

    private var tokenKey: String { "\(config.credentials.key) \(TokenFetch.scope)" }

    private func gemini(_ request: RequestView, _ model: ModelName) throws(PluginFailure) -> GeminiExchange {
        let outline: JSONOutline
        do throws(JSONError) {
            outline = try JSONOutline(request.json)
        } catch {
            throw .badRequest("The request is not JSON: \(error.message)")
        }
        defer { withExtendedLifetime(outline) {} }
        var writer = GeminiRequest(config, model, store: context.keyValues, length: request.json.count)
        try writer.write(outline.root)
        let body = try patched(writer.out)
        return GeminiExchange(
            config.geminiURL(model, stream: request.wantsStream), isStream: request.wantsStream,
            headers: config.quotaProject.map { [("X-Goog-User-Project", $0)] } ?? [], body: body,
            losses: writer.losses,
            decoder: GeminiDecoder(
                context, names: writer.names, marksThoughts: request.dialect.matches("anthropic.messages")),
            context: context)
    }

    /// With the configured members merged in.
    private func patched(_ body: ByteWriter) throws(PluginFailure) -> ByteWriter {
        guard let extra = config.extraBody else { return body }
        do throws(JSONError) {
            let merged = try extra.withBytes { patch throws(JSONError) in
                try JSONEdit.mergePatch(patch, into: body.unsafeBytes)
            }
            let out = ByteWriter(capacity: merged.count)
            out.append(bytes: merged)
            return out
        } catch {
            throw .config("extraBody is no JSON object: \(error.message)")
        }
    }
}
