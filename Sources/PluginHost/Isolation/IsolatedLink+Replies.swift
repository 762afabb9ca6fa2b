internal import CPlatform
import NIOCore
import PluginABI

/// What a child says: replies, and what it asks for.
extension IsolatedLink {
    func received(_ bytes: UnsafeRawBufferPointer) {
        var cutter = cutter
        self.cutter = MessageCutter()
        cutter.append(bytes)
        var problem: String?
        reading: while problem == nil {
            switch cutter.next({ problem = handle($0) }) {
            case .message: continue
            case .incomplete: break reading
            case .malformed: problem = "sent a message that makes no sense"
            }
        }
        self.cutter = cutter
        let settled = touched
        touched.removeAll(keepingCapacity: true)
        for caller in settled { caller.settled() }
        if let problem { die(problem) }
    }

    /// Nil, or what was wrong with the message.
    func handle(_ message: WireMessage) -> String? {
        guard message.operation & 0xC0 == IsolationWire.replyBit else {
            if let instance = instances[message.id]?.instance, let answer = plugin?.services.answer(message, instance) {
                return give(answer)
            } else if message.operation == IsolationWire.Unasked.get.rawValue {
                return "asked for the memory of an instance that is not there"
            }
            return nil
        }
        guard let first = expected.first, first.id == message.id,
            first.operation.rawValue == message.operation & ~IsolationWire.replyBit
        else { return "answered a call that was not made" }
        expected.removeFirst()
        queuedBytes -= first.bytes
        let (now, before) = (NIODeadline.now(), max(first.sent, lastReply))
        lastReply = now
        if first.operation == .hello { return hello(message) }
        let reply = CallReply(message)
        count(reply, first, now - before)
        // A create's failure shows when an exchange is begun.
        guard first.operation != .create else { return nil }
        calls[first.id]?.outstanding -= 1
        guard let call = calls[first.id] else { return nil }
        guard let caller = call.caller else {
            if call.outstanding == 0 { free(first.id) }
            return nil
        }
        if touched.last !== caller { touched.append(caller) }
        caller.answered(first.operation, reply, bytes: first.bytes)
        return nil
    }

    /// The answer to `get`, which the child waits for. Nil, or what was wrong with asking.
    private func give(_ answer: WireWriter) -> String? {
        guard !isAnswering else { return "asked for more of its memory before it took what it had asked for" }
        guard let channel else { return nil }
        isAnswering = true
        out.append(answer)
        let promise = channel.eventLoop.makePromise(of: Void.self)
        let this = NIOLoopBound((self, channel), eventLoop: eventLoop)
        promise.futureResult.whenComplete { _ in
            let (link, channel) = this.value
            if link.channel === channel { link.isAnswering = false }
        }
        flush(promise)
        return nil
    }

    /// `waited`: since it was sent, or since the reply before it: as long as it took at most.
    private func count(_ reply: CallReply, _ call: Expected, _ waited: TimeAmount) {
        guard !reply.isSkipped else { return }
        let isAuth = calls[call.id]?.isAuth ?? false
        let function: pg_function? =
            switch call.operation {
            case .create: PG_CREATE
            case .begin: isAuth ? PG_AUTH_BEGIN : PG_BEGIN
            case .next: isAuth ? PG_AUTH_NEXT : PG_NEXT
            case .result: isAuth ? PG_AUTH_RESULT : PG_RESULT
            case .feed: PG_FEED
            case .flush: PG_FLUSH
            case .hello, .destroy, .end, .keyValue: nil
            }
        guard let function else { return }
        mark.count(function, nanoseconds: reply.nanoseconds.map(UInt64.init) ?? UInt64(max(waited.nanoseconds, 0)))
    }

    func hello(_ message: WireMessage) -> String? {
        do throws(StepFailure) {
            let answer = try ChildHello(message)
            guard answer.manifest == plugin?.manifest else { return "has another manifest than before" }
            return nil
        } catch {
            return "did not start: \(error.message)"
        }
    }
}
