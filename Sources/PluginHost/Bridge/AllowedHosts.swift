/// The hosts that a provider instance may talk to: its manifest's `hosts`, and those of its `x-host` properties.
struct AllowedHosts {
    private let patterns: [String]

    /// `urls`: the configured ones.
    init(patterns: [String], urls: [String]) {
        self.patterns = patterns.map { $0.lowercased() } + urls.compactMap(Self.host)
    }

    func refusal(of url: String, plugin: String) -> String? {
        guard let host = Self.host(of: url) else {
            return "plugin '\(plugin)' planned a request to '\(url)', which is not an http or https URL"
        }
        guard !patterns.contains(where: { Self.matches(host, $0) }) else { return nil }
        return "plugin '\(plugin)' planned a request to host '\(host)', which neither its manifest's \"hosts\" nor "
            + "an x-host property of its configuration allows"
    }

    /// Host part in lower case, without port, user and brackets; nil for other schemes.
    static func host(of url: String) -> String? {
        let text = url.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { text.hasPrefix($0) }) else { return nil }
        var authority = text.dropFirst(scheme.count).prefix { !"/?#\\".contains($0) }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        if authority.hasPrefix("[") {
            return authority.dropFirst().split(separator: "]").first.map(String.init)
        }
        let host = authority.prefix { $0 != ":" }
        return host.isEmpty ? nil : String(host)
    }

    private static func matches(_ host: String, _ pattern: String) -> Bool {
        if pattern == "*" { return true }
        guard pattern.hasPrefix("*.") else { return host == pattern }
        return host.hasSuffix(pattern.dropFirst()) && host.count > pattern.count - 1
    }
}
