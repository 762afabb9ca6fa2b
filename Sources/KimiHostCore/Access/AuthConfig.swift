extension HostConfig {
    /// Who may use the host.
    package enum Auth: Sendable {
        /// Nothing is said: open, on loopback only.
        case unset
        /// `auth: none`: open on purpose.
        case open
        case keys([ClientKeyConfig])
    }

    /// Where the process listens: a configuration that is loaded anew does not change that.
    package var listeningHost: String { boundHost ?? server.host }

    /// The mistake of an address that others can reach, without a word on who may use it; otherwise nil.
    package var exposure: Diagnostic? {
        guard case .unset = auth, !LoopbackAddress.isLoopback(listeningHost) else { return nil }
        return Diagnostic(
            .error, file: file, path: "server.host",
            message: "'\(listeningHost)' is not a loopback address, and anyone who reaches it could use the upstreams' "
                + "keys; list client keys under 'auth.keys' (kimi-host auth new makes one), or write 'auth: none'")
    }
}

/// One of `auth.keys`: a client's key and what it opens.
package struct ClientKeyConfig: Sendable {
    /// For logs, and the owner of stored responses.
    package var name: String
    package var digest: KeyDigest
    /// Models that may be used; nil: all.
    package var models: [NamePattern]?
    /// Profiles that may be used, `""` being none; nil: all.
    package var profiles: [String]?
    /// Bounds; nil: none.
    package var requestsPerMinute: Int?
    package var tokensPerMinute: Int?
    package var maxExchanges: Int?

    package init(name: String, digest: KeyDigest) {
        self.name = name
        self.digest = digest
    }
}

/// Which addresses nobody but this machine reaches.
enum LoopbackAddress {
    /// Names other than `localhost` are not resolved: they count as reachable.
    static func isLoopback(_ host: String) -> Bool {
        var host = host.lowercased()
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        if host == "localhost" || host == "::1" || host == "0:0:0:0:0:0:0:1" { return true }
        if host.hasPrefix("::ffff:") { host = String(host.dropFirst(7)) }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
