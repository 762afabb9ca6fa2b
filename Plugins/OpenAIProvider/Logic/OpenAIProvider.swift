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
        try upstream.begin(request)
    }

    private static func options(_ config: UnsafeRawBufferPointer) throws(PluginFailure) -> OpenAIOptions {
        let parser = JSONParser()
        let root = try ProviderConfig.parse(config, with: parser)
        var options = OpenAIOptions(baseURL: root["baseUrl"]?.string ?? "https://api.openai.com/v1")
        if let flavour = root["flavour"]?.string.flatMap(Flavour.init) {
            options.flavour = flavour
            options.canonical = flavour.canonical
        }
        options.apiVersion = root["api_version"]?.string
        options.deployment = root["deployment"]?.string
        options.api = root["api"]?.string.flatMap(OpenAIOptions.API.init) ?? .chat
        options.native = root["native"]?.bool
        options.responses.summary = root["reasoning_summary"]?.string
        options.responses.wantsEncryptedReasoning = root["encrypted_reasoning"]?.bool
        authorize(&options, root)
        try options.readShared(root)
        return options
    }

    /// Azure's own way is a header of its own; its tokens of Entra are bearer tokens.
    private static func authorize(_ options: inout OpenAIOptions, _ root: JSONValue) {
        let key = root["apiKey"]?.string ?? ""
        let isAzure = options.flavour == .azure
        if root["auth"]?.string ?? (isAzure ? "api-key" : "bearer") == "bearer" {
            options.authorize(bearer: key)
        } else if !key.isEmpty {
            options.setHeader("api-key", key)
        }
        for (key, header) in [("organization", "OpenAI-Organization"), ("project", "OpenAI-Project")] {
            if let value = root.member(key)?.string, !value.isEmpty { options.headers.append(.init(header, value)) }
        }
    }
}
