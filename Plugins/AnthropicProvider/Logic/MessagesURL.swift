internal import PluginKit

/// The addresses of the endpoints under a configured base URL.
struct MessagesURL {
    let messages: String
    let countTokens: String

    /// Trailing slashes count for nothing, `/v1` and `/v1/messages` may be there already, a query stays at the end.
    init(_ baseURL: String) throws(PluginFailure) {
        let parts = baseURL.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var base = parts[0]
        while base.last == "/" { base.removeLast() }
        let lower = base.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }), base.count > scheme.count,
            !base.contains(where: \.isWhitespace)
        else {
            throw .config("baseUrl is '\(baseURL)'; it must be an address such as https://api.anthropic.com.")
        }
        if base.hasSuffix("/v1/messages") { base = base.dropLast("/messages".count) }
        let root = base.hasSuffix("/v1") ? String(base) : base + "/v1"
        let query = parts.count > 1 ? "?" + parts[1] : ""
        messages = root + "/messages" + query
        countTokens = root + "/messages/count_tokens" + query
    }
}
