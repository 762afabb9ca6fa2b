internal import OpenAICompatible
internal import PluginABI
public import PluginKit
internal import WireJSON

/// Anthropic, and every upstream that speaks its Messages API. Anthropic's own clients' requests go up as they are;
/// those of other dialects are written anew (docs/anthropic.md).
public final class AnthropicProvider: ProviderPlugin {
    private let upstream: MessagesUpstream

    /// Reads the config that the manifest's schema describes.
    public init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure) {
        upstream = MessagesUpstream(try AnthropicOptions(config), context: context)
        if upstream.options.hasBothKeys {
            context.log(KIMI_LOG_INFO, "apiKey and authToken are both set; the apiKey is used.")
        }
    }

    /// Starts an attempt. Requests that cannot be said to the upstream fail with KIMI_E_UNSUPPORTED and a sentence.
    public func begin(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        if request.isNative { return try native(request) }
        guard !request.dialect.matches("anthropic.count_tokens") else {
            throw .unsupported("Tokens are counted by Anthropic's own API, which this route is not allowed to use.")
        }
        let written = try RequestWriter.write(request, upstream)
        return MessagesExchange(
            upstream, upstream.options.messagesURL, isStream: request.wantsStream,
            RequestBody(content: .whole(written.body), betas: written.betas), losses: written.losses,
            MessageDecoder(written.reply, model: Array(request.model)))
    }

    private func native(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        let isCount = request.dialect.matches("anthropic.count_tokens")
        guard upstream.options.isNative, isCount || request.dialect.matches("anthropic.messages") else {
            throw .unsupported("This route does not take requests of this API as they are.")
        }
        let isClaude = ModelTraits(String(decoding: request.model, as: UTF8.self)).isClaude
        let body = try NativeRequest.body(request.json, upstream.options, isCount: isCount, isClaude: isClaude)
        let url = isCount ? upstream.options.countURL : upstream.options.messagesURL
        return MessagesExchange(
            upstream, url, isStream: request.wantsStream && !isCount, body, losses: Losses(),
            MessageDecoder(isCount ? .count : .native, model: Array(request.model)))
    }
}

/// What all exchanges of one instance share: immutable, but for a pool of work memory.
final class MessagesUpstream: Sendable {
    let options: AnthropicOptions
    let context: PluginContext
    let pool = WorkspacePool()

    init(_ options: AnthropicOptions, context: PluginContext) {
        self.options = options
        self.context = context
    }
}

extension PluginFailure {
    /// The request asks for what the upstream does not have.
    static func unsupported(_ message: String) -> PluginFailure {
        PluginFailure(KIMI_E_UNSUPPORTED, KIMI_CAT_BAD_REQUEST, message)
    }

    /// A mistake in the provider_config.
    static func config(_ message: String) -> PluginFailure {
        PluginFailure(KIMI_E_CONFIG, KIMI_CAT_CONFIG, message)
    }
}
