import CanonicalModel
import Dialects
import KimiHostCore
import Logging
import NIOCore
import NIOHTTP1
import PluginABI
import PluginHost
import Synchronization
import Upstream
import WireJSON

/// What one event loop's connections share. Event loop only.
final class LoopContext {
    let services: LoopServices
    private(set) var parser: JSONParser
    /// Where requests of other dialects are written anew.
    let scratch = ByteWriter()
    var ids = FastRandom()
    /// Looks at the connections' clocks.
    let connections: LoopWatch<LLMHandler>

    private let current: CurrentServing
    private var generation: Int
    private var snapshot: Serving

    init(services: LoopServices, current: CurrentServing) {
        self.services = services
        self.current = current
        self.generation = current.generation
        self.snapshot = current.serving
        self.parser = JSONParser(maxBytes: snapshot.runtime.limits.maxBodyBytes)
        self.connections = LoopWatch(eventLoop: services.eventLoop, periodMs: 1_000)
    }

    /// What a request that begins now is served with.
    var serving: Serving {
        let newest = current.generation
        guard newest != generation else { return snapshot }
        let old = snapshot.runtime.limits.maxBodyBytes
        generation = newest
        snapshot = current.serving
        let limit = snapshot.runtime.limits.maxBodyBytes
        // Bodies of requests under way may be as long as they were allowed to be.
        if limit > old { parser = JSONParser(maxBytes: limit) }
        return snapshot
    }
}

/// A client's request, as its connection has read it.
struct ClientRequest {
    let body: ByteBuffer
    let target: RequestTarget
    let id: String
    let headers: HTTPHeaders
    let key: ClientKey
    let serving: Serving
    let tap: ExchangeTap?
    var trace: RequestTrace?
    /// When it was complete.
    var arrived = NIODeadline.now()
    /// A replay goes where the recorded exchange went.
    var following: [(provider: String, upstreamModel: String)] = []

    /// The words of the `anthropic-beta` headers.
    var betas: [String] { headers[canonicalForm: "anthropic-beta"].map(String.init) }
}

/// What a request of the Responses API builds on.
enum FetchedHistory: Sendable {
    /// It names nothing earlier.
    case none
    case found(ResponsesHistory)
    /// It names what is not stored here; an upstream that speaks the API itself may know it.
    case missing(ExchangeError)
}

/// Makes exchanges of requests. Shared by all connections.
final class HTTPHost: Sendable {
    let responses: ResponseArchive
    let gate: ExchangeGate
    let state: ServerState
    /// Client connections that are open.
    let connections = Atomic<Int>(0)

    init(responses: ResponseArchive, gate: ExchangeGate, state: ServerState) {
        self.responses = responses
        self.gate = gate
        self.state = state
    }

    /// Reads a request as far as need be, picks its route, and makes the exchange. Throws what the client must hear.
    func prepare(
        _ request: ClientRequest, history: FetchedHistory, loop: LoopContext, client: any ExchangeClient
    ) throws(ExchangeError) -> Exchange {
        let runtime = request.serving.runtime
        let source: any ClientSource =
            switch request.target.endpoint {
            case .chatCompletions: try ChatSource(request, on: loop)
            case .messages: MessagesSource(request, loop, hosted: runtime.hostedTools)
            case .countTokens: CountSource(request, loop, hosted: runtime.hostedTools)
            case .responses:
                ResponsesSource(
                    request, loop, history, runtime, responses.owned(by: request.key))
            case .completions: NativeOnlySource(request, loop, .completions)
            case .embeddings: NativeOnlySource(request, loop, .embeddings)
            }
        let model = try source.model(mayBeNative: runtime.speaks(source.dialect))
        request.tap?.asked(model, client: request.key.name)
        try request.key.check(model: model)
        let hints = runtime.wantsHints ? try source.hints() : RoutingHints()
        let routes = try Self.routes(model, hints, request)
        request.trace?.asked(model)
        client.exchangeAsked(model)
        try source.check(for: routes.first)
        return Exchange(
            services: loop.services, routes: routes, source: source, client: client, tap: request.tap,
            trace: request.trace, asked: model, arrived: request.arrived)
    }
}

extension HTTPHost {
    /// A key that opens some models only hears nothing of the names of others.
    private static func routes(
        _ model: String, _ hints: RoutingHints, _ request: ClientRequest
    ) throws(ExchangeError) -> RouteChoice {
        if !request.following.isEmpty {
            return try request.serving.runtime.routes(
                model: model, profile: request.target.profile, following: request.following)
        }
        do {
            return try request.serving.runtime.routes(model: model, profile: request.target.profile, hints: hints)
        } catch  where request.key.isRestricted {
            throw request.key.noModel(model)
        }
    }
}

extension ByteBuffer {
    /// The readable bytes, borrowed for the call.
    func bytes<Value, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        var result: Result<Value, Failure>?
        withUnsafeReadableBytes { bytes in
            do throws(Failure) {
                result = .success(try body(bytes))
            } catch {
                result = .failure(error)
            }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error): throw error
        case nil: preconditionFailure("withUnsafeReadableBytes did not call its closure")
        }
    }
}
