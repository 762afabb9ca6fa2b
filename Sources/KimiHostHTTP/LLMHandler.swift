import CanonicalModel
import Dialects
import KimiHostCore
import NIOCore
import NIOHTTP1
import PluginABI
import WireJSON

/// Serves the LLM endpoints of one connection on its event loop, and passes every other request on.
///
/// Requests come one at a time: the pipelining handler in front of it holds the next one back until the present
/// one is answered.
final class LLMHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        /// The request belongs to the handlers behind this one.
        case passing
        case receiving(Incoming)
        /// Refused early: the rest of the body is thrown away.
        case discarding
        case exchanging(Exchange)
        case closed
    }

    /// A request being received.
    private struct Incoming {
        let head: HTTPRequestHead
        let target: RequestTarget
        var body: ByteBuffer?

        mutating func append(_ buffer: ByteBuffer) {
            if body == nil {
                body = buffer
            } else {
                var buffer = buffer
                body?.writeBuffer(&buffer)
            }
        }
    }

    private let host: HTTPHost
    private let loop: LoopContext
    private var state = State.idle
    private var writer: ResponseWriter?
    private var isQuiescing = false

    init(host: HTTPHost, loop: LoopContext) {
        self.host = host
        self.loop = loop
    }

    func handlerAdded(context: ChannelHandlerContext) {
        writer = ResponseWriter(context: context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        writer?.detach()
        writer = nil
    }

    // MARK: Inbound

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): receive(head, data, context)
        case .body(let buffer): receive(buffer, data, context)
        case .end: receiveEnd(data, context)
        }
    }

    private func receive(_ head: HTTPRequestHead, _ data: NIOAny, _ context: ChannelHandlerContext) {
        guard let target = RequestTarget(uri: head.uri) else {
            state = .passing
            return context.fireChannelRead(data)
        }
        writer?.begin(head)
        let limit = host.runtime.limits.maxBodyBytes
        if head.method != .POST {
            return refuse(
                ExchangeError(KIMI_CAT_BAD_REQUEST, "\(head.method) is not served here: use POST", httpStatus: 405))
        }
        if let length = head.headers.first(name: "content-length").flatMap(Int.init), length > limit {
            return refuse(Self.tooLarge(limit), closing: true)
        }
        if head.headers.contains(name: "expect") { writer?.writeContinue() }
        state = .receiving(Incoming(head: head, target: target))
    }

    private func receive(_ buffer: ByteBuffer, _ data: NIOAny, _ context: ChannelHandlerContext) {
        switch state {
        case .passing: context.fireChannelRead(data)
        case .receiving(var incoming):
            state = .discarding  // Keeps the body's storage unique while it grows.
            let limit = host.runtime.limits.maxBodyBytes
            guard (incoming.body?.readableBytes ?? 0) + buffer.readableBytes <= limit else {
                return refuse(Self.tooLarge(limit), closing: true)
            }
            incoming.append(buffer)
            state = .receiving(incoming)
        default: break
        }
    }

    private func receiveEnd(_ data: NIOAny, _ context: ChannelHandlerContext) {
        switch state {
        case .passing:
            state = .idle
            context.fireChannelRead(data)
        case .receiving(let incoming): begin(incoming)
        case .discarding: state = .idle
        default: break
        }
    }

    private func begin(_ incoming: Incoming) {
        guard let writer else { return }
        do {
            let exchange = try host.exchange(
                body: incoming.body, target: incoming.target, requestID: writer.requestID, loop: loop, client: self)
            state = .exchanging(exchange)
            exchange.start()
        } catch {
            exchangeFailed(error)
            exchangeFlushed()
        }
    }

    /// Answers before the body is in. `closing`: the body is too much to be read to its end.
    private func refuse(_ error: ExchangeError, closing: Bool = false) {
        state = .discarding
        if closing {
            writer?.closesAfterReply = true
            writer?.lingers = true
        }
        writer?.fail(error)
        writer?.flush()
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
        if event is ChannelShouldQuiesceEvent, case .exchanging = state {
            // The handlers behind see an idle connection and would close it under the running reply.
            isQuiescing = true
            writer?.closesAfterReply = true
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if case .exchanging(let exchange) = state { exchange.clientIsGone() }
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}

extension LLMHandler: ExchangeClient {
    var isWritable: Bool { writer?.isWritable ?? true }

    func exchangeBeganStream() { writer?.beginStream() }

    func exchangeStreamed(_ bytes: ByteWriter) { writer?.stream(bytes) }

    func exchangeFlushed() { writer?.flush() }

    func exchangeReplied(_ body: ByteWriter) {
        state = .idle
        writer?.reply(body)
    }

    func exchangeFailed(_ error: ExchangeError) {
        state = .idle
        writer?.fail(error)
    }

    func exchangeEndedStream(failed: Bool) {
        state = .idle
        if failed { writer?.closesAfterReply = true }
        writer?.endStream()
    }

    func exchangeAbandoned() {
        state = .idle
        writer?.close()
    }
}
