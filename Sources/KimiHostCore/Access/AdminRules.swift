package import CanonicalModel
import PluginABI

/// Who may use `/admin/`. Immutable; any thread.
package struct AdminRules: Sendable {
    let key: KeyDigest?
    /// Nobody but this machine reaches the host.
    let isLocal: Bool
    /// It is local, and asks for no keys.
    let isOpen: Bool

    package init(_ config: HostConfig) {
        key = config.adminKey
        isLocal = LoopbackAddress.isLoopback(config.listeningHost)
        if case .keys = config.auth {
            isOpen = false
        } else {
            isOpen = isLocal
        }
    }

    /// Throws what the client must hear. `host`: the name that the request was sent to. `origin`: of the page that sent
    /// it, if a browser did. `isCrossSite`: the browser says that it is another site's.
    package func check(
        offered: [some StringProtocol], _ keys: ClientKeys, isChange: Bool, host: String?, origin: String?,
        isCrossSite: Bool
    ) throws(ExchangeError) {
        // A browser sends a page's requests with whatever it has; what other sites ask for is not its user's wish.
        if isCrossSite || origin.map({ Self.authority(ofOrigin: $0) != host?.lowercased() }) ?? false {
            throw ExchangeError(
                KIMI_CAT_PERMISSION, "pages of other sites may not use /admin/", code: "cross_origin")
        }
        if let key {
            let digests = offered.map { KeyDigest(of: $0.utf8) }
            guard !digests.filter({ $0.matches(key) }).isEmpty else {
                throw ExchangeError(
                    KIMI_CAT_AUTH, "the admin's key is needed here: send 'Authorization: Bearer KEY' (auth.admin_key)",
                    code: "invalid_api_key")
            }
            return
        }
        try keys.find(offered).checkSeesAll()
        guard isOpen else {
            guard isChange else { return }
            throw ExchangeError(
                KIMI_CAT_PERMISSION, "set auth.admin_key and send that key: others than this machine reach the host",
                code: "admin_key_needed")
        }
        // A name that somebody else makes mean this machine is not this machine's.
        guard host.map({ LoopbackAddress.isLoopback(Self.name(of: $0)) }) ?? true else {
            throw ExchangeError(
                KIMI_CAT_PERMISSION, "without auth.admin_key, /admin/ is there under the names of this machine only",
                code: "wrong_host")
        }
    }

    /// Who may read `/metrics`, which names all models: the admin, and clients that all models are for.
    package func checkMetrics(offered: [some StringProtocol], _ keys: ClientKeys) throws(ExchangeError) {
        if !isAdmin(offered: offered) { try keys.find(offered).checkSeesAll() }
    }

    /// `http://host:port` without the scheme.
    private static func authority(ofOrigin origin: String) -> String {
        let origin = origin.lowercased()
        for scheme in ["http://", "https://"] where origin.hasPrefix(scheme) {
            return String(origin.dropFirst(scheme.count))
        }
        return origin
    }

    /// `host:port` without the port.
    static func name(of authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") { return String(authority[...end]) }
        return String(authority.prefix { $0 != ":" })
    }
}
