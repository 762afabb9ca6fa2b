import KimiHostCore
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Upstream

/// Sends spans to the configured collector, on a thread and with connections of its own: exchanges never wait for it.
///
/// `@unchecked`: the sender is used on its event loop only.
final class TraceExport: @unchecked Sendable {
    let queue: SpanQueue
    private let group: MultiThreadedEventLoopGroup
    private let reactor: CurlReactor
    private let sender: SpanSender

    /// Nil: there is no endpoint.
    init?(
        _ settings: HostConfig.Tracing, _ upstream: UpstreamSettings, _ logger: Logger
    ) throws(UpstreamError) {
        guard let endpoint = settings.endpoint else { return nil }
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        reactor = try CurlReactor(eventLoop: loop, settings: upstream)
        let waking = Waking()
        queue = SpanQueue(capacity: settings.queueSpans, batch: TracingLimits.batch) { isUrgent in
            loop.execute { waking.export?.sender.wake(isUrgent: isUrgent) }
        }
        sender = SpanSender(
            settings, endpoint: endpoint, queue: queue, engine: reactor, loop: loop, logger: logger)
        waking.export = self
    }

    /// Whom the queue wakes, which is made after it. Held for ever: there is one for the process.
    private final class Waking: Sendable {
        private let held = Mutex<TraceExport?>(nil)

        var export: TraceExport? {
            get { held.withLock { $0 } }
            set { held.withLock { $0 = newValue } }
        }
    }

    /// Sends what waits, for a bounded time, and ends.
    func close() async {
        let loop = group.next()
        let done = loop.makePromise(of: Void.self)
        loop.execute { self.sender.close(within: TracingLimits.closeMs, done) }
        try? await done.futureResult.get()
        reactor.stop()
    }
}
