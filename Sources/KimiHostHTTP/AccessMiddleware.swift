import CanonicalModel
import Dashboard
import HTTPTypes
import Hummingbird
import KimiHostCore
import NIOCore

/// What the routes beside the LLM endpoints know of a request.
struct HostContext: RemoteAddressRequestContext {
    var coreContext: CoreRequestContextStorage
    /// Whose request it is.
    var key = ClientKey.anybody
    /// Of the connection.
    let remoteAddress: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        remoteAddress = source.channel.remoteAddress
    }
}

/// Lets only those pass who have a key, where keys are configured. `/healthz` and `/readyz` are for anybody.
struct AccessMiddleware: RouterMiddleware {
    typealias Context = HostContext

    let current: CurrentServing
    let gate: ExchangeGate
    /// The dashboard lets in by itself, by the same rules, who may come in; false: there is none.
    let hasDashboard: Bool

    @concurrent func handle(
        _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var context = context
        let path = request.uri.path
        if hasDashboard, Dashboard.owns(path) { return try await next(request, context) }
        if AdminAccess.covers(path) {
            let serving = current.serving
            do throws(ExchangeError) {
                try serving.admin.check(request, serving.keys)
            } catch {
                if error.httpStatus == 401 { gate.count(.key) }
                return HostServer.failure(error, HostServer.dialect(of: request), request)
            }
        } else if path != "/healthz", path != "/readyz" {
            do throws(ExchangeError) {
                let (serving, offered) = (current.serving, OfferedKeys.of(request.headers))
                if path.split(separator: "/") == ["metrics"] {
                    try serving.admin.rules.checkMetrics(offered: offered, serving.keys)
                } else {
                    context.key = try serving.keys.find(offered)
                }
                if let profile = Self.profile(of: path) { try context.key.check(profile: profile.name) }
            } catch {
                if error.httpStatus == 401 { gate.count(.key) }
                return HostServer.failure(error, HostServer.dialect(of: request), request)
            }
        }
        return try await next(request, context)
    }

    private struct Profile {
        let name: String?
    }

    /// The profile of `/v1/...` and `/<profile>/v1/...`; nil for other paths.
    private static func profile(of path: String) -> Profile? {
        let parts = path.split(separator: "/").prefix(2)
        if parts.first == "v1" { return Profile(name: nil) }
        guard parts.count == 2, parts[1] == "v1", let name = PercentEncoding.decoded(parts[0].utf8) else { return nil }
        return Profile(name: name)
    }
}
