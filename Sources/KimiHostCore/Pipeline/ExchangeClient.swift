package import CanonicalModel
package import Dialects
package import LogModel
package import Logging
package import NIOCore
package import Upstream
package import WireJSON

/// The client's side of an exchange, as the exchange sees it. Event loop only.
package protocol ExchangeClient: AnyObject {
    /// May more be written now? When it turns true again the owner calls `Exchange.clientIsWritable`.
    var isWritable: Bool { get }
    /// Bytes written and not taken by the client yet. A falling number means that it reads.
    var bufferedBytes: Int { get }
    /// What keeps a silent stream of this client's API awake: one whole event or comment.
    var keepAlive: StaticString { get }
    /// Headers of the upstream's that the client shall see, before anything else of the reply.
    func exchangeReceived(headers: [(name: String, value: String)])
    /// Status and headers of a stream; the framing is the client's business.
    func exchangeBeganStream()
    /// Bytes of the stream; they are copied. Written out at the next `exchangeFlushed` at the latest.
    func exchangeStreamed(_ bytes: ByteWriter)
    /// Everything of this wake-up was handed over.
    func exchangeFlushed()
    /// A whole successful reply.
    func exchangeReplied(_ body: ByteWriter)
    /// What of the request its upstream was not told; before the head of the reply.
    func exchangeDropped(_ fields: [DroppedField])
    /// How the route ensured tool calls in this reply, for `x-kimi-enforcement`; without effect once the head has gone.
    func exchangeEnforced(_ words: String)
    /// A whole failed reply: nothing has been sent before. `refusal`: the upstream's own, in the client's dialect.
    func exchangeFailed(_ error: ExchangeError, refusal: NativeRefusal?)
    /// The stream is over. `failed`: its error event was its last.
    func exchangeEndedStream(failed: Bool)
    /// The model, by the client's name of it; it is one of the configuration's.
    func exchangeAsked(_ model: String)
    /// Who asks, for the log: the name of the client's key, or nothing.
    var clientName: String { get }
    /// Are tokens counted against a bound of the client's?
    var chargesTokens: Bool { get }
    /// The exchange is over, and has cost so many tokens.
    func exchangeUsed(tokens: Int)
    /// The client has not taken what it was sent for too long: close the connection.
    func exchangeAbandoned()
    /// `text` for the process log, with the keys hidden that the client showed.
    func masked(_ text: String) -> String
}

extension ExchangeClient {
    package var clientName: String { "" }
    package var chargesTokens: Bool { false }
    package func exchangeUsed(tokens: Int) {}
    package func exchangeAsked(_ model: String) {}
    package func exchangeEnforced(_ words: String) {}
    package func masked(_ text: String) -> String { text }
}

/// What an exchange needs of its event loop. One per loop.
package final class LoopServices {
    package let eventLoop: any EventLoop
    package let reactor: any UpstreamEngine
    package let logger: Logger
    package let metrics: HostMetrics
    /// Where finished exchanges are recorded; nil: nowhere.
    package let log: ExchangeLog?
    /// Makes the exchanges' traces; nil: there are none.
    package let tracer: Tracer?
    /// A replay: there is no network, so tokens are made up.
    let isOffline: Bool
    /// How many were.
    package internal(set) var tokensMadeUp = 0
    /// Looks at the exchanges' clocks.
    let watch: LoopWatch<Exchange>

    package init(
        eventLoop: any EventLoop, reactor: any UpstreamEngine, logger: Logger, metrics: HostMetrics,
        log: ExchangeLog? = nil, tracer: Tracer? = nil, isOffline: Bool = false
    ) {
        self.log = log
        self.tracer = tracer
        self.isOffline = isOffline
        self.eventLoop = eventLoop
        self.reactor = reactor
        self.logger = logger
        self.metrics = metrics
        self.watch = LoopWatch(eventLoop: eventLoop, periodMs: 250)
    }
}
