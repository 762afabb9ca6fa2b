import CanonicalModel
import Dialects
import KimiHostCore
import Logging
import NIOCore
import NIOHTTP1
import PluginABI
import PluginHost
import Upstream
import WireJSON

/// What one event loop's connections share. Event loop only.
final class LoopContext {
    let services: LoopServices
    let parser: JSONParser
    /// Where requests of other dialects are written anew.
    let scratch = ByteWriter()
    var ids = IDGenerator()
    /// Looks at the connections' clocks.
    let connections: LoopWatch<LLMHandler>

    init(services: LoopServices, maxBodyBytes: Int) {
        self.services = services
        self.parser = JSONParser(maxBytes: maxBodyBytes)
        self.connections = LoopWatch(eventLoop: services.eventLoop, periodMs: 1_000)
    }
}

/// A client's request, as its connection has read it.
struct ClientRequest {
    let body: ByteBuffer
    let target: RequestTarget
    let id: String
    let headers: HTTPHeaders

    /// The words of the `anthropic-beta` headers.
    var betas: [String] { headers[canonicalForm: "anthropic-beta"].map(String.init) }
}

/// An exchange that is about to start, and what its connection must know of it.
struct PreparedExchange {
    let exchange: Exchange
    /// What has no equivalent upstream.
    let dropped: [DroppedField]
    /// To be called when the reply has succeeded.
    var succeeded: (() -> Void)?
}

/// Makes exchanges of requests. Shared by all connections.
final class HTTPHost: Sendable {
    /// The configuration that new exchanges use.
    let runtime: HostRuntime
    let responses: ResponseArchive

    init(runtime: HostRuntime, responses: ResponseArchive) {
        self.runtime = runtime
        self.responses = responses
    }

    /// Decodes a request, picks its route, and makes the exchange. Throws what the client must hear.
    func prepare(
        _ request: ClientRequest, history: ResponsesHistory, loop: LoopContext, client: any ExchangeClient
    ) throws(ExchangeError) -> PreparedExchange {
        switch request.target.endpoint {
        case .chatCompletions: try chat(request, loop, client)
        case .messages, .countTokens: try messages(request, loop, client)
        case .responses: try responses(request, history, loop, client)
        }
    }

    /// POST /v1/messages/count_tokens: an estimate, since no upstream is asked.
    func countTokens(_ request: ClientRequest, loop: LoopContext) throws(ExchangeError) -> ByteWriter {
        let options = messagesOptions(request)
        let (decoded, count) = try request.body.bytes { bytes throws(ExchangeError) in
            try TokenEstimate.decode(bytes, parser: loop.parser, options: options)
        }
        _ = try runtime.route(model: decoded.model, profile: request.target.profile)
        let out = ByteWriter(capacity: 64)
        TokenEstimate.write(count, to: out)
        return out
    }

    // MARK: Dialects

    private func chat(
        _ request: ClientRequest, _ loop: LoopContext, _ client: any ExchangeClient
    ) throws(ExchangeError) -> PreparedExchange {
        let chat = try request.body.bytes { bytes throws(ExchangeError) in try ChatRequest(bytes, parser: loop.parser) }
        let route = try runtime.route(model: chat.model, profile: request.target.profile)
        let json = try request.body.bytes { bytes throws(ExchangeError) in
            try Self.named(route.upstreamModel, chat.model, bytes)
        }
        let encoder: any ResponseEncoder =
            chat.wantsStream
            ? ChatStreamEncoder(wantsUsage: chat.wantsUsage) : ChatUnaryEncoder(maxBytes: route.maxResponseBytes)
        let exchange = exchange(
            request, route, json, chat.conversation, wantsStream: chat.wantsStream, encoder, loop, client, dropped: [])
        return PreparedExchange(exchange: exchange, dropped: [])
    }

    private func messages(
        _ request: ClientRequest, _ loop: LoopContext, _ client: any ExchangeClient
    ) throws(ExchangeError) -> PreparedExchange {
        let options = messagesOptions(request)
        let decoded = try request.body.bytes { bytes throws(ExchangeError) in
            try MessagesDecoder.decode(bytes, parser: loop.parser, options: options, scratch: loop.scratch)
        }
        let encoder: (Route) -> any ResponseEncoder = { route in
            decoded.wantsStream
                ? MessagesStreamEncoder(requestID: request.id)
                : MessagesUnaryEncoder(maxBytes: route.maxResponseBytes)
        }
        return try converted(request, decoded, encoder, loop, client)
    }

    private func responses(
        _ request: ClientRequest, _ history: ResponsesHistory, _ loop: LoopContext, _ client: any ExchangeClient
    ) throws(ExchangeError) -> PreparedExchange {
        let hosted: HostedTools = runtime.hostedTools == .refuse ? .refuse : .strip
        let decoded = try request.body.bytes { bytes throws(ExchangeError) in
            try ResponsesDecoder(options: ResponsesOptions(hosted: hosted))
                .decode(bytes, parser: loop.parser, history: history)
        }
        let id = ResponseIDs.response(request.id)
        let encoder = ResponsesEncoder(
            decoded.context, responseID: id, isStreaming: decoded.request.wantsStream, createdAt: UnixTime.now,
            maxBytes: runtime.limits.maxResponseBytes)
        encoder.keepsResponse = decoded.store
        var prepared = try converted(request, decoded.request, { _ in encoder }, loop, client)
        if decoded.store {
            prepared.succeeded = { [responses] in
                responses.put(id, StoredResponse(response: encoder.response, items: decoded.items).record)
            }
        }
        return prepared
    }

    private func messagesOptions(_ request: ClientRequest) -> MessagesDecoder.Options {
        let hosted: MessagesDecoder.HostedTools = runtime.hostedTools == .refuse ? .refuse : .strip
        return MessagesDecoder.Options(hostedTools: hosted, betas: request.betas)
    }

    /// The exchange of a request that was written anew.
    private func converted(
        _ request: ClientRequest, _ decoded: DecodedRequest, _ encoder: (Route) -> any ResponseEncoder,
        _ loop: LoopContext, _ client: any ExchangeClient
    ) throws(ExchangeError) -> PreparedExchange {
        let route = try runtime.route(model: decoded.model, profile: request.target.profile)
        let json = try decoded.json.withBytes { bytes throws(ExchangeError) in
            try Self.named(route.upstreamModel, decoded.model, bytes)
        }
        let exchange = exchange(
            request, route, json, try conversation(decoded, loop), wantsStream: decoded.wantsStream, encoder(route),
            loop, client, dropped: decoded.dropped)
        return PreparedExchange(exchange: exchange, dropped: decoded.dropped)
    }

    private func conversation(
        _ decoded: DecodedRequest, _ loop: LoopContext
    ) throws(ExchangeError) -> ConversationHint {
        do {
            return ConversationHint(try loop.parser.parse(decoded.json))
        } catch {
            throw ExchangeError(KIMI_CAT_INTERNAL, "a request was made canonical wrongly: \(error.message)")
        }
    }

    private func exchange(
        _ request: ClientRequest, _ route: Route, _ json: [UInt8], _ conversation: ConversationHint, wantsStream: Bool,
        _ encoder: any ResponseEncoder, _ loop: LoopContext, _ client: any ExchangeClient, dropped: [DroppedField]
    ) -> Exchange {
        let plugin = PluginRequest(
            json: json, model: route.upstreamModel, exchangeID: request.id,
            dialect: request.target.endpoint.dialect.name,
            conversation: conversation.text(request.headers), wantsStream: wantsStream, attempt: 1,
            deadlineMs: route.timeouts.deadlineMs)
        return Exchange(
            services: loop.services, route: route, encoder: encoder, request: plugin, client: client, dropped: dropped)
    }

    /// The body with its model replaced; every other byte stays.
    private static func named(
        _ upstream: String, _ client: String, _ bytes: UnsafeRawBufferPointer
    ) throws(ExchangeError) -> [UInt8] {
        if upstream == client { return Array(bytes) }
        let value = ByteWriter(capacity: upstream.utf8.count + 2)
        value.appendJSONString(upstream)
        do {
            return try value.withBytes { value throws(JSONError) in
                try JSONEdit.replaceMember("model", with: value, in: bytes)
            }
        } catch {
            throw .badRequest("the body is not valid JSON: \(error.message)", code: "invalid_json")
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
