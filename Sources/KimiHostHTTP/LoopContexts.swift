import KimiHostCore
import LogModel
import Logging
import NIOCore
import NIOPosix
import Upstream

/// The event loops with what belongs to each: a reactor thread and the loop-confined state.
///
/// `@unchecked`: the dictionary is complete before the first connection and never changes; each context is used on
/// its own loop only.
final class LoopContexts: @unchecked Sendable {
    let group: MultiThreadedEventLoopGroup
    private var contexts: [ObjectIdentifier: LoopContext] = [:]
    private var reactors: [CurlReactor] = []

    /// One loop and one reactor for each pair of cores: more threads cost more than they carry
    /// (docs/decisions/0002).
    static func recommendedCount(cores: Int) -> Int { max(1, cores / 2) }

    init(
        count: Int, settings: UpstreamSettings, current: CurrentServing, logger: Logger, metrics: HostMetrics,
        log: ExchangeLog?, tracer: Tracer?
    ) throws(UpstreamError) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        for loop in group.makeIterator() {
            let reactor = try CurlReactor(eventLoop: loop, settings: settings)
            reactors.append(reactor)
            let services = LoopServices(
                eventLoop: loop, reactor: reactor, logger: logger, metrics: metrics, log: log, tracer: tracer)
            contexts[ObjectIdentifier(loop)] = LoopContext(services: services, current: current)
        }
    }

    func context(of loop: any EventLoop) -> LoopContext {
        guard let context = contexts[ObjectIdentifier(loop)] else {
            preconditionFailure("a connection on an event loop that is not the host's")
        }
        return context
    }

    /// Makes each loop take what it serves with from now on, also if no request comes, and let go of what was before.
    func refresh() {
        for loop in group.makeIterator() { loop.execute { [self] in _ = context(of: loop).serving } }
    }

    /// Transfers from upstreams under way. Any thread.
    var openTransfers: Int { reactors.reduce(0) { $0 + $1.openTransfers } }

    /// Ends the reactors' threads. Blocking: not on an event loop.
    func stop() {
        for reactor in reactors { reactor.stop() }
    }
}
