import Dialects
import PluginHost

extension Span {
    mutating func setUsage(_ tokens: TokenCounts, _ usage: UsageNote) {
        func known(_ count: Int64) -> Int64? { count >= 0 ? count : nil }
        set("gen_ai.usage.input_tokens", known(tokens.input))
        set("gen_ai.usage.output_tokens", known(tokens.output))
        set("gen_ai.usage.cache_read.input_tokens", known(tokens.cached))
        set("gen_ai.usage.cache_creation.input_tokens", known(usage.cacheWrite))
        set("gen_ai.usage.reasoning.output_tokens", known(usage.reasoning))
        if !usage.finish.isEmpty { set("gen_ai.response.finish_reasons", .texts([usage.finish])) }
    }
}

/// Whom a URL leads to.
struct ServerAddress: Equatable {
    let host: String
    let port: Int64?

    init(_ url: String) {
        let isSecure = url.hasPrefix("https:")
        // Without what may hold secrets.
        let place = UpstreamTarget.text(url)
        guard let slashes = place.utf8.firstIndex(of: UInt8(ascii: "/")) else {
            (host, port) = ("", nil)
            return
        }
        let authority = Substring(place.utf8[slashes...].dropFirst(2).prefix { $0 != UInt8(ascii: "/") })
        let colon = authority.lastIndex(of: ":")
        if let colon, !authority[colon...].contains("]") {
            host = String(authority[..<colon])
            port = Int64(authority[authority.index(after: colon)...])
        } else {
            host = String(authority)
            port = isSecure ? 443 : 80
        }
    }
}
