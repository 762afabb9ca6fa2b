import NIOCore
import NIOPosix
import Synchronization

/// A TCP server on loopback that answers every request with the same raw bytes.
final class ScriptedServer: Sendable {
    struct Script: Sendable {
        var bytes: [UInt8]
        /// Closes the connection behind the bytes.
        var closes = false
        /// Sends the bytes this many times.
        var times = 1
    }

    let port: Int
    private let channel: any Channel
    private let counts: Counts

    final class Counts: Sendable {
        let connections = Atomic<Int>(0)
        let closed = Atomic<Int>(0)
        let received = Mutex<[UInt8]>([])
    }

    var connections: Int { counts.connections.load(ordering: .sequentiallyConsistent) }
    var closed: Int { counts.closed.load(ordering: .sequentiallyConsistent) }
    var received: String { String(decoding: counts.received.withLock { $0 }, as: UTF8.self) }

    init(_ script: Script, group: any EventLoopGroup) async throws {
        let counts = Counts()
        self.counts = counts
        channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(script: script, counts: counts))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: Script
        private let counts: Counts
        private var request: [UInt8] = []

        init(script: Script, counts: Counts) {
            self.script = script
            self.counts = counts
        }

        func channelActive(context: ChannelHandlerContext) {
            counts.connections.add(1, ordering: .sequentiallyConsistent)
        }

        func channelInactive(context: ChannelHandlerContext) {
            counts.closed.add(1, ordering: .sequentiallyConsistent)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = Array(unwrapInboundIn(data).readableBytesView)
            counts.received.withLock { $0 += bytes }
            request += bytes
            guard String(decoding: request, as: UTF8.self).hasSuffix("END") else { return }
            request = []
            for _ in 0..<script.times {
                context.write(wrapOutboundOut(ByteBuffer(bytes: script.bytes)), promise: nil)
            }
            context.flush()
            if script.closes { context.close(promise: nil) }
        }
    }
}
