import HTTPTypes
package import Hummingbird
import RequestLog
import Synchronization

/// The page at `/` and its API under `/admin/api`. Shared by all requests; any thread.
///
/// It lets in by itself who may come in (``Gatekeeper``), so no other check of keys may stand before its paths.
package final class Dashboard: Sendable {
    let host: any DashboardHost
    let settings: DashboardSettings
    let sessions: Sessions
    let guesses: SignInGuard
    let gate: Gatekeeper
    let pool: LogPool?
    let assets: Assets
    /// Live feeds under way.
    let feeds = Atomic<Int>(0)
    /// Unix milliseconds.
    let clock: @Sendable () -> Int64

    package init(
        host: any DashboardHost, settings: DashboardSettings,
        clock: @escaping @Sendable () -> Int64 = { unixMilliseconds() }
    ) {
        self.host = host
        self.settings = settings
        self.clock = clock
        sessions = Sessions(stamp: { host.accessStamp }, clock: { clock() / 1_000 })
        guesses = SignInGuard(clock: { clock() / 1_000 })
        gate = Gatekeeper(host: host, sessions: sessions, settings: settings)
        pool = host.logPath.map(LogPool.init)
        assets = Assets()
    }

    /// Is this path the dashboard's own business?
    package static func owns(_ path: String) -> Bool {
        // As the router cuts it: several slashes are one.
        let parts = path.split(separator: "/", maxSplits: 3)
        switch (parts.first, parts.count) {
        case (nil, _): return true
        case ("ui", 2): return true
        case ("admin", 2): return parts[1] == "login"
        case ("admin", 3...): return parts[1] == "api"
        default: return false
        }
    }

    /// The path, behind the host's address, of a link that opens the dashboard once; nil where there is another way in, or none.
    package func makeLink() -> String? {
        host.entryWay != .link ? nil : "/admin/login?token=" + sessions.makeLink()
    }

    package func addRoutes<Context: RequestContext>(to router: Router<Context>) {
        router.get("/") { request, _ in self.assets.page(request) }
        router.get("/ui/:file") { request, context in self.assets.file(context.parameters.get("file") ?? "", request) }
        addSession(to: router)
        look(router, "me") { dashboard, request, visitor, _ throws(DashboardError) in dashboard.me(visitor) }
        look(router, "requests") { dashboard, request, _, _ async throws(DashboardError) in
            try await dashboard.list(request)
        }
        look(router, "requests/events") { dashboard, request, _, _ throws(DashboardError) in
            try dashboard.feed(request)
        }
        look(router, "requests/:id") { dashboard, _, _, id async throws(DashboardError) in
            try await dashboard.detail(id)
        }
        look(router, "requests/:id/body") { dashboard, request, _, id async throws(DashboardError) in
            try await dashboard.body(id, request)
        }
        look(router, "requests/:id/curl") { dashboard, request, _, id async throws(DashboardError) in
            try await dashboard.curl(id, request)
        }
        look(router, "overview") { dashboard, request, _, _ async throws(DashboardError) in
            try await dashboard.overview(request)
        }
        look(router, "facets") { dashboard, _, _, _ async throws(DashboardError) in try await dashboard.facets() }
        look(router, "routes") { dashboard, _, _, _ throws(DashboardError) in
            try Self.available(dashboard.host.routes(), "the list of routes")
        }
        look(router, "plugins") { dashboard, _, _, _ throws(DashboardError) in
            try Self.available(dashboard.host.plugins(), "the list of plugins")
        }
        act(router, "requests/:id/replay") { dashboard, _, id async throws(DashboardError) in
            try await dashboard.replay(id)
        }
        act(router, "cooldowns/clear") { dashboard, request, _ async throws(DashboardError) in
            try await dashboard.clearCooldowns(request)
        }
    }

    private static func available(_ json: [UInt8]?, _ what: String) throws(DashboardError) -> Response {
        guard let json else { throw .notAvailable(what) }
        return Reply.json(json)
    }

    // MARK: Wrapping

    private typealias Look =
        @Sendable (Dashboard, Request, Visitor, String) async throws(DashboardError) -> Response

    private func look<Context: RequestContext>(_ router: Router<Context>, _ path: String, _ body: @escaping Look) {
        router.get(RouterPath("/admin/api/" + path)) { request, context in
            do throws(DashboardError) {
                let visitor = try self.gate.admit(request, .look)
                return try await body(self, request, visitor, context.parameters.get("id") ?? "")
            } catch {
                return error.response
            }
        }
    }

    private func act<Context: RequestContext>(
        _ router: Router<Context>, _ path: String,
        _ body: @escaping @Sendable (Dashboard, Request, String) async throws(DashboardError) -> Response
    ) {
        router.post(RouterPath("/admin/api/" + path)) { request, context in
            do throws(DashboardError) {
                _ = try self.gate.admit(request, .act)
                return try await body(self, request, context.parameters.get("id") ?? "")
            } catch {
                return error.response
            }
        }
    }
}
