import HTTPTypes
import Hummingbird
import NIOCore

/// Says who a request is from, and whether it may do what it wants.
struct Gatekeeper: Sendable {
    static let cookie = "kimi_session"
    private static let mark = HTTPField.Name("x-kimi-dashboard")
    private static let site = HTTPField.Name("sec-fetch-site")

    let host: any DashboardHost
    let sessions: Sessions
    let settings: DashboardSettings

    enum Wish { case look, act }

    func admit(_ request: Request, _ wish: Wish) throws(DashboardError) -> Visitor {
        try refuseOthers(request)
        let visitor = try identify(request)
        guard wish == .act else { return visitor }
        guard !settings.isReadOnly else {
            throw DashboardError(.forbidden, "read_only", "this dashboard is for looking only (dashboard.read_only)")
        }
        guard visitor.isAdmin else {
            throw DashboardError(.forbidden, "not_admin", "only the admin's key (auth.admin_key) may do this")
        }
        try checkOrigin(request)
        return visitor
    }

    private func identify(_ request: Request) throws(DashboardError) -> Visitor {
        if host.entryWay == .key, let visitor = host.visitor(request.headers) { return visitor }
        try checkName(request)
        guard host.entryWay != .none else { throw DashboardError(.forbidden, "no_way_in", cure) }
        if let id = Self.session(of: request), let visitor = sessions.find(id) { return visitor }
        throw DashboardError(.unauthorized, "not_signed_in", "not signed in: \(cure)")
    }

    /// How to come in, for people.
    var cure: String {
        switch host.entryWay {
        case .key: "sign in with the admin's key (auth.admin_key); clients' keys do not open the dashboard"
        case .link: "open the link that the host printed when it started (restart it for another one)"
        case .none:
            "nobody may open the dashboard: others than this machine reach the host, and there is no admin's key; "
                + "set auth.admin_key, or listen on 127.0.0.1"
        }
    }

    /// What pages of other sites ask for is not their visitor's wish.
    private func refuseOthers(_ request: Request) throws(DashboardError) {
        let site = Self.site.flatMap { request.headers[$0] }
        guard site == "cross-site" || site == "same-site" else { return }
        throw DashboardError(.forbidden, "wrong_origin", "pages of other sites may not read the dashboard's API")
    }

    /// The page's own requests come from the same origin and say so; other sites' cannot.
    func checkOrigin(_ request: Request) throws(DashboardError) {
        let refusal = DashboardError(
            .forbidden, "wrong_origin",
            "actions must come from the dashboard itself (with the header x-kimi-dashboard: 1)")
        guard let mark = Self.mark, request.headers[mark] == "1" else { throw refusal }
        if let site = Self.site.flatMap({ request.headers[$0] }), site != "same-origin" { throw refusal }
        guard let origin = request.headers[.origin] else { return }
        let scheme = settings.isSecure ? "https://" : "http://"
        guard let authority = request.head.authority, origin == scheme + authority else { throw refusal }
    }

    /// No name but our own may lead a browser here.
    func checkName(_ request: Request) throws(DashboardError) {
        guard let authority = request.head.authority, isOwn(authority) else {
            throw DashboardError(
                .forbidden, "wrong_host",
                "this name is not known here: use the host's address, or list the name under 'dashboard.hosts'")
        }
    }

    private func isOwn(_ authority: String) -> Bool {
        guard let name = Self.name(of: authority)?.lowercased() else { return false }
        if name == "localhost" || settings.hosts.contains(where: { $0.lowercased() == name }) { return true }
        let isBracketed = name.hasPrefix("[")
        let text = isBracketed ? String(name.dropFirst().dropLast()) : name
        guard let address = try? SocketAddress(ipAddress: text, port: 0) else { return false }
        return (address.protocol == .inet6) == isBracketed
    }

    /// What stands before the port; nil: this is no authority.
    private static func name(of authority: String) -> String? {
        let end: String.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            end = authority.index(after: bracket)
        } else {
            end = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        let port = authority[end...]
        guard port.isEmpty || port.first == ":" && port.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return String(authority[..<end])
    }

    static func session(of request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0] == cookie { return String(parts[1]) }
            }
        }
        return nil
    }
}
