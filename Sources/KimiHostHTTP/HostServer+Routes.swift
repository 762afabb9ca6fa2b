import CanonicalModel
import Dashboard
import HTTPTypes
import Hummingbird
import KimiHostCore
import LogModel
import NIOCore
import PluginABI
import PluginHost
import Synchronization
import WireJSON

extension HostServer {
    /// Everything but the LLM endpoints, which `LLMHandler` takes before Hummingbird sees them.
    static func router(
        _ current: CurrentServing, _ host: HTTPHost, _ metrics: HostMetrics, _ loops: LoopContexts,
        _ plugins: PluginStore, _ log: ExchangeLog?, _ tracer: Tracer?, _ dashboard: Dashboard?
    ) -> Hummingbird.Router<HostContext> {
        let router = Hummingbird.Router(context: HostContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            Framing()
            AccessMiddleware(current: current, gate: host.gate, hasDashboard: dashboard != nil)
        }
        router.get("/healthz") { _, _ in Self.json(.ok, #"{"status":"ok"}"#) }
        router.get("/readyz") { _, _ in
            host.state.isReady && current.serving.runtime.hasRoutes
                ? Self.json(.ok, #"{"status":"ready"}"#)
                : Self.json(.serviceUnavailable, #"{"status":"not ready"}"#)
        }
        router.get("/metrics") { _, _ in
            let open = OpenResources(
                transfers: loops.openTransfers, connections: host.connections.load(ordering: .relaxed))
            return Self.metrics(current.serving.runtime, metrics, host.gate, open, plugins, log, tracer)
        }
        addAdmin(to: router, current)
        router.get("/admin/plugins") { _, _ in Self.json(.ok, plugins.report) }
        dashboard?.addRoutes(to: router)
        for prefix in ["", "/:profile"] {
            for version in [prefix + "/v1", prefix + "/v1/v1"] {
                addModels(to: router, at: version, current)
                addResponses(to: router, at: version + "/responses", host.responses)
            }
        }
        return router
    }

    private static func metrics(
        _ runtime: HostRuntime, _ metrics: HostMetrics, _ gate: ExchangeGate, _ open: OpenResources,
        _ plugins: PluginStore, _ log: ExchangeLog?, _ tracer: Tracer?
    ) -> Response {
        let text =
            PrometheusText(
                metrics.snapshot, memories: runtime.services.memorySizes, gate: gate.snapshot, calls: .now,
                quarantined: runtime.quarantined, libraries: plugins.libraries,
                log: log?.sink.stats, logMemory: log?.memory, spans: tracer?.stats,
                linesDropped: ProcessLog.dropped
            ).text + runtime.routingMetrics(open)
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
