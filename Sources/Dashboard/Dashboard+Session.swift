import HTTPTypes
import Hummingbird
import RequestLog
import WireJSON

/// Signing in and out, and what the page is told of its visitor.
extension Dashboard {
    /// Bytes of an action's body.
    private static let maxBody = 16 << 10

    func addSession<Context: RequestContext>(to router: Router<Context>) {
        router.get("/admin/login") { request, _ in
            do throws(DashboardError) {
                try self.gate.checkName(request)
                return self.login(request)
            } catch {
                return error.response
            }
        }
        router.post("/admin/api/session") { request, context in
            let peer = (context as? any RemoteAddressRequestContext)?.remoteAddress
            do throws(DashboardError) {
                return try await self.signIn(request, from: SignInGuard.Source(peer))
            } catch {
                return error.response
            }
        }
        router.delete("/admin/api/session") { request, _ in
            if let id = Gatekeeper.session(of: request) { self.sessions.close(id) }
            var response = Reply.empty(.noContent)
            response.headers[.setCookie] = self.cookie("", age: 0)
            return response
        }
    }

    /// A wrong or used link leads to the page as well, which then says how to get in.
    private func login(_ request: Request) -> Response {
        var response = Reply.empty(.seeOther)
        // Chats and mail programs look at links before people do: that must not use one up.
        guard request.method != .head else {
            response.headers[.location] = "/"
            return response
        }
        let token = request.uri.queryParameters["token"].map(String.init) ?? ""
        if let session = sessions.open(link: token) {
            response.headers[.location] = "/"
            response.headers[.setCookie] = cookie(session, age: Sessions.lifetime)
        } else {
            response.headers[.location] = "/#/login?used=1"
        }
        return response
    }

    private func signIn(_ request: Request, from source: SignInGuard.Source) async throws(DashboardError) -> Response {
        try gate.checkName(request)
        try gate.checkOrigin(request)
        guard guesses.mayTry(source) else {
            throw DashboardError(.tooManyRequests, "too_many", "too many wrong keys: wait a minute")
        }
        let key = try await member("key", of: request)
        guard let key, !key.isEmpty else { throw .parameter("key", "is missing") }
        guard host.entryWay == .key, let visitor = host.visitor(key: key) else {
            guesses.failed(source)
            throw DashboardError(
                .unauthorized, "not_signed_in", "this key does not open the dashboard: \(gate.cure)")
        }
        var response = Reply.empty(.noContent)
        response.headers[.setCookie] = cookie(sessions.open(visitor), age: Sessions.lifetime)
        return response
    }

    private func cookie(_ value: String, age: Int64) -> String {
        "\(Gatekeeper.cookie)=\(value); Path=/admin; Max-Age=\(age); HttpOnly; SameSite=Strict"
            + (settings.isSecure ? "; Secure" : "")
    }

    /// A string member of the body; nil: it is not there.
    func member(_ name: String, of request: Request) async throws(DashboardError) -> String? {
        var request = request
        let bytes: [UInt8]
        do {
            bytes = [UInt8](buffer: try await request.collectBody(upTo: Self.maxBody))
        } catch {
            throw DashboardError(.contentTooLarge, "too_large", "the body is longer than \(Self.maxBody) bytes")
        }
        guard !bytes.isEmpty else { return nil }
        // Values live as long as their parser does.
        let parser = JSONParser(maxBytes: Self.maxBody)
        do {
            return try withExtendedLifetime(parser) { try parser.parse(bytes).member(name)?.string }
        } catch {
            throw DashboardError(.badRequest, "bad_parameter", "the body must be a JSON object")
        }
    }

    private var features: [String] {
        (pool == nil ? [] : ["log", "search"]) + (host.hasReplay ? ["replay"] : [])
    }

    func me(_ visitor: Visitor) -> Response {
        let object = JSONObjectWriter()
        object.text("version", host.version)
        object.number("now", clock())
        object.text("name", visitor.name)
        object.flag("admin", visitor.isAdmin)
        object.flag("read_only", settings.isReadOnly || !visitor.isAdmin)
        object.flag("keys", host.entryWay == .key)
        object.object("live") { live in
            live.number("max_records", Int64(settings.maxRecords))
            live.number("batch", Int64(settings.batch))
        }
        object.texts("features", features)
        return Reply.json(object.end())
    }
}
