import CanonicalModel
import Dialects
import NIOCore
import PluginABI
import PluginHost
import WireJSON

/// What goes to the client.
extension Exchange {
    /// Bytes of a reply that are held because no content has come yet; more goes down.
    static let maxHeldBytes = 64 << 10

    /// Does `body`, then hands over what it brought, once.
    func proceed(_ body: (Exchange) throws(ExchangeError) -> Void) {
        guard !reply.isOver else { return }
        do throws(ExchangeError) {
            try body(self)
            if let failure = found { throw failure }
            pump()
        } catch {
            // What the encoder found is the cause; a plugin that was told to stop reports the consequence.
            let cause = found ?? error
            if resumption.relay != nil, reply.hasContent { pump() }  // What came is the client's all the same.
            fail(cause)
        }
    }

    /// What the encoder, or who stands before it, found wrong.
    private var found: ExchangeError? { resumption.relay?.failure ?? encoder?.failure }

    func pump() {
        guard let encoder, encoder.isStreaming, encoder.output.count > 0, let client, mayLeave(encoder) else { return }
        beginContent(client)
        client.exchangeStreamed(encoder.output)
        encoder.output.removeAll(keepingCapacity: true)
        client.exchangeFlushed()
        lastSent = .now()
    }

    /// Until there is content another route may still answer, and the client must not have heard of this one.
    private func mayLeave(_ encoder: any ResponseEncoder) -> Bool {
        reply.hasContent || opening?.isOver == true || attempt?.hasSubstance ?? true
            || encoder.output.count > Self.maxHeldBytes
    }

    func beginContent(_ client: any ExchangeClient) {
        guard !reply.hasContent else { return }
        if resumption.relay == nil { source.forget() }
        if reply.streamed() { beginStream(client) }
        contentBegan()
    }

    private func beginStream(_ client: any ExchangeClient) {
        client.exchangeDropped(allDropped)
        client.exchangeBeganStream()
    }

    /// What the client's request lost on its way: to the canonical form, and in plugins.
    var allDropped: [DroppedField] { dropped + book.droppedByPlugins.map(DroppedField.init(detail:)) }

    /// Clients give silent streams up. Only while the upstream itself is connected and has begun to answer, or another
    /// one is to be asked: a dead one must look dead.
    func keepAwake(_ now: NIODeadline) {
        let isAlive =
            (isAnswering && transfer != nil) || reply.isAwakeOnly || resumption.prefill != nil || isBetweenAttempts
        guard isAlive, let encoder = encoder ?? spent,
            encoder.isStreaming, !reply.isOver, let client, client.isWritable,
            now - lastSent >= Self.keepAlivePause
        else { return }
        if native != nil, encoder.output.count > 0 { beginContent(client) }  // It has been held for long enough.
        if reply.hasContent {
            encoder.output.append(client.keepAlive)
            return pump()
        }
        if reply.awakened() { beginStream(client) }
        let sign = ByteWriter(capacity: 32)
        sign.append(client.keepAlive)
        client.exchangeStreamed(sign)
        client.exchangeFlushed()
        lastSent = .now()
    }

    func complete() throws(ExchangeError) {
        guard let encoder else { return }
        if let failure = found { throw failure }
        if goesAround() { return }
        try refuseEmpty(encoder)
        guard let client else { return }
        markEnforced(encoder, client)
        try encoder.complete()
        if encoder.isStreaming {
            beginContent(client)
            client.exchangeStreamed(encoder.output)
            encoder.output.removeAll(keepingCapacity: false)
        }
        guard reply.completed() else { return }
        judge(nil)
        report(.ok)
        succeeded?()  // Before the client can know: its next request may build on this one.
        if encoder.isStreaming {
            client.exchangeEndedStream(failed: false)
        } else {
            client.exchangeDropped(allDropped)
            client.exchangeReplied(encoder.output)
        }
        client.exchangeFlushed()
        settle()
    }

    /// An answer with nothing in it is as good as none, while there is somebody else to ask.
    private func refuseEmpty(_ encoder: any ResponseEncoder) throws(ExchangeError) {
        if !reply.hasContent, attempt?.isEmpty == true, planner.hasUntried {
            throw ExchangeError(KIMI_CAT_PROTOCOL, "the upstream's answer is empty", code: AttemptFailure.emptyAnswer)
        }
        if reply.isAwakeOnly, !encoder.isStreaming {
            throw ExchangeError(KIMI_CAT_PROTOCOL, "the upstream answered a request for a stream without one")
        }
    }

    /// The host answers by itself.
    func answer(_ body: ByteWriter, _ headers: [(name: String, value: String)]) {
        guard let client, !reply.hasHead, reply.completed() else { return }
        client.exchangeReceived(headers: headers)
        abandonProbes()  // Nobody was asked.
        trace?.nobodyAsked()
        report(.ok)
        client.exchangeReplied(body)
        client.exchangeFlushed()
        release(KIMI_WHY_END)
    }

    /// Tells the client that there is no answer.
    func giveUp(_ told: ToldError) {
        let error = told.error
        report(.failed, error)
        switch reply.failed() {
        case .none: break
        case .errorResponse:
            client?.exchangeDropped(allDropped)
            client?.exchangeFailed(error, refusal: told.refusal)
            client?.exchangeFlushed()
        case .errorEvent:
            if let encoder = encoder ?? spent {
                encoder.abort(error)
                client?.exchangeStreamed(encoder.output)
            }
            client?.exchangeEndedStream(failed: true)
            client?.exchangeFlushed()
        }
        release(KIMI_WHY_FAILED)
    }

    /// The upstream's own words against a request that went up as it was.
    var nativeRefusal: NativeRefusal? {
        native?.refusal.map { refusal in
            let text = route.masked(String(decoding: refusal.body, as: UTF8.self))
            return NativeRefusal(status: refusal.status, body: Array(text.utf8))
        }
    }
}
