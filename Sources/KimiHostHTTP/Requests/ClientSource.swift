import CanonicalModel
import Dialects
import KimiHostCore
import NIOCore
import PluginABI
import PluginHost
import WireJSON

/// A client's request between its connection and its exchange. Event loop only.
protocol ClientSource: RequestSource {
    /// The model that the client asks for. Throws what the client must hear of a body that cannot be read.
    /// `mayBeNative`: a route may take the body as it is, so no more of it is read than need be.
    func model(mayBeNative: Bool) throws(ExchangeError) -> String
    /// What a strategy may go by.
    func hints() throws(ExchangeError) -> RoutingHints
    /// Refuses a bad request before there is an exchange, unless its upstream is to judge it.
    func check(for route: Route) throws(ExchangeError)
}

/// What every request has: its bytes, until they are not needed any more, and what identifies it.
class BodySource {
    private var request: ClientRequest?
    private var peeked: BodyPeek?
    let loop: LoopContext
    let requestID: String

    init(_ request: ClientRequest, _ loop: LoopContext) {
        self.request = request
        self.loop = loop
        self.requestID = request.id
    }

    func forget() { request = nil }

    /// The body and its headers, borrowed.
    func read<Value>(
        _ body: (UnsafeRawBufferPointer, ClientRequest) throws(ExchangeError) -> Value
    ) throws(ExchangeError) -> Value {
        guard let request else { throw ExchangeError(KIMI_CAT_INTERNAL, "the request was let go before its attempt") }
        return try request.body.bytes { bytes throws(ExchangeError) in try body(bytes, request) }
    }

    /// Model, stream and conversation of a body that is not decoded.
    func peek() throws(ExchangeError) -> BodyPeek {
        if let peeked { return peeked }
        let peek = try read { bytes, request throws(ExchangeError) in
            try BodyPeek(bytes, request, loop.parser)
        }
        peeked = peek
        return peek
    }

    func hints() throws(ExchangeError) -> RoutingHints {
        let peek = try peek()
        return RoutingHints(conversation: peek.stable, wantsStream: peek.wantsStream)
    }

    /// The client's own body with the upstream's name of the model.
    func native(
        _ dialect: NativeDialect, _ peek: BodyPeek, on route: Route, attempt: Int
    ) throws(ExchangeError) -> NativeInput {
        let json = try read { bytes, _ throws(ExchangeError) in
            try Self.named(route.upstreamModel, peek.model, bytes)
        }
        let request = PluginRequest(
            json: json, model: route.upstreamModel, exchangeID: requestID, dialect: dialect.name,
            conversation: peek.conversation, wantsStream: peek.wantsStream, isNative: true, attempt: attempt)
        return NativeInput(dialect: dialect, request: request)
    }

    /// A canonical request for an attempt.
    func plugin(
        _ json: [UInt8], _ dialect: ClientDialect, _ conversation: String, wantsStream: Bool, on route: Route,
        attempt: Int
    ) -> PluginRequest {
        PluginRequest(
            json: json, model: route.upstreamModel, exchangeID: requestID, dialect: dialect.name,
            conversation: conversation, wantsStream: wantsStream, attempt: attempt)
    }

    /// The conversation of a request that was made canonical.
    func conversation(_ json: [UInt8]) throws(ExchangeError) -> String {
        try read { _, request throws(ExchangeError) in
            do throws(JSONError) {
                return ConversationHint(try loop.parser.parse(json)).text(request.headers)
            } catch {
                throw ExchangeError(KIMI_CAT_INTERNAL, "a request was made canonical wrongly: \(error.message)")
            }
        }
    }

    /// The body with its model replaced; every other byte stays.
    static func named(
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

/// What must be known of a body that goes up as it is.
struct BodyPeek {
    let model: String
    let wantsStream: Bool
    let conversation: String
    /// The conversation as a number that stays the same after a restart.
    let stable: UInt64

    init(model: String, wantsStream: Bool, conversation: String, stable: UInt64) {
        self.stable = stable
        self.model = model
        self.wantsStream = wantsStream
        self.conversation = conversation
    }

    init(_ bytes: UnsafeRawBufferPointer, _ request: ClientRequest, _ parser: JSONParser) throws(ExchangeError) {
        let root: JSONValue
        do {
            root = try parser.parse(bytes)
        } catch {
            throw .badRequest("the body is not valid JSON: \(error.message)", code: "invalid_json")
        }
        guard root.kind == .object else { throw .badRequest("the body must be a JSON object") }
        guard let model = root["model"]?.string, !model.isEmpty else {
            throw .badRequest(
                "'model' must be a non-empty string: name one of the models that GET /v1/models lists", param: "model")
        }
        self.model = model
        if let stream = root["stream"], stream.kind != .null, stream.bool == nil {
            throw .badRequest("'stream' must be true or false", param: "stream")
        }
        wantsStream = root["stream"]?.bool ?? false
        let hint = ConversationHint(root)
        conversation = hint.text(request.headers)
        stable = hint.stable(request.headers)
    }
}
