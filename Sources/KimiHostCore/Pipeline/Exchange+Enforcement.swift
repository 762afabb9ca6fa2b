import CanonicalModel
import Dialects
import Enforcement
import NIOCore
import PluginABI
import PluginHost
import WireJSON

/// Routes that ensure tool calls: further attempts of one reply.
extension Exchange {
    /// What the attempt is asked, and whoever takes its events. Nil: the host has answered by itself.
    func enforce(_ input: AttemptInput) throws(ExchangeError) -> PluginRequest? {
        enforcement = nil
        guard let policy = route.enforcement else { return input.request }
        switch EnforcementPlan(input.request.json, policy, client: client?.clientName ?? "") {
        case .off(let note):
            if let note { book.add(kind: "enforcement_off", detail: note) }
            return input.request
        case .stop(let reason):
            try stop(reason, policy, input)
            return nil
        case .on(let prepared):
            var request = input.request
            request.json = prepared.json
            let turn = EnforcedTurn(
                names: prepared.names, attempts: policy.attempts, hasBeenRead: prepared.hasBeenRead,
                joinsThoughts: source.dialect == NativeDialect.chat.name)
            let reply = EnforcedReply(input.encoder, turn)
            enforcement = ExchangeEnforcement(policy, reply, request, question: prepared.question)
            encoder = reply
            return request
        }
    }

    /// An empty reply, which ends the agent's loop.
    private func stop(_ reason: String, _ policy: EnforcementPolicy, _ input: AttemptInput) throws(ExchangeError) {
        book.add(kind: "enforcement_stop", detail: reason)
        abandonProbes()  // Nobody was asked.
        trace?.nobodyAsked()
        charge.nobodyAsked()
        let reply = EnforcedReply(input.encoder, EnforcedTurn(names: TerminationNames(own: [])))
        let enforcement = ExchangeEnforcement(policy, reply, input.request)
        enforcement.result = .stopped
        self.enforcement = enforcement
        EnforcedReply.stop(input.encoder, id: source.requestID, model: route.upstreamModel)
        try complete()
    }

    /// The attempt is complete. True: another one follows.
    func goesAround() -> Bool {
        guard let enforcement, enforcement.result == nil else { return false }
        if enforcement.isDue { return true }
        switch enforcement.reply.turn.verdict {
        case .accept(let result):
            enforcement.accept(result)
            return false
        case .again(let demand):
            judge(nil)
            let now = NIODeadline.now()
            enforcement.demand(demand, after: Int64(attemptMs(now)))
            trace?.attemptEnded(now, error: "")
            measureAttempt(now, error: "")
            tap?.attemptRejected(for: ExchangeEnforcement.words(demand))
            awaitEnd(enforcement)
            return true
        }
    }

    /// The upstream has moments to send its last bytes, so that its connection is kept.
    private func awaitEnd(_ enforcement: ExchangeEnforcement) {
        ticker?.stop()
        ticker = nil
        isPausing = true
        guard transfer != nil else { return attemptMayFollow() }
        clock.turned(Int(ExchangeClock.settleMs))
        let turn = turn
        services.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(ExchangeClock.settleMs)) { [weak self] in
            guard let self, self.turn == turn else { return }
            self.attemptMayFollow()
        }
    }

    /// Begins the attempt that is due, in a turn of its own: whoever brought the end is still at it.
    func attemptMayFollow() {
        guard let enforcement, enforcement.isDue else { return }
        let turn = turn
        services.eventLoop.assumeIsolated().execute { [weak self] in
            guard let self, self.turn == turn, !self.reply.isOver, enforcement.isDue else { return }
            enforcement.isDue = false
            self.closeAttempt(KIMI_WHY_END)
            self.choice = AttemptChoice(route: self.choice.route, key: self.choice.key)
            self.beginChosen()
        }
    }

    /// Has a further attempt failed before it said anything? Then it may be made again, here or on another route, and
    /// what the client has heard stays.
    var keepsReply: Bool { enforcement?.reply.mayBeginAgain ?? false }

    /// The further attempt of an enforced reply. False: there is none, the request begins anew.
    func beginFurther() throws(ExchangeError) -> Bool {
        guard let enforcement, keepsReply else { return false }
        enforcement.result = nil  // An empty last attempt may have been accepted, and refused then.
        enforcement.reply.restart()
        let request = bounded(enforcement.next(on: route.upstreamModel, number: attemptNumber))
        attempt = try makeAttempt(request, enforcement.reply)
        return true
    }

    /// Silence between attempts is no dead upstream.
    var isBetweenAttempts: Bool { (enforcement?.reply.turn.number ?? 1) > 1 && enforcement?.result == nil }

    /// Before the head of the reply, and before its end.
    func markEnforced(_ encoder: any ResponseEncoder, _ client: any ExchangeClient) {
        guard let enforcement, let result = enforcement.result else { return }
        let words = enforcement.described(result)
        client.exchangeEnforced(words)
        guard result == .spent, encoder.isStreaming, reply.hasContent else { return }
        // The head has gone. Comments are no events, in any client's API.
        encoder.output.append(": x-kimi-enforcement: ")
        encoder.output.append(utf8: words)
        encoder.output.append("\n\n")
    }

    /// For the exchange's line and `/metrics`.
    func reportEnforcement(_ outcome: HostMetrics.Outcome) -> String {
        guard let enforcement else { return "" }
        enforcement.forget()
        let attempts = enforcement.result == .stopped ? 0 : enforcement.reply.turn.number
        let word = outcome == .ok ? enforcement.result?.rawValue ?? "cut" : outcome.rawValue
        services.metrics.enforced(
            model: route.upstreamModel, provider: route.providerName, result: word, attempts: attempts)
        guard attempts != 1 else { return "" }
        return (["attempts=\(attempts); result=\(word)"] + enforcement.rejected).joined(separator: "; ")
    }
}
