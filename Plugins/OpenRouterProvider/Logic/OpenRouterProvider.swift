internal import OpenAICompatible
internal import PluginABI
public import PluginKit
internal import WireJSON

/// OpenRouter: the OpenAI chat API in front of many upstreams.
public final class OpenRouterProvider: ProviderPlugin {
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
        var options = OpenAIOptions(baseURL: root["baseUrl"]?.string ?? "https://openrouter.ai/api/v1")
        options.flavour = .compatible
        options.canonical = canonical
        options.keepsReasoningDetails = true
        options.native = false
        options.modelSuffix = suffix(root["shortcut"]?.string)
        options.authorize(bearer: root["apiKey"]?.string ?? "")
        for (key, header) in [("referer", "HTTP-Referer"), ("title", "X-Title")] {
            if let value = root.member(key)?.string, !value.isEmpty { options.headers.append(.init(header, value)) }
        }
        options.bodyPatch = RoutingPatch.chat(root)
        options.otherPatch = RoutingPatch.other(root)
        try options.readShared(root)
        return options
    }

    private static var canonical: CanonicalOptions {
        var options = CanonicalOptions.compatible
        options.keepsCacheControl = true
        options.documentURL = .fileData
        options.thinking = .reasoning
        options.makesReasoningDetails = true
        options.adaptsChat = true
        return options
    }

    private static func suffix(_ shortcut: String?) -> String? {
        guard let shortcut, !shortcut.isEmpty else { return nil }
        return shortcut.hasPrefix(":") ? shortcut : ":" + shortcut
    }
}
