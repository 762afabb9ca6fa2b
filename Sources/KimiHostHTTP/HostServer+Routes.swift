import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import KimiHostCore
import NIOCore
import PluginABI
import PluginHost
import Synchronization
import WireJSON

/// Whether the host takes requests. Any thread.
final class ServerState: Sendable {
    private let ready = Atomic<Bool>(false)

    var isReady: Bool {
        get { ready.load(ordering: .relaxed) }
        set { ready.store(newValue, ordering: .relaxed) }
    }
}

extension HostServer {
    /// Everything but the LLM endpoints, which `LLMHandler` takes before Hummingbird sees them.
    static func router(
        _ runtime: HostRuntime, _ state: ServerState, _ metrics: HostMetrics
    ) -> Hummingbird.Router<BasicRequestContext> {
        let router = Hummingbird.Router(context: BasicRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware { Framing() }
        router.get("/healthz") { _, _ in Self.json(.ok, #"{"status":"ok"}"#) }
        router.get("/readyz") { _, _ in
            state.isReady && runtime.hasRoutes
                ? Self.json(.ok, #"{"status":"ready"}"#)
                : Self.json(.serviceUnavailable, #"{"status":"not ready"}"#)
        }
        router.get("/metrics") { _, _ in Self.metrics(runtime, metrics) }
        router.get("/v1/models") { _, _ in Self.models(runtime, profile: nil) }
        router.get("/:profile/v1/models") { _, context in
            Self.models(runtime, profile: context.parameters.get("profile"))
        }
        return router
    }

    private static func metrics(_ runtime: HostRuntime, _ metrics: HostMetrics) -> Response {
        let text = PrometheusText(metrics.snapshot, memories: runtime.services.memorySizes).text
        return Response(
            status: .ok, headers: [.contentType: PrometheusText.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private static func models(_ runtime: HostRuntime, profile: String?) -> Response {
        let out = ByteWriter(capacity: 1024)
        out.append(#"{"object":"list","data":["#)
        for (index, name) in runtime.modelNames(profile: profile).enumerated() {
            if index > 0 { out.append(",") }
            out.append(#"{"id":"#)
            out.appendJSONString(name)
            out.append(#","object":"model","created":"#)
            out.append(int: runtime.startedAt)
            out.append(#","owned_by":"kimi-host"}"#)
        }
        out.append("]}")
        return json(.ok, out)
    }

    private static func json(_ status: HTTPResponse.Status, _ text: StaticString) -> Response {
        let out = ByteWriter(capacity: 64)
        out.append(text)
        return json(status, out)
    }

    static func json(_ status: HTTPResponse.Status, _ body: ByteWriter) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body.bytes)))
    }
}
