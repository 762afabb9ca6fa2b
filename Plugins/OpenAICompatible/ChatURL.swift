internal import PluginABI
internal import PluginKit

/// The address of the chat endpoint under a configured base URL.
enum ChatURL {
    /// Trailing slashes count for nothing, a base without a path gets `/v1`, a query stays at the end, and a base
    /// that names the endpoint already is taken as it is.
    static func make(_ baseURL: String) throws(PluginFailure) -> String {
        let parts = baseURL.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var base = parts[0]
        while base.last == "/" { base.removeLast() }
        let lower = base.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }), base.count > scheme.count,
            !base.contains(where: \.isWhitespace)
        else {
            throw PluginFailure(
                KIMI_E_CONFIG, KIMI_CAT_CONFIG,
                "baseUrl is '\(baseURL)'; it must be an address such as https://api.example.com/v1.")
        }
        var url = String(base)
        if !base.dropFirst(scheme.count).contains("/") { url += "/v1" }
        if !url.hasSuffix("/chat/completions") { url += "/chat/completions" }
        return parts.count > 1 ? url + "?" + parts[1] : url
    }
}
