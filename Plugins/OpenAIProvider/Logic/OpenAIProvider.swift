internal import OpenAICompatible
internal import PluginABI
public import PluginKit
internal import WireJSON

/// OpenAI, and every upstream that speaks its chat API: vLLM, SGLang, llama.cpp, Moonshot, DeepSeek, and so on.
public final class OpenAIProvider: ProviderPlugin {
    private let upstream: OpenAIUpstream

    /// Reads the config that the manifest's schema describes.
    public init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure) {
        upstream = try OpenAIUpstream(try Self.options(config), context: context)
    }

    /// Starts an attempt.
    public func begin(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange {
        upstream.begin(request)
    }

    private static func options(_ config: UnsafeRawBufferPointer) throws(PluginFailure) -> OpenAIOptions {
        let parser = JSONParser()
        let root = try ProviderConfig.parse(config, with: parser)
        var options = OpenAIOptions(baseURL: root["baseUrl"]?.string ?? "https://api.openai.com/v1")
        options.authorize(bearer: root["apiKey"]?.string ?? "")
        for (key, header) in [("organization", "OpenAI-Organization"), ("project", "OpenAI-Project")] {
            if let value = root.member(key)?.string, !value.isEmpty { options.headers.append(.init(header, value)) }
        }
        root["headers"]?.forEachMember { name, value in
            // A configured header may be a credential, such as Azure's api-key.
            let name = String(decoding: name, as: UTF8.self)
            options.headers.append(.init(name, value.string ?? "", isSecret: true))
        }
        return options
    }
}
