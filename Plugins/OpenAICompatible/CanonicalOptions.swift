/// What an upstream takes of a canonical request (docs/openai-compatible.md): used for clients of other dialects.
public struct CanonicalOptions: Sendable, Equatable {
    /// What becomes of a document that the request names by URL.
    public enum DocumentURL: Sendable {
        /// A text part that names it.
        case text
        /// `file_data` with the URL, which some gateways fetch.
        case fileData
        /// It stays as `file_url`.
        case keep
    }

    /// What becomes of Anthropic's `thinking`.
    public enum Thinking: Sendable {
        /// `{"type": "enabled" or "disabled"}`.
        case type
        /// `reasoning_effort`.
        case effort
    }

    /// Messages and their parts keep `cache_control`.
    public var keepsCacheControl = false
    /// Assistant messages keep `reasoning_content`, and tool calls what belongs to a thought.
    public var keepsReasoning = true
    /// Role `developer` stays; otherwise it is `system`.
    public var keepsDeveloper = false
    /// See ``DocumentURL``.
    public var documentURL = DocumentURL.text
    /// See ``Thinking``.
    public var thinking = Thinking.type
    /// `max_tokens` is called `max_completion_tokens`.
    public var renamesMaxTokens = false
    /// `top_k` stays.
    public var keepsTopK = true

    /// For servers that resemble OpenAI's.
    public static let compatible = CanonicalOptions()

    /// For OpenAI itself, which refuses what it does not know.
    public static let openAI: CanonicalOptions = {
        var options = CanonicalOptions()
        options.keepsReasoning = false
        options.keepsDeveloper = true
        options.thinking = .effort
        options.renamesMaxTokens = true
        options.keepsTopK = false
        return options
    }()

    /// The options that fit an address: OpenAI's own hosts, `api.openai.com` and those of its regions, are strict.
    public static func suited(to url: String) -> CanonicalOptions {
        guard let scheme = url.utf8.firstIndex(of: UInt8(ascii: ":")) else { return .compatible }
        let authority = url[scheme...].dropFirst().drop { $0 == "/" }.prefix { !"/?#".contains($0) }
        let host = (authority.split(separator: "@").last ?? "").prefix { $0 != ":" }.lowercased()
        return host == "api.openai.com" || host.hasSuffix(".api.openai.com") ? .openAI : .compatible
    }
}
