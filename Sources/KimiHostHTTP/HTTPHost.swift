import CanonicalModel
import Dialects
import KimiHostCore
import Logging
import NIOCore
import NIOHTTP1
import PluginHost
import Upstream
import WireJSON

/// What one event loop's connections share. Event loop only.
final class LoopContext {
    let services: LoopServices
    let parser: JSONParser
    var ids = IDGenerator()
    /// Looks at the connections' clocks.
    let connections: LoopWatch<LLMHandler>

    init(services: LoopServices, maxBodyBytes: Int) {
        self.services = services
        self.parser = JSONParser(maxBytes: maxBodyBytes)
        self.connections = LoopWatch(eventLoop: services.eventLoop, periodMs: 1_000)
    }
}

/// Makes exchanges of requests. Shared by all connections.
final class HTTPHost: Sendable {
    /// The configuration that new exchanges use.
    let runtime: HostRuntime

    init(runtime: HostRuntime) {
        self.runtime = runtime
    }

    /// Decodes a chat request, picks its route, and makes the exchange. Throws what the client must hear.
    func exchange(
        body: ByteBuffer?, target: RequestTarget, headers: HTTPHeaders, requestID: String, loop: LoopContext,
        client: any ExchangeClient
    ) throws(ExchangeError) -> Exchange {
        guard let body, body.readableBytes > 0 else {
            throw .badRequest("the body is empty: send a JSON object", code: "invalid_json")
        }
        let chat = try body.bytes { bytes throws(ExchangeError) in try ChatRequest(bytes, parser: loop.parser) }
        let route = try runtime.route(model: chat.model, profile: target.profile)
        let json = try body.bytes { bytes throws(ExchangeError) in
            try Self.named(route.upstreamModel, chat.model, bytes)
        }
        let request = PluginRequest(
            json: json, model: route.upstreamModel, exchangeID: requestID, dialect: "openai.chat",
            conversation: chat.conversation.text(headers), wantsStream: chat.wantsStream, attempt: 1,
            deadlineMs: route.timeouts.deadlineMs)
        let encoder: any ResponseEncoder =
            chat.wantsStream
            ? ChatStreamEncoder(wantsUsage: chat.wantsUsage) : ChatUnaryEncoder(maxBytes: route.maxResponseBytes)
        return Exchange(
            services: loop.services, route: route, encoder: encoder, request: request, client: client)
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
    fileprivate func bytes<Value, Failure: Error>(
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
