internal import CPlatform
package import CanonicalModel
package import PluginABI
import WireJSON

/// The calls of ``PluginAttempt``, some of which are answered later.
extension IsolatedAttempt {
    /// The provider's next step; nil: it is not known yet.
    package func plan() throws(ExchangeError) -> PlannedStep? {
        guard phase == .planning else { return nil }
        if let stage {
            if let planned {
                (self.planned, isPlanAsked) = (nil, false)
                return took(planned)
            }
            guard !isPlanAsked else { return nil }
            isPlanAsked = true
            stage.next()
            return nil
        }
        guard let exchange else { return nil }
        let plan = PlanRecord(.provider)
        let status = provider.mark.call(PG_NEXT, tag) {
            provider.table.pointee.next(exchange, plan.opaque, errors.opaque)
        }
        if status.isFailure { throw fail(failure(status, "next")) }
        errors.clear()
        do {
            return took(try accept(plan))
        } catch {
            throw fail(error)
        }
    }

    /// Checks what a plan asks for.
    func accept(_ plan: PlanRecord) throws(ExchangeError) -> PlannedStep {
        let name = provider.name
        steps += 1
        guard steps <= PluginLimits.maxSteps else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(name)' planned more than \(PluginLimits.maxSteps) steps")
        }
        guard let step = plan.steps.first else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(name)' planned no step in next (rule S07)")
        }
        switch step {
        case .send(let request): try refuseHost(request.url)
        case .http(let request): try refuseHost(request.url)
        case .localReply, .token, .sign, .wait, .grant: break
        }
        return step
    }

    private func refuseHost(_ url: String) throws(ExchangeError) {
        if let refusal = provider.refusal(of: url) { throw ExchangeError(KIMI_CAT_CONFIG, refusal) }
    }

    private func took(_ step: PlannedStep) -> PlannedStep {
        switch step {
        case .send, .localReply: phase = .replying
        case .http, .token, .sign, .wait, .grant: break
        }
        return step
    }

    /// The body of a planned request.
    package func body(_ planned: PlannedRequest) throws(ExchangeError) -> [UInt8]? {
        do throws(ExchangeError) {
            return try planned.bytes(of: request.json, plugin: provider.name)
        } catch {
            throw fail(error)
        }
    }

    package func forgetRequest() { request.json = [] }

    /// Hands a step's result over. Nil: whether the provider wants the body whole comes later.
    package func answer(_ result: kimi_result) throws(ExchangeError) -> Bool? {
        guard phase == .planning || phase == .replying else { return false }
        if let stage {
            stage.result(result)
            guard phase == .replying else { return false }
            isAwaitingHead = true
            return nil
        }
        guard let exchange else { return false }
        let status = withUnsafePointer(to: result) { pointer in
            provider.mark.call(PG_RESULT, tag) { provider.table.pointee.result(exchange, pointer, errors.opaque) }
        }
        if status.isFailure { throw fail(failure(status, "result")) }
        errors.clear()
        return status == kimi_status(KIMI_WHOLE)
    }

    /// Feeds frames. True when the provider says the reply is done; one in a child says so later, through `isDone`.
    package func feed(_ frames: UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) -> Bool {
        guard phase == .replying, !isDone else { return isDone }
        if let stage {
            stage.feed(frames)
            return false
        }
        guard let exchange else { return false }
        let status = provider.mark.call(PG_FEED, tag) {
            provider.table.pointee.feed(exchange, frames.baseAddress, frames.count, head.opaque, errors.opaque)
        }
        head.arena.removeAll()
        weigh()
        if let failure = localFailure() { throw fail(failure) }
        if status.isFailure { throw fail(failure(status, "feed")) }
        errors.clear()
        isDone = status == kimi_status(KIMI_DONE)
        return isDone
    }

    /// Asks the transforms to give up what they hold; what they say comes later.
    package func releaseHeld() throws(ExchangeError) {
        guard phase == .replying, flushPlace == nil else { return }
        isHolding = false
        flushWhy = KIMI_WHY_TIMEOUT
        flushPlace = members.count
        do {
            try flushNext()
        } catch {
            throw fail(error)
        }
    }

    /// The reply is over. True: everything that was held has reached the receiver; false: that comes later.
    package func finish(_ why: kimi_why) throws(ExchangeError) -> Bool {
        guard phase == .replying else { return phase == .flushed }
        phase = .flushing
        finishWhy = why
        do {
            if flushPlace == nil { try beginFlush() }
        } catch {
            throw fail(error)
        }
        return phase == .flushed
    }

    private func beginFlush() throws(ExchangeError) {
        guard let why = finishWhy else { return }
        finishWhy = nil
        flushWhy = why
        flushPlace = members.count
        if let stage { return stage.flush(why) }
        if let exchange {
            let status = provider.mark.call(PG_FLUSH, tag) {
                provider.table.pointee.flush(exchange, why.rawValue, head.opaque, errors.opaque)
            }
            head.arena.removeAll()
            if status.isFailure { flushFailure = failure(status, "flush") }
        }
        try flushNext()
    }

    /// The flush goes on with the next transform towards the client, until a child has to be waited for.
    func flushNext() throws(ExchangeError) {
        guard var place = flushPlace else { return }
        while place > 0 {
            place -= 1
            flushPlace = place
            switch members[place] {
            case .local(let node, _):
                _ = node.flush(flushWhy)
                if let failure = node.failure { throw failure }
            case .remote(let stage): return stage.flush(flushWhy)
            }
        }
        flushPlace = nil
        if finishWhy != nil { return try beginFlush() }
        guard phase == .flushing else { return }
        if let failure = localFailure() ?? flushFailure { throw failure }
        phase = .flushed
    }
}
