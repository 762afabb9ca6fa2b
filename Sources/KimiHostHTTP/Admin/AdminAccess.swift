import CanonicalModel
import HTTPTypes
import Hummingbird
import KimiHostCore

/// Lets only those at `/admin/` who may act there: with `auth.admin_key` its holder; otherwise, to look, whoever may use
/// the host, and to act, whoever is on a machine that nobody else reaches.
struct AdminAccess: Sendable {
    let rules: AdminRules
    private static let fetchSite = HTTPField.Name("sec-fetch-site")

    init(_ config: HostConfig) { rules = AdminRules(config) }

    /// By segments, as the router takes a path: empty ones do not count.
    static func covers(_ path: String) -> Bool { path.split(separator: "/").first == "admin" }

    func check(_ request: Request, _ keys: ClientKeys) throws(ExchangeError) {
        let site = Self.fetchSite.flatMap { request.headers[$0] }
        try rules.check(
            offered: OfferedKeys.of(request.headers), keys,
            isChange: request.method != .get && request.method != .head, host: request.head.authority,
            origin: request.headers[.origin], isCrossSite: site == "cross-site" || site == "same-site")
    }
}
