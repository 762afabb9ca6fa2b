internal import CPlatform
package import NIOCore
import Synchronization

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Runs transfers on a thread of its own, with one libcurl multi handle, for one event loop.
///
/// `start` and a transfer's own methods are called on that event loop; everything that one wake-up of the
/// thread brings for all transfers reaches the loop in a single `execute`. That pairing keeps the cost of a
/// hand-over off the single event (docs/decisions/0002).
package final class CurlReactor: @unchecked Sendable {
    enum Command {
        case start(Transfer)
        case cancel(Transfer)
        case resume(Transfer)
        case stop
    }

    package let eventLoop: any EventLoop
    private let inbox = Mutex<[Command]>([])
    private let poller: OpaquePointer
    private var thread: pthread_t?
    private let running = Atomic<Int>(0)

    /// Transfers under way, as the thread last saw. Any thread.
    package var openTransfers: Int { running.load(ordering: .relaxed) }
    /// Reactor thread only, as `markDirty` is.
    private var dirty: [Transfer] = []

    /// Starts the thread. Throws when the system refuses descriptors or threads.
    package init(eventLoop: any EventLoop, settings: UpstreamSettings) throws(UpstreamError) {
        guard let poller = cp_poller_create() else {
            throw UpstreamError(kind: .other, code: Int(errno), message: "no descriptor left for the upstream engine")
        }
        self.poller = poller
        self.eventLoop = eventLoop
        guard let multi = CurlLoop.makeMulti() else {
            throw UpstreamError(kind: .other, code: 0, message: "libcurl could not be started: out of memory")
        }
        let run = Unmanaged.passRetained(ThreadStart(reactor: self, multi: multi, settings: settings))
        var thread = pthread_t(bitPattern: 0)
        let code = pthread_create(&thread, nil, Self.threadMain, run.toOpaque())
        guard code == 0 else {
            run.release()
            throw UpstreamError(kind: .other, code: Int(code), message: "no thread for the upstream engine")
        }
        self.thread = thread
    }

    deinit {
        cp_poller_destroy(poller)
    }

    /// Event loop only. Starts a transfer; `receiver` is kept until the transfer ends or is cancelled.
    package func start(_ request: UpstreamRequest, receiver: any UpstreamReceiver) -> Transfer {
        let transfer = Transfer(request: request, receiver: receiver, reactor: self)
        post(.start(transfer))
        return transfer
    }

    /// Ends the thread and what still runs on it. Waits for it: call it off the event loop.
    package func stop() {
        post(.stop)
        if let thread { pthread_join(thread, nil) }
        thread = nil
    }

    /// Any thread.
    func post(_ command: Command) {
        let wasEmpty = inbox.withLock { commands in
            commands.append(command)
            return commands.count == 1
        }
        if wasEmpty { cp_poller_wake(poller) }
    }

    // MARK: Reactor thread

    func takeCommands() -> [Command] {
        inbox.withLock { commands in
            let taken = commands
            commands = []
            return taken
        }
    }

    func tell(running count: Int) { running.store(count, ordering: .relaxed) }

    func markDirty(_ transfer: Transfer) {
        guard !transfer.isDirty else { return }
        transfer.isDirty = true
        dirty.append(transfer)
    }

    /// Hands everything gathered since the last call over to the event loop, at once.
    func deliver() {
        guard !dirty.isEmpty else { return }
        let batch = dirty.map { ($0, $0.takeDelivery()) }
        dirty.removeAll(keepingCapacity: true)
        eventLoop.execute {
            for (transfer, delivery) in batch { transfer.deliver(delivery) }
        }
    }

    private final class ThreadStart {
        let reactor: CurlReactor
        let multi: UnsafeMutableRawPointer
        let settings: UpstreamSettings

        init(reactor: CurlReactor, multi: UnsafeMutableRawPointer, settings: UpstreamSettings) {
            self.reactor = reactor
            self.multi = multi
            self.settings = settings
        }
    }

    #if canImport(Darwin)
    private static let threadMain: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { context in
        run(context)
        return nil
    }
    #else
    private static let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
        if let context { run(context) }
        return nil
    }
    #endif

    private static func run(_ context: UnsafeMutableRawPointer) {
        cp_name_thread("kimi-upstream")
        let start = Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
        CurlLoop(
            reactor: start.reactor, poller: start.reactor.poller, multi: start.multi, settings: start.settings
        ).run()
    }
}
