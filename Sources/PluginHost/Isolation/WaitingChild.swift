import PluginABI

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A child that is spoken to by a caller who waits: at load and when an instance is made. Never on an event loop.
final class WaitingChild {
    let child: ChildProcessTable.Child
    /// Instances that were made in it.
    private(set) var created: Set<UInt32> = []
    private var cutter = MessageCutter()
    private var isGivenAway = false

    init(_ command: ChildCommand) throws(StepFailure) {
        child = try ChildProcessTable.start(command.arguments())
    }

    deinit {
        guard !isGivenAway else { return }
        close(child.descriptor)
        ChildProcessTable.end(child.pid, graceMs: IsolationLimits.graceMs) { _ in }
    }

    /// The caller owns the process and its socket from now on.
    func giveAway() -> ChildProcessTable.Child {
        isGivenAway = true
        return child
    }

    func hello() throws(StepFailure) -> ChildHello {
        let writer = WireWriter()
        writer.message(0, .hello) { to in
            to.put(IsolationWire.magic)
            to.put(IsolationWire.version)
            to.put(UInt32(KIMI_ABI_MINOR))
        }
        var answer: Result<ChildHello, StepFailure> = .failure(ChildHello.malformed)
        try exchange(writer, IsolationLimits.startMs, until: .hello) { message in
            answer = Result { () throws(StepFailure) in try ChildHello(message) }
        } unasked: { _ in
            nil
        }
        return try answer.get()
    }

    /// Calls create. The reply's message is handed to `reply`.
    func create(_ instance: RemoteInstance, _ reply: (WireMessage) -> Void) throws(StepFailure) {
        let writer = WireWriter()
        instance.write(to: writer)
        try exchange(writer, IsolationLimits.callMs, until: .create, reply) { message in
            instance.plugin.services.answer(message, instance)
        }
        created.insert(instance.id)
    }

    /// - Parameter unasked: what to answer to a message that is no reply; nil: nothing.
    private func exchange(
        _ request: WireWriter, _ milliseconds: Int64, until operation: IsolationWire.Operation,
        _ reply: (WireMessage) -> Void, unasked: (WireMessage) -> WireWriter?
    ) throws(StepFailure) {
        let deadline = HostTable.monotonicMs + UInt64(milliseconds)
        try send(request.content, until: deadline)
        while true {
            var isReply = false
            var answer: WireWriter?
            let outcome = cutter.next { message in
                isReply = message.operation == operation.rawValue | IsolationWire.replyBit
                if isReply { reply(message) } else { answer = unasked(message) }
            }
            if isReply { return }
            if let answer { try send(answer.content, until: deadline) }
            switch outcome {
            case .message: continue
            case .malformed: throw ChildHello.malformed
            case .incomplete: try read(until: deadline)
            }
        }
    }

    /// Waits until the socket is ready. A child that lets the deadline pass is killed.
    private func wait(for events: Int32, until deadline: UInt64) throws(StepFailure) {
        while true {
            let now = HostTable.monotonicMs
            var polled = pollfd(fd: child.descriptor, events: Int16(events), revents: 0)
            let ready = now < deadline ? poll(&polled, 1, Int32(deadline - now)) : 0
            if ready < 0, errno == EINTR { continue }
            guard ready == 0 else { return }
            kill(child.pid, SIGKILL)
            throw StepFailure(message: "it did not answer in time, and was killed", cure: "see what it waits for")
        }
    }

    private func read(until deadline: UInt64) throws(StepFailure) {
        try wait(for: POLLIN, until: deadline)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(child.descriptor, &buffer, buffer.count)
        guard count > 0 else { throw gone }
        buffer.withUnsafeBytes { cutter.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    private var gone: StepFailure {
        StepFailure(message: "its process ended while it was loaded", cure: "run it by itself, or in a debugger")
    }

    /// Never waits in the call itself: a child that writes and does not read would hold the caller for ever.
    private func send(_ bytes: UnsafeRawBufferPointer, until deadline: UInt64) throws(StepFailure) {
        var sent = 0
        while sent < bytes.count {
            let count = Glibc.send(
                child.descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent,
                Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                try wait(for: POLLOUT, until: deadline)
            } else if errno != EINTR {
                throw gone
            }
        }
    }
}
