internal import CPlatform
package import CanonicalModel
package import PluginABI
import WireJSON

/// The part before the reply: steps and their answers.
extension PluginAttempt {
    /// The provider's next step.
    package func next() throws(ExchangeError) -> PlannedStep {
        guard phase == .planning else { throw Self.misuse("next") }
        steps += 1
        guard steps <= PluginLimits.maxSteps else {
            throw fail(
                ExchangeError(
                    KIMI_CAT_INTERNAL, "plugin '\(provider.name)' planned more than \(PluginLimits.maxSteps) steps"))
        }
        let plan = PlanRecord(.provider)
        let status = provider.mark.call(PG_NEXT, tag) {
            provider.table.pointee.next(exchange, plan.opaque, errors.opaque)
        }
        try check(status, PG_NEXT)
        guard let step = plan.steps.first else {
            throw fail(ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(provider.name)' planned no step in next (rule S07)"))
        }
        switch step {
        case .send(let request):
            try refuseHost(request.url)
            phase = .replying
        case .http(let request): try refuseHost(request.url)
        case .localReply: phase = .replying
        case .token, .sign, .wait, .grant: break
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

    /// The upstream request is made: the request's bytes are not needed any more.
    package func forgetRequest() { request.json = [] }

    /// Hands a step's result over. True when the provider wants the body whole.
    package func result(_ result: kimi_result) throws(ExchangeError) -> Bool {
        guard phase == .planning || phase == .replying else { throw Self.misuse("result") }
        let status = try withUnsafePointer(to: result) { pointer throws(ExchangeError) in
            let status = provider.mark.call(PG_RESULT, tag) {
                provider.table.pointee.result(exchange, pointer, errors.opaque)
            }
            return try check(status, PG_RESULT)
        }
        return status == kimi_status(KIMI_WHOLE)
    }

    private func refuseHost(_ url: String) throws(ExchangeError) {
        if let refusal = provider.refusal(of: url) { throw fail(ExchangeError(KIMI_CAT_CONFIG, refusal)) }
    }
}
