import CanonicalModel
import Dialects
import KimiHostCore
import NIOCore
import NIOHTTP1
import PluginABI
import Synchronization
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
        /// Other requests have to end first.
        case queued(ExchangeGate.Waiter)
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
        let key: ClientKey
    }

    /// Bytes reserved at once for a body whose length the client has told.
    private static let maxReservedBytes = 4 << 20

    private let host: HTTPHost
    private let loop: LoopContext
    /// What the present request is served with.
    private var serving: Serving
    /// The key of a request that was let in, until it is over.
    private var admitted: ClientKey?
    private var state = State.idle
    /// What has come of the request's body. Not part of `state`: a copy there would make each piece copy it all.
    private var body: ByteBuffer?
    private var writer: ResponseWriter?
    /// What the log sees of the present request.
    private var tap: ExchangeTap? {
        get { writer?.tap }
        set { writer?.tap = newValue }
    }
    /// What is counted and traced of the present request.
    private var observed = RequestObservation()
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
        self.serving = loop.serving
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        writer = ResponseWriter(context: context)
        loop.connections.add(self)
        host.connections.wrappingAdd(1, ordering: .relaxed)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        loop.connections.remove(self)
        host.connections.wrappingSubtract(1, ordering: .relaxed)
        leave()
        endTap()
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
        case .exchanging, .fetching, .queued: true
        case .passing(request: false, reply: true): true
        default: false
        }
    }

    /// The present request is over: what was sent ahead is next. In a turn of its own, so that a reply that ends inside
    /// an exchange's call does not begin the next exchange there.
    private func goOn() {
        lastActivity = .now()
        leave()
        endTap()
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
        beginTap(head, target)
        observed.begin(head, target, writer?.requestID ?? "", loop)
        serving = loop.serving
        if host.state.isEnding { writer?.closesAfterReply = true }
        let key: ClientKey
        do throws(ExchangeError) {
            key = try identify(head, target)
        } catch {
            return refuse(error, closing: true)
        }
        let limit = serving.runtime.limits.maxBodyBytes
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
        state = .receiving(Incoming(head: head, target: target, key: key))
    }

    private func receive(_ buffer: ByteBuffer) {
        switch state {
        case .passing: pass(.body(buffer))
        case .receiving(let incoming):
            let limit = serving.runtime.limits.maxBodyBytes
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
        tap?.came(body)
        do throws(ExchangeError) {
            guard let body, body.readableBytes > 0 else {
                throw .badRequest("the body is empty: send a JSON object", code: "invalid_json")
            }
            let request = ClientRequest(
                body: body, target: incoming.target, id: writer.requestID, headers: incoming.head.headers,
                key: incoming.key, serving: serving, tap: tap, trace: observed.trace, arrived: lastActivity)
            try enter(request)
        } catch {
            answer(error)
        }
    }

    /// Whose request it is. Throws what the client must hear without a key, or with one that does not open this.
    private func identify(_ head: HTTPRequestHead, _ target: RequestTarget) throws(ExchangeError) -> ClientKey {
        guard serving.keys.isRequired else {
            if let origin = head.headers.first(name: "origin") { try PageRules.check(origin: origin) }
            return .anybody
        }
        do throws(ExchangeError) {
            let key = try serving.keys.find(OfferedKeys.of(head.headers))
            try key.check(profile: target.profile)
            return key
        } catch {
            if error.httpStatus == 401 { host.gate.count(.key) }
            throw error
        }
    }

    /// Lets the request in, now or when others have ended.
    private func enter(_ request: ClientRequest) throws(ExchangeError) {
        switch host.gate.enter(request.key, on: loop.services.eventLoop) {
        case .admitted:
            admitted = request.key
            try proceed(request)
        case .refused(let error): throw error
        case .queued(let waiter, let queueMs): wait(waiter, queueMs, request)
        }
    }

    private func wait(_ waiter: ExchangeGate.Waiter, _ queueMs: Int, _ request: ClientRequest) {
        state = .queued(waiter)
        let gate = host.gate
        let timeout = loop.services.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(queueMs))) {
            [weak self] in
            guard let self, isQueued(waiter), gate.cancel(waiter) else { return }
            answer(gate.waitedTooLong(waiter.key))
        }
        waiter.admission.assumeIsolated().whenComplete { [weak self] result in
            timeout.cancel()
            guard let self, isQueued(waiter) else {
                if case .success = result { gate.leave(waiter.key) }  // The client has gone meanwhile.
                return
            }
            do throws(ExchangeError) {
                if case .failure(let error) = result {
                    guard let error = error as? ExchangeError else { return }  // We gave it up ourselves.
                    throw error
                }
                admitted = waiter.key
                try proceed(request)
            } catch {
                answer(error)
            }
        }
    }

    private func isQueued(_ waiter: ExchangeGate.Waiter) -> Bool {
        if case .queued(let own) = state { return own === waiter }
        return false
    }

    /// The present request is over, for the gate.
    private func leave() {
        if let key = admitted { host.gate.leave(key) }
        admitted = nil
        if case .queued(let waiter) = state { _ = host.gate.cancel(waiter) }
    }

    private func answer(_ error: ExchangeError) {
        tap?.refused(error)
        observed.refused(error)
        exchangeFailed(error, refusal: nil)
        exchangeFlushed()
    }

    private func proceed(_ request: ClientRequest) throws(ExchangeError) {
        if request.target.endpoint == .responses {
            let lookups = request.body.bytes { ResponsesLookups($0, parser: loop.parser) }
            if !lookups.isEmpty { return fetch(lookups, for: request) }
        }
        try start(request, .none)
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
        let archive = host.responses.owned(by: request.key)
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
                answer(error)
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
        tap?.refused(error)
        observed.refused(error)
        writer?.fail(error)
        writer?.flush()
        endTap()
    }

    private func beginTap(_ head: HTTPRequestHead, _ target: RequestTarget) {
        guard let log = loop.services.log, let writer else { return }
        let tap = ExchangeTap(
            log, id: writer.requestID, dialect: target.endpoint.native.name, profile: target.profile)
        tap.showed(keys: OfferedKeys.of(head.headers).map(String.init))
        self.tap = tap
    }

    /// The reply is out, or nobody takes it any more.
    private func endTap() {
        tap?.finish()
        tap = nil
        observed.end(status: writer?.status ?? 0, loop.services)
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
        leave()
        endTap()
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
        case .exchanging, .fetching, .queued, .receiving, .discarding: true
        default: false
        }
    }

    /// Called about once a second. Outside an exchange, which has its own clock, a client that neither sends nor takes
    /// anything for too long is let go.
    func checkClock(_ now: NIODeadline) {
        if host.state.isOver { endNow() }
        // A configuration that was replaced is kept by requests that are being read, and by exchanges as far as need be.
        switch state {
        case .idle, .exchanging, .passing, .closed: serving = loop.serving
        case .receiving, .queued, .discarding, .fetching: break
        }
        let limit = serving.runtime.clientTimeoutMs
        let buffered = writer?.bufferedBytes ?? 0
        if buffered < lastBuffered { lastActivity = now }
        lastBuffered = buffered
        guard limit > 0, (now - lastActivity).nanoseconds / 1_000_000 > Int64(limit) else { return }
        switch state {
        case .exchanging, .fetching, .queued, .passing(request: false, reply: _): break
        case .idle, .receiving, .discarding, .closed, .passing: writer?.close()
        }
    }

    /// The host waits no longer.
    private func endNow() {
        switch state {
        case .exchanging(let exchange): exchange.hostEnds(ExchangeGate.draining)
        case .receiving: refuse(ExchangeGate.draining, closing: true)
        case .idle, .discarding: writer?.close()
        case .fetching, .queued, .passing, .closed: break
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
        case .exchanging, .fetching, .queued: writer?.closesAfterReply = true
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

    func exchangeEnforced(_ words: String) { writer?.enforcement = words }

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

    var clientName: String { admitted?.name ?? "" }

    func exchangeAsked(_ model: String) { observed.asked(model) }

    func masked(_ text: String) -> String { observed.masked(text) }

    var chargesTokens: Bool { admitted?.limits.tokensPerMinute != nil }

    func exchangeUsed(tokens: Int) {
        if let admitted { host.gate.charge(admitted, tokens: tokens) }
    }

    func exchangeAbandoned() {
        leave()
        endTap()
        state = .closed
        writer?.close()
    }
}
