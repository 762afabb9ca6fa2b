import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOSSL

/// Pipeline of one client connection: HTTP codec, then the LLM endpoints, then Hummingbird for everything else.
struct HostChannel: HTTPChannelHandler {
    typealias Value = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    /// TCP_NOTSENT_LOWAT of linux/tcp.h, which Swift's Glibc module does not show.
    private static let notSentLowWater = NIOBSDSocket.Option(rawValue: 25)
    private static let maxUnsentBytes = 16 << 10

    let responder: HTTPChannelHandler.Responder
    let host: HTTPHost
    let loops: LoopContexts

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            // A client that is gone must be noticed at once, not at the next write.
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: false)
            try channel.syncOptions?.setOption(.tcpOption(.tcp_nodelay), value: 1)
            #if os(Linux)
            // With less lying unsent in the kernel, a slow reader's progress shows in time (timeouts.idle).
            try channel.syncOptions?.setOption(.tcpOption(Self.notSentLowWater), value: Self.maxUnsentBytes)
            #endif
            let pipeline = channel.pipeline.syncOperations
            let loop = loops.context(of: channel.eventLoop)
            let tls = loop.serving.tls
            if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false)
            try pipeline.addHandler(LLMHandler(host: host, loop: loop))
            try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: tls != nil))
            try pipeline.addHandler(HTTPConnectionStateHandler(idleTimeout: nil, logger: logger))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
        }
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}
