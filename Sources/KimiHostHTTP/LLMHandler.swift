import CanonicalModel
import Dialects
import KimiHostCore
import NIOCore
import NIOHTTP1
import PluginABI
import WireJSON

/// Serves the LLM endpoints of one connection on its event loop, and passes every other request on.
///
/// Requests are served one at a time. What a client sends ahead is kept, and nothing more is read, until the present
/// reply is out; so at most what one read brought is kept.
final class LLMHandler: ChannelDuplexHandler, Watched {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        /// The request belongs to the handlers behind this one; what is still to come of it and of its reply.
        case passing(request: Bool, reply: Bool)
        case receiving(Incoming)
        /// Refused early: the rest of the body is thrown away.
        case discarding
        /// Earlier responses that the request builds on are being fetched.
        case fetching
        case exchanging(Exchange)
        case closed
    }

    /// A request being received.
    private struct Incoming {
        let head: HTTPRequestHead
        let target: RequestTarget
    }

    /// Bytes reserved at once for a body whose length the client has told.
    private static let maxReservedBytes = 4 << 20

    private let host: HTTPHost
    private let loop: LoopContext
    private var state = State.idle
    /// What has come of the request's body. Not part of `state`: a copy there would make each piece copy it all.
    private var body: ByteBuffer?
    private var writer: ResponseWriter?
    private var context: ChannelHandlerContext?
    /// Parts of requests that came before the present one was answered.
    private var ahead = CircularBuffer<HTTPServerRequestPart>()
    /// A read was asked for while parts were kept.
    private var isReadHeld = false
    private var lastActivity = NIODeadline.now()
    private var lastBuffered = 0
    /// Nothing more can be read: the reply that the handlers behind owe is the last.
    private var isBroken = false
    /// In the loop's list of connections; nil when not there.
    var watchPlace: Int?

    init(host: HTTPHost, loop: LoopContext) {
        self.host = host
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer = ResponseWriter(context: context)
        loop.connections.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        loop.connections.remove(self)
        writer?.detach()
        writer = nil
        self.context = nil
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        lastActivity = .now()
        if !ahead.isEmpty || isAnswering {
            ahead.append(part)
        } else {
            receive(part)
        }
    }

    func read(context: ChannelHandlerContext) {
        if ahead.isEmpty { context.read() } else { isReadHeld = true }
    }

    /// Is a request complete and its reply not?
    private var isAnswering: Bool {
        switch state {
        case .exchanging, .fetching: true
        case .passing(request: false, reply: true): true
        default: false
        }
    }

    /// The present request is over: what was sent ahead is next. In a turn of its own, so that a reply that ends inside
    /// an exchange's call does not begin the next exchange there.
    private func goOn() {
        lastActivity = .now()
        if !isPassing, writer?.closesConnection == true {
            // What was sent ahead on a connection that is being closed is not served.
            ahead.removeAll()
            return state = .closed
        }
        state = .idle
        guard !ahead.isEmpty, let context else { return }
        context.eventLoop.assumeIsolated().execute { [self] in
            while !isAnswering, let part = ahead.popFirst() { receive(part) }
            self.context?.fireChannelReadComplete()
            guard ahead.isEmpty, isReadHeld else { return }
            isReadHeld = false
            self.context?.read()
        }
    }

    /// The handlers behind close by their own rules.
    private var isPassing: Bool {
        if case .passing = state { return true }
        return false
    }

    private func receive(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): receive(head)
        case .body(let buffer): receive(buffer)
        case .end(let trailers): receiveEnd(trailers)
        }
    }

    private func receive(_ head: HTTPRequestHead) {
        if case .closed = state { return }
        guard let target = RequestTarget(uri: head.uri) else {
            state = .passing(request: true, reply: true)
            return pass(.head(head))
        }
        writer?.begin(head, ids: &loop.ids)
        writer?.dialect = target.endpoint.dialect
        let limit = host.runtime.limits.maxBodyBytes
        if head.method != .POST {
            return refuse(
                ExchangeError(KIMI_CAT_BAD_REQUEST, "\(head.method) is not served here: use POST", httpStatus: 405))
        }
        if let coding = head.headers.first(name: "content-encoding"), !coding.isEmpty, coding.lowercased() != "identity"
        {
            return refuse(Self.compressed(coding))
        }
        if let length = head.headers.first(name: "content-length").flatMap(Int.init), length > limit {
            return refuse(Self.tooLarge(limit), closing: true)
        }
        if head.headers.contains(name: "expect") { writer?.writeContinue() }
        state = .receiving(Incoming(head: head, target: target))
    }

    private func receive(_ buffer: ByteBuffer) {
        switch state {
        case .passing: pass(.body(buffer))
        case .receiving(let incoming):
            let limit = host.runtime.limits.maxBodyBytes
            guard (body?.readableBytes ?? 0) + buffer.readableBytes <= limit else {
                return refuse(Self.tooLarge(limit), closing: true)
            }
            keep(buffer, incoming.head)
        default: break
        }
    }

    private func keep(_ buffer: ByteBuffer, _ head: HTTPRequestHead) {
        var buffer = buffer
        if body == nil {
            let told = head.headers.first(name: "content-length").flatMap(Int.init) ?? 0
            if told <= buffer.readableBytes { return body = buffer }
            body = context?.channel.allocator.buffer(capacity: min(told, Self.maxReservedBytes))
        }
        body?.writeBuffer(&buffer)
    }

    private func receiveEnd(_ trailers: HTTPHeaders?) {
        switch state {
        case .passing(_, let reply):
            state = .passing(request: false, reply: reply)
            pass(.end(trailers))
            if !reply { goOn() }
        case .receiving(let incoming): begin(incoming)
        case .discarding: goOn()
        default: break
        }
    }

    private func pass(_ part: HTTPServerRequestPart) {
        context?.fireChannelRead(wrapInboundOut(part))
    }

    // MARK: Outbound

    /// Only replies of the handlers behind pass here.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = unwrapOutboundIn(data), case .passing(let request, _) = state else {
            return context.write(data, promise: promise)
        }
        context.write(data, promise: promise)
        if isBroken {
            context.flush()
            return context.close(promise: nil)
        }
        state = .passing(request: request, reply: false)
        if !request { goOn() }
    }

    // MARK: Exchange

    private func begin(_ incoming: Incoming) {
        guard let writer else { return }
        let body = self.body
        self.body = nil
        do throws(ExchangeError) {
            guard let body, body.readableBytes > 0 else {
                throw .badRequest("the body is empty: send a JSON object", code: "invalid_json")
            }
            let request = ClientRequest(
                body: body, target: incoming.target, id: writer.requestID, headers: incoming.head.headers)
            if request.target.endpoint == .responses {
                let lookups = request.body.bytes { ResponsesLookups($0, parser: loop.parser) }
                if !lookups.isEmpty { return fetch(lookups, for: request) }
            }
            try start(request, .none)
        } catch {
            exchangeFailed(error, refusal: nil)
            exchangeFlushed()
        }
    }

    private func start(_ request: ClientRequest, _ history: FetchedHistory) throws(ExchangeError) {
        let exchange = try host.prepare(request, history: history, loop: loop, client: self)
        state = .exchanging(exchange)
        exchange.start()
    }

    /// Fetches what the request builds on, off the event loop, and goes on with it.
    private func fetch(_ lookups: ResponsesLookups, for request: ClientRequest) {
        guard let context else { return }
        state = .fetching
        let archive = host.responses
        let fetched = context.eventLoop.makeFutureWithTask { () -> FetchedHistory in
            do throws(ExchangeError) {
                return .found(try await archive.history(for: lookups))
            } catch {
                return .missing(error)
            }
        }
        fetched.assumeIsolated().whenSuccess { [weak self] history in
            guard let self, case .fetching = state else { return }  // The client may be gone.
            do throws(ExchangeError) {
                try start(request, history)
            } catch {
                exchangeFailed(error, refusal: nil)
                exchangeFlushed()
            }
        }
    }

    /// Answers before the body is in. `closing`: the body is too much to be read to its end.
    private func refuse(_ error: ExchangeError, closing: Bool = false) {
        state = .discarding
        body = nil
        if closing {
            writer?.closesAfterReply = true
            writer?.lingers = true
        }
        writer?.fail(error)
        writer?.flush()
    }

    private static func compressed(_ coding: String) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_BAD_REQUEST,
            "the request body is compressed (content-encoding: \(LogText.oneLine(coding))): send it as plain JSON",
            httpStatus: 415, code: "unsupported_content_encoding")
    }

    private static func tooLarge(_ limit: Int) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_BAD_REQUEST, "the request body is larger than \(limit) bytes (limits.max_body_bytes)",
            httpStatus: 413, code: "request_too_large")
    }

    // MARK: Connection

    func channelInactive(context: ChannelHandlerContext) {
        if case .exchanging(let exchange) = state { exchange.clientIsGone() }
        state = .closed
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, case .exchanging(let exchange) = state { exchange.clientIsWritable() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, isServing {
            // The handlers behind see an idle connection and would close it under the running reply.
            writer?.closesAfterReply = true
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    private var isServing: Bool {
        switch state {
        case .exchanging, .fetching, .receiving, .discarding: true
        default: false
        }
    }

    /// Called about once a second. Outside an exchange, which has its own clock, a client that neither sends nor takes
    /// anything for too long is let go.
    func checkClock(_ now: NIODeadline) {
        let limit = host.runtime.clientTimeoutMs
        let buffered = writer?.bufferedBytes ?? 0
        if buffered < lastBuffered { lastActivity = now }
        lastBuffered = buffered
        guard limit > 0, (now - lastActivity).nanoseconds / 1_000_000 > Int64(limit) else { return }
        switch state {
        case .exchanging, .fetching, .passing(request: false, reply: _): break
        case .idle, .receiving, .discarding, .closed, .passing: writer?.close()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? HTTPParserError { return refuse(error) }
        if case .exchanging(let exchange) = state { exchange.clientIsGone() }
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    /// What came is no HTTP, or more of it than is read. There is no telling where a next request would begin; one that
    /// is complete is answered all the same.
    private func refuse(_ error: HTTPParserError) {
        switch state {
        case .idle, .receiving:
            let isTooLong = error == .headerOverflow
            writer?.beginUnreadable(ids: &loop.ids)
            refuse(
                ExchangeError(
                    KIMI_CAT_BAD_REQUEST,
                    isTooLong ? "the request's head is too large" : "the request is not valid HTTP/1.1: \(error)",
                    httpStatus: isTooLong ? 431 : 400), closing: true)
            state = .closed
        case .exchanging, .fetching: writer?.closesAfterReply = true
        case .passing(request: false, reply: true): isBroken = true
        case .passing, .discarding, .closed:
            writer?.close()
            state = .closed
        }
    }
}

extension LLMHandler: ExchangeClient {
    var isWritable: Bool { writer?.isWritable ?? true }

    var bufferedBytes: Int { writer?.bufferedBytes ?? 0 }

    var keepAlive: StaticString { writer?.dialect.keepAlive ?? ClientDialect.chat.keepAlive }

    func exchangeReceived(headers: [(name: String, value: String)]) { writer?.relayed = headers }

    func exchangeBeganStream() { writer?.beginStream() }

    func exchangeStreamed(_ bytes: ByteWriter) { writer?.stream(bytes) }

    func exchangeFlushed() { writer?.flush() }

    func exchangeDropped(_ fields: [DroppedField]) { writer?.dropped = DroppedHeader.value(fields) }

    func exchangeReplied(_ body: ByteWriter) {
        writer?.reply(body)
        goOn()
    }

    func exchangeFailed(_ error: ExchangeError, refusal: NativeRefusal?) {
        if let refusal {
            writer?.refuse(refusal, retryAfterMs: error.retryAfterMs)
        } else {
            writer?.fail(error)
        }
        goOn()
    }

    func exchangeEndedStream(failed: Bool) {
        if failed { writer?.closesAfterReply = true }
        writer?.endStream()
        goOn()
    }

    func exchangeAbandoned() {
        state = .closed
        writer?.close()
    }
}
