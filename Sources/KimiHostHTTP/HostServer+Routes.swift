import CanonicalModel
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
        _ runtime: HostRuntime, _ state: ServerState, _ metrics: HostMetrics, _ responses: ResponseArchive
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
        for prefix in ["", "/:profile"] {
            for version in [prefix + "/v1", prefix + "/v1/v1"] {
                addModels(to: router, at: version, runtime)
                addResponses(to: router, at: version + "/responses", responses)
            }
        }
        return router
    }

    private static func metrics(_ runtime: HostRuntime, _ metrics: HostMetrics) -> Response {
        let text = PrometheusText(metrics.snapshot, memories: runtime.services.memorySizes).text
        return Response(
            status: .ok, headers: [.contentType: PrometheusText.contentType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
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
