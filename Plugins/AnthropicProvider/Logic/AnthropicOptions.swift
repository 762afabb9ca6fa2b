internal import OpenAICompatible
internal import PluginABI
internal import PluginKit
internal import WireJSON

/// An instance's configuration, read and checked.
struct AnthropicOptions: Sendable {
    /// A request header; the value of a secret one appears in no log.
    struct Header: Sendable {
        let name: String
        let value: String
        let isSecret: Bool
    }

    enum Thinking: String { case auto, budget, adaptive, off }
    enum UnsignedThoughts: String { case auto, drop, text, thinking }

    private(set) var messagesURL = ""
    private(set) var countURL = ""
    private(set) var headers: [Header] = []
    private(set) var betas: [String] = []
    private(set) var isNative = true
    private(set) var maxTokens: Int64?
    /// The `cache_control` of requests without one, as JSON; empty for none.
    private(set) var cacheControl: StaticString = ""
    private(set) var thinking = Thinking.auto
    private(set) var unsignedThoughts = UnsignedThoughts.auto
    private(set) var keepsSystemInPlace = true
    /// A merge patch for every request body, and its members' names; empty for none.
    private(set) var patch = ExtraBody()
    private(set) var hasBothKeys = false

    init(_ config: UnsafeRawBufferPointer) throws(PluginFailure) {
        let parser = JSONParser()
        let root = try ProviderConfig.parse(config, with: parser)
        let urls = try MessagesURL(root["baseUrl"]?.string ?? "https://api.anthropic.com")
        (messagesURL, countURL) = (urls.messages, urls.countTokens)
        readHeaders(root)
        betas = root["betas"]?.elements.compactMap(\.string) ?? []
        isNative = root["native"]?.bool ?? true
        maxTokens = root["maxTokens"]?.int
        switch root["promptCaching"]?.string {
        case "5m": cacheControl = #"{"type":"ephemeral"}"#
        case "1h": cacheControl = #"{"type":"ephemeral","ttl":"1h"}"#
        default: break
        }
        thinking = root["thinking"]?.string.flatMap(Thinking.init) ?? .auto
        unsignedThoughts = root["unsignedThoughts"]?.string.flatMap(UnsignedThoughts.init) ?? .auto
        keepsSystemInPlace = root["systemMessages"]?.string != "top"
        if let extra = root["extra_body"] { patch = try ExtraBody(extra) }
        withExtendedLifetime(parser) {}
    }

    private mutating func readHeaders(_ root: JSONValue) {
        let key = root["apiKey"]?.string ?? ""
        let token = root["authToken"]?.string ?? ""
        hasBothKeys = !key.isEmpty && !token.isEmpty
        if !key.isEmpty {
            headers.append(Header(name: "x-api-key", value: key, isSecret: true))
        } else if !token.isEmpty {
            headers.append(Header(name: "Authorization", value: "Bearer \(token)", isSecret: true))
        }
        let version = root["version"]?.string ?? "2023-06-01"
        headers.append(Header(name: "anthropic-version", value: version, isSecret: false))
        for name: StaticString in ["headers", "extra_headers"] {
            guard let members = root[name]?.members else { continue }
            for (name, value) in members {
                // A configured header may be a credential.
                let name = String(decoding: name, as: UTF8.self)
                headers.append(Header(name: name, value: value.string ?? "", isSecret: true))
            }
        }
    }

    /// The value of `anthropic-beta`: the configured words, then the client's, each once; nil for none.
    func betaHeader(with more: [String]) -> String? {
        var words: [String] = []
        for word in betas + more where !words.contains(word) { words.append(word) }
        return words.isEmpty ? nil : words.joined(separator: ",")
    }
}
