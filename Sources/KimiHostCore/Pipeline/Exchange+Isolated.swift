import CanonicalModel
import Dialects
import NIOCore
import PluginABI
import PluginHost
import Upstream

/// What an exchange keeps while plugins in other processes work on its attempt.
struct IsolatedState {
    /// Deliveries that wait until the attempt can take them. Bounded: the upstream is paused while they wait.
    var inbox: [UpstreamDelivery] = []
    /// The head whose result is not answered yet.
    var head: UpstreamHead?
    /// Bytes of a native answer that their provider has not read yet are staged.
    var isStaged = false
    /// What had reached the client's side when the last tick was fed.
    var delivered = 0
}

/// Attempts that go on in other processes: the same steps, in the order in which answers come.
extension Exchange: AttemptWatcher {
    /// An attempt whose calls are answered at once, or one with plugins in other processes.
    func makeAttempt(
        _ request: PluginRequest, _ receiver: any EventReceiver
    ) throws(ExchangeError) -> any AttemptCalls {
        guard key.provider.isIsolated || route.transforms.contains(where: \.isIsolated) else {
            return try PluginAttempt(
                provider: key.provider, transforms: route.transforms, request: request, receiver: receiver,
                book: book)
        }
        return try IsolatedAttempt(
            provider: key.provider, transforms: route.transforms, request: request, receiver: receiver,
            book: book, eventLoop: services.eventLoop, watcher: self)
    }

    /// The same for a client's own request; nil, and why, when the provider will not have it.
    func makeNativeAttempt(
        _ request: PluginRequest, _ reply: any EventReceiver, _ refusal: inout ExchangeError?
    ) throws(ExchangeError) -> (any AttemptCalls)? {
        guard key.provider.isIsolated else {
            return try PluginAttempt(
                native: key.provider, request: request, receiver: reply, book: book, refusal: &refusal)
        }
        return try IsolatedAttempt(
            provider: key.provider, transforms: [], request: request, receiver: reply, book: book,
            eventLoop: services.eventLoop, watcher: self)
    }

    /// Takes a delivery, now or when the attempt can.
    func queue(_ delivery: UpstreamDelivery) {
        if delivery.end != nil { transfer = nil }
        unacknowledged += delivery.body.count
        guard !isProviderDone else {  // Nobody wants it any more, but the connection shall be kept.
            acknowledge()
            if delivery.end != nil { attemptMayFollow() }
            return
        }
        isolation.inbox.append(delivery)
        attemptMoved()
    }

    package func attemptMoved() {
        guard !reply.isOver, let attempt = attempt?.isolated else { return }
        let turn = turn
        proceed { (self) throws(ExchangeError) in try self.follow(attempt) }
        guard self.turn == turn else { return }
        acknowledge()
        guard !reply.isOver else { return }
        if attempt.isBusy { return }
        let isSilent = attempt.delivered == isolation.delivered
        isolation.delivered = attempt.delivered
        if ticker != nil, !isSilent { clock.heard() }
        ticker?.resume(afterSilence: isSilent)
    }

    private func follow(_ attempt: IsolatedAttempt) throws(ExchangeError) {
        if let failure = attempt.takeFailure() { throw failure }
        if attempt.isNativeRefused { return try beginCanonical(after: attempt.refusal) }
        if attempt.mayPlan { try step() }
        if let wantsWhole = attempt.takeHeadAnswer(), let head = isolation.head {
            isolation.head = nil
            try took(head, wantsWhole: wantsWhole)
        }
        if attempt.brought != broughtBefore { contentCame() }
        broughtBefore = attempt.brought
        clock.held(attempt.isHolding)
        if let failure = resumption.relay?.failure ?? encoder?.failure { throw failure }
        if attempt.isFlushed { return try complete() }
        if isolation.isStaged, !attempt.isBusy {
            isolation.isStaged = false
            native?.commit()
        }
        if attempt.isDone, !isProviderDone {
            isolation.inbox = []
            return try finish()
        }
        try empty(attempt)
    }

    private func beginCanonical(after refusal: ExchangeError?) throws(ExchangeError) {
        (attempt, encoder, native, opening) = (nil, nil, nil, nil)
        try begin(after: refusal)
        try step()
    }

    /// Hands on what waits, as far as the attempt can take it.
    private func empty(_ attempt: IsolatedAttempt) throws(ExchangeError) {
        while let delivery = isolation.inbox.first, !isProviderDone {
            guard isolation.head == nil, !attempt.isCongested, !isolation.isStaged else { return }
            isolation.inbox.removeFirst()
            if let head = delivery.head {
                try receivedHead(head)
                if isolation.head != nil {
                    var rest = delivery
                    rest.head = nil
                    return isolation.inbox.insert(rest, at: 0)
                }
            }
            if !delivery.body.isEmpty { try take(delivery.body, attempt) }
            guard let end = delivery.end else { continue }
            guard !isolation.isStaged else {
                var rest = delivery
                (rest.head, rest.body) = (nil, [])
                return isolation.inbox.insert(rest, at: 0)
            }
            try receivedEnd(end)
        }
    }

    private func take(_ body: [UInt8], _ attempt: IsolatedAttempt) throws(ExchangeError) {
        native?.stage(body)
        try framing?.push(body) { frames throws(ExchangeError) in try self.feed(frames) }
        if native != nil, attempt.isBusy { isolation.isStaged = true } else { native?.commit() }
        if framing?.isCut == true { return try cutErrorBody() }
        if isProviderDone { try finish() }
    }

    /// A tick of a provider in another process: the next one comes when this one is answered.
    func tickIsolated(_ attempt: IsolatedAttempt) -> LocalTicker.Outcome {
        guard !attempt.isBusy else { return .pause }
        proceed { (self) throws(ExchangeError) in
            try self.feedTick()
            if self.isProviderDone { try self.finish() }
        }
        guard !reply.isOver, !attempt.isBusy else { return .pause }
        let isSilent = attempt.delivered == isolation.delivered
        isolation.delivered = attempt.delivered
        if !isSilent { clock.heard() }
        return isSilent ? .silent : .brought
    }
}
