import CanonicalModel
import Dialects
import NIOCore
import PluginABI
import PluginHost
package import Upstream

/// What comes from the upstream.
extension Exchange {
    package func received(_ delivery: UpstreamDelivery) {
        clock.arrived()
        let turn = turn
        if reply.isOver { return drain(delivery) }
        tap?.received(delivery)
        if let head = delivery.head { trace?.received(head.status) }
        if let head = delivery.head, forgetToken(refusedBy: head) { return beginAgain() }
        if attempt?.isolated != nil { return queue(delivery) }
        if delivery.end != nil { transfer = nil }
        proceed { (self) throws(ExchangeError) in
            if let head = delivery.head { try self.receivedHead(head) }
            if !delivery.body.isEmpty { try self.receivedBody(delivery.body) }
            if let end = delivery.end { try self.receivedEnd(end) }
        }
        guard self.turn == turn else { return }  // That attempt is over, and its transfer with it.
        unacknowledged += delivery.body.count
        acknowledge()
    }

    func receivedHead(_ head: UpstreamHead) throws(ExchangeError) {
        guard let attempt, let planned else { return }
        if !planner.mayFollow, resumption.relay == nil { source.forget() }  // Nothing is begun again any more.
        try head.requireUncompressed()
        let wantsWhole = try UpstreamResult.with(head, id: planned.id) { result throws(ExchangeError) in
            try attempt.answer(result)
        }
        guard let wantsWhole else { return isolation.head = head }  // Another process is asked.
        try took(head, wantsWhole: wantsWhole)
    }

    func took(_ head: UpstreamHead, wantsWhole: Bool) throws(ExchangeError) {
        guard let attempt, let planned else { return }
        let framing = BodyFraming(
            framing: attempt.framing, head: head, isStream: planned.isStream, wantsWhole: wantsWhole,
            maxWholeBytes: route.maxResponseBytes)
        self.framing = framing
        if head.status >= 400 { clock.gotErrorHead() } else { isAnswering = true }
        native?.began(status: head.status, isEvents: framing.isEvents || head.hasMediaType("text/event-stream"))
        let headers = RelayedHeaders.of(head)
        if !headers.isEmpty {
            hasRelayed = true
            client?.exchangeReceived(headers: headers)
        }
    }

    func receivedBody(_ body: [UInt8]) throws(ExchangeError) {
        guard !isProviderDone else { return }
        native?.stage(body)
        try framing?.push(body) { frames throws(ExchangeError) in try self.feed(frames) }
        native?.commit()
        if framing?.isCut == true { return try cutErrorBody() }
        if isProviderDone { try finish() }
    }

    /// An error's body is long enough, or late: what has come of it must do.
    func cutErrorBody() throws(ExchangeError) {
        guard !isProviderDone else { return }
        framing?.cut()
        try finishBody()
        try finish()
    }

    func finishBody() throws(ExchangeError) {
        try framing?.finish { frames throws(ExchangeError) in try self.feed(frames) }
    }

    func receivedEnd(_ end: UpstreamEnd) throws(ExchangeError) {
        guard !isProviderDone else { return attemptMayFollow() }
        switch end {
        case .complete:
            try finishBody()
            try finish()
        case .failed(let error):
            guard let framing else { throw ExchangeError(error, provider: key.provider.name) }
            if framing.isErrorBody { return try cutErrorBody() }
            // The provider may know that the answer was complete all the same; held text is given up either way.
            if try attempt?.finish(KIMI_WHY_TRUNCATED) ?? true { try complete() }
        }
    }

    func feed(_ frames: UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) {
        guard let attempt, !isProviderDone else { return }
        let brought = attempt.brought
        let isDone = try attempt.feed(frames)
        let says = opening?.take(frames) ?? false
        if says || attempt.brought != brought { contentCame() }
        clock.held(attempt.isHolding)
        if let failure = resumption.relay?.failure ?? encoder?.failure { throw failure }
        isProviderDone = isDone
    }

    func finish() throws(ExchangeError) {
        isProviderDone = true
        if try attempt?.finish(KIMI_WHY_END) ?? true { try complete() }
    }

    /// After the reply is over: what still comes is thrown away, so that the connection can be used again.
    func drain(_ delivery: UpstreamDelivery) {
        transfer?.consumed(delivery.body.count)
        if delivery.end != nil {
            transfer = nil
            release(KIMI_WHY_END)
        }
    }
}
