import CanonicalModel
import HTTPTypes
import Hummingbird
import KimiHostCore
import NIOCore
import PluginABI
import WireJSON

/// What operators may look at and change while the host runs. GET reads, POST acts; bodies are JSON.
extension HostServer {
    /// Bytes of an admin request's body.
    private static let maxAdminBody = 64 << 10

    static func addAdmin(to router: Hummingbird.Router<HostContext>, _ current: CurrentServing) {
        router.get("/admin/routes") { _, _ in Self.json(.ok, current.serving.runtime.routesJSON()) }
        router.post("/admin/cooldowns/clear") { request, _ in
            let body = try await request.body.collect(upTo: Self.maxAdminBody)
            do throws(ExchangeError) {
                let selection = try body.bytes { bytes throws(ExchangeError) in try RouteSelection(json: bytes) }
                let cleared = try current.serving.runtime.clearCooldowns(of: selection)
                let out = ByteWriter(capacity: 64)
                out.append(#"{"cleared":"#)
                out.append(int: Int64(cleared))
                out.append("}")
                return Self.json(.ok, out)
            } catch {
                return failure(error, .chat, request)
            }
        }
    }
}
