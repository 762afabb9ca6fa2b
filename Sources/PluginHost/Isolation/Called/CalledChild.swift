import CanonicalModel
import PluginABI
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// A child of an isolated plugin whose calls are waited for, as a library's are: for the conformance kit, which drives
/// plugins through the C tables. Process, wall, messages and limits are those of the host; but nothing is sent ahead.
///
/// One thread.
package final class CalledChild: @unchecked Sendable {
    /// What an exchange of messages came to instead of a reply, or what a plugin should not do.
    package struct Fault: Sendable {
        package enum Kind: Sendable {
            case gone, late, malformed
            /// An exception that is no `Failure`.
            case raised
        }

        package let kind: Kind
        /// Of the plugin's table: "feed".
        package let function: String
        /// `ended by signal 11 (SIGSEGV)`, `KeyError in feed, line 7: 'a'`.
        package let words: String
    }

    /// Where instances are made from now on.
    package nonisolated(unsafe) static var current: CalledChild?

    package let pid: Int32
    private let socket: Int32
    private let fault: (Fault) -> Void
    private let out = WireWriter()
    private var cutter = MessageCutter()
    private var readBuffer = [UInt8](repeating: 0, count: 1 << 16)
    private var instances: [UInt32: CalledInstance] = [:]
    private var lastInstance: UInt32 = 0
    private var freeExchanges: [UInt32] = []
    private var lastExchange: UInt32 = 0
    private var isGone = false

    /// Takes a child that has said hello. `fault`: told of each; it need not return.
    init(_ child: WaitingChild, fault: @escaping (Fault) -> Void) {
        let process = child.giveAway()
        (pid, socket, self.fault) = (process.pid, process.descriptor, fault)
    }

    deinit {
        close(socket)
        ChildProcessTable.end(pid, graceMs: IsolationLimits.graceMs) { _ in }
    }

    // MARK: Objects

    func makeInstance(_ host: UnsafePointer<kimi_host>, _ context: OpaquePointer?) -> CalledInstance {
        lastInstance += 1
        let instance = CalledInstance(id: lastInstance, child: self, host: host, context: context)
        instances[lastInstance] = instance
        return instance
    }

    func forget(_ instance: CalledInstance) { instances[instance.id] = nil }

    func exchangeID() -> UInt32 {
        if let id = freeExchanges.popLast() { return id }
        lastExchange += 1
        return lastExchange
    }

    func giveBack(_ id: UInt32) { freeExchanges.append(id) }

    // MARK: Calls

    /// What came of a call: its status, and whether there is an exchange now.
    struct Answer {
        var status = kimi_status(KIMI_E_INTERNAL)
        var hasExchange = false
    }

    /// Makes a call, waits for its reply and does what it brings with the host's functions.
    func call(
        _ function: String, _ operation: IsolationWire.Operation, _ id: UInt32, _ taker: TableTaker,
        _ payload: (WireWriter) -> Void
    ) -> Answer {
        var taker = taker
        var (answer, problem, isRaised) = (Answer(), String?.none, false)
        out.message(id, operation, payload)
        let isAnswered = converse(function, operation, id) { message in
            let reply = CallReply(message)
            problem = reply.apply(to: &taker)
            isRaised = reply.isRaised
            answer = Answer(status: reply.status, hasExchange: reply.status >= 0 && reply.hasExchange)
        }
        guard isAnswered else { return failed(&taker, "its process gave no answer to \(function)") }
        // A refused configuration is a refused one, in whatever words.
        if isRaised, operation != .create { fault(Fault(kind: .raised, function: function, words: taker.said)) }
        if let problem {
            fault(Fault(kind: .malformed, function: function, words: problem))
            return failed(&taker, "its process answered \(function) with \(problem)")
        }
        if let refusal = taker.refusal, answer.status >= 0 {
            answer.status = refusal
            if refusal < 0 { taker.fail("the host refused what \(function) brought", refusal) }
        }
        return answer
    }

    private func failed(_ taker: inout TableTaker, _ words: String) -> Answer {
        taker.fail(words, kimi_status(KIMI_E_INTERNAL))
        return Answer()
    }

    /// Sends a message that has no reply, and waits until it has been worked on.
    func tell(_ function: String, _ operation: IsolationWire.Operation, _ id: UInt32, _ payload: (WireWriter) -> Void) {
        out.message(id, operation, payload)
        // A create of no kind, which fails, has a reply.
        out.message(0, .create) { $0.put(UInt64(0)) }
        _ = converse(function, .create, 0) { _ in }
    }

    /// Sends what there is, and reads until the reply has come. False after a fault.
    private func converse(
        _ function: String, _ operation: IsolationWire.Operation, _ id: UInt32, _ take: (WireMessage) -> Void
    ) -> Bool {
        defer { out.removeAll() }
        guard !isGone else { return false }
        let deadline = HostTable.monotonicMs + UInt64(IsolationLimits.callMs)
        var sent = 0
        while true {
            switch cut(function, operation, id, take) {
            case .reply: return true
            case .wrong(let words): return end(.malformed, function, words)
            case .none: break
            }
            switch move(&sent, until: deadline) {
            case .moved: continue
            case .late: return end(.late, function, "gave no answer for \(IsolationLimits.callMs) ms")
            case .gone: return end(.gone, function, "")
            }
        }
    }

    private enum Cut { case reply, none, wrong(String) }

    /// Takes the messages that are there, up to the reply.
    private func cut(
        _ function: String, _ operation: IsolationWire.Operation, _ id: UInt32, _ take: (WireMessage) -> Void
    ) -> Cut {
        while true {
            var found = Cut.none
            let outcome = cutter.next { message in
                guard message.operation & 0xC0 == IsolationWire.replyBit else { return unasked(message, function) }
                let isOurs = message.operation == operation.rawValue | IsolationWire.replyBit && message.id == id
                found = isOurs ? .reply : .wrong("the reply to a call that was not made")
                if isOurs { take(message) }
            }
            switch outcome {
            case .incomplete: return .none
            case .malformed: return .wrong("a message that makes no sense")
            case .message: if case .none = found { continue } else { return found }
            }
        }
    }

    private func unasked(_ message: WireMessage, _ function: String) {
        if message.operation == IsolationWire.Unasked.log.rawValue, message.flags & IsolationWire.raised != 0 {
            var from = message.payload
            _ = from.number(UInt32.self)
            return fault(Fault(kind: .raised, function: function, words: from.text().text))
        }
        instances[message.id]?.answer(message, out)
    }

    private enum Move { case moved, late, gone }

    /// Sends and reads what goes without waiting, or waits for either.
    private func move(_ sent: inout Int, until deadline: UInt64) -> Move {
        let content = out.content
        if sent < content.count {
            let flags = Int32(MSG_DONTWAIT) | Self.noSignal
            let count = send(socket, content.baseAddress.map { $0 + sent }, content.count - sent, flags)
            if count > 0 { sent += count }
            if count < 0, errno != EAGAIN, errno != EINTR { return .gone }
        }
        let now = HostTable.monotonicMs
        guard now < deadline else { return .late }
        let events = POLLIN | (sent < content.count ? POLLOUT : 0)
        var polled = pollfd(fd: socket, events: Int16(events), revents: 0)
        guard poll(&polled, 1, Int32(deadline - now)) > 0, polled.revents & Int16(~POLLOUT) != 0 else { return .moved }
        let count = recv(socket, &readBuffer, readBuffer.count, Int32(MSG_DONTWAIT))
        if count < 0, errno == EAGAIN || errno == EINTR { return .moved }
        guard count > 0 else { return .gone }
        readBuffer.withUnsafeBytes { cutter.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        return .moved
    }

    #if canImport(Darwin)
    private static let noSignal: Int32 = 0
    #else
    private static let noSignal = Int32(MSG_NOSIGNAL)
    #endif

    private static let deathMs = 3_000

    /// Ends the child and tells of it.
    private func end(_ kind: Fault.Kind, _ function: String, _ words: String) -> Bool {
        isGone = true
        let how = Death()
        ChildProcessTable.end(pid, graceMs: kind == .gone ? IsolationLimits.graceMs : 0) { how.words = $0 }
        for _ in 0..<Self.deathMs where how.words == nil { usleep(1_000) }
        fault(Fault(kind: kind, function: function, words: kind == .gone ? how.words ?? "ended" : words))
        return false
    }

    private final class Death: Sendable {
        private let value = Mutex<String?>(nil)
        var words: String? {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }
}
