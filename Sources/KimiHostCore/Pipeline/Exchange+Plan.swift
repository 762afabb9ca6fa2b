import CanonicalModel
import NIOCore
import PluginABI
import PluginHost
import Upstream

/// The plan of an attempt, step by step.
extension Exchange {
    func step() throws(ExchangeError) {
        while let attempt {
            guard let step = try attempt.plan() else { return }  // It comes from another process.
            switch step {
            case .send(let planned):
                clock.sent()
                if planned.isStream { clock.awaitTokens() }
                transfer = try send(planned, receiver: self)
                attempt.forgetRequest()
                var sent = planned
                sent.body = .none  // It is the transfer's now.
                return self.planned = sent
            case .http(let planned):
                let side = SideRequest(
                    id: planned.id, target: UpstreamTarget.text(planned.url),
                    heard: { [weak self] in self?.clock.arrived() },
                    finished: { [weak self] in self?.sideFinished($0) })
                self.side = side
                clock.sent()
                side.transfer = try send(planned, receiver: side)
                return transfer = side.transfer
            case .wait(let id, let milliseconds): return wait(id, milliseconds)
            case .localReply(let milliseconds): return startTicker(milliseconds)
            case .token(let id, let key): if try !answerToken(id, key) { return }
            case .sign(let planned):
                try StepAnswer.sign(planned, key.provider) { result throws(ExchangeError) in
                    _ = try attempt.answer(result)
                }
            case .grant:  // Refused when it is planned.
                throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(key.provider.name)' granted a token to nobody")
            }
        }
    }

    func send(_ planned: PlannedRequest, receiver: any UpstreamReceiver) throws(ExchangeError) -> Transfer? {
        let body = try attempt?.body(planned)
        var planned = planned
        if receiver === self {
            trace?.sends(&planned)
            tap?.sent(planned, body, isNative: native != nil, of: attempt?.request)
        }
        let request = UpstreamRequest(
            method: planned.method, url: planned.url, headers: planned.headers, body: body,
            connectTimeoutMs: route.timeouts.connect)
        return services.reactor.start(request, receiver: receiver)
    }

    func wait(_ id: UInt32, _ milliseconds: Int) {
        clock.waiting(milliseconds)
        let turn = turn
        services.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) { [weak self] in
            guard let self, self.turn == turn else { return }  // That attempt may be over.
            self.proceed { (self) throws(ExchangeError) in
                var result = kimi_result()
                result.kind = KIMI_STEP_WAIT.rawValue
                result.id = id
                _ = try self.attempt?.answer(result)
                try self.step()
            }
        }
    }

    func sideFinished(_ side: SideRequest) {
        transfer = nil
        self.side = nil
        proceed { (self) throws(ExchangeError) in
            try side.withResult { result throws(ExchangeError) in _ = try self.attempt?.answer(result) }
            try self.step()
        }
    }
}
