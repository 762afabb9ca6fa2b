package import CanonicalModel
package import NIOCore
package import PluginABI

/// One run of an auth machine, wherever its library runs.
package protocol AuthCalls: AnyObject {
    /// The machine's next step; nil: it is not known yet.
    func plan() throws(ExchangeError) -> PlannedStep?
    func result(_ result: kimi_result) throws(ExchangeError)
    func end(_ why: kimi_why)
}

extension AuthAttempt: AuthCalls {
    package func plan() throws(ExchangeError) -> PlannedStep? { try next() }
}

/// As ``AuthAttempt``, in a child. Event loop only.
package final class IsolatedAuthAttempt: AuthCalls, StageOwner {
    private let provider: ProviderInstance
    private let moved: () -> Void
    private let errors = ErrorRecord()
    private var stage: RemoteStage?
    private var planned: PlannedStep?
    private var isAsked = false
    private var steps = 0
    private var failure: ExchangeError?

    /// Begins the machine. `moved`: its answers have come, ask for the plan again.
    package init(
        provider: ProviderInstance, key: String, eventLoop: any EventLoop, moved: @escaping () -> Void
    ) throws(ExchangeError) {
        self.provider = provider
        self.moved = moved
        guard let remote = provider.remote else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(provider.name)' has no process of its own")
        }
        let stage = RemoteStage(remote, on: eventLoop, owner: self)
        try stage.begin(key: key)
        self.stage = stage
    }

    deinit { end(KIMI_WHY_CANCELLED) }

    package func plan() throws(ExchangeError) -> PlannedStep? {
        if let failure { throw failure }
        if let planned {
            (self.planned, isAsked) = (nil, false)
            return planned
        }
        if !isAsked {
            isAsked = true
            stage?.next()
        }
        return nil
    }

    package func result(_ result: kimi_result) throws(ExchangeError) {
        if let failure { throw failure }
        stage?.result(result)
    }

    package func end(_ why: kimi_why) {
        stage?.end(why)
        stage = nil
    }

    func stage(_ stage: RemoteStage, answered operation: IsolationWire.Operation, _ reply: CallReply) {
        guard failure == nil, !reply.isSkipped else { return }
        do throws(ExchangeError) {
            let plan = PlanRecord(.auth)
            let problem = reply.apply(errors: errors, plan: operation == .next ? plan : nil)
            let function = "auth_\(operation)"
            if let problem { throw IsolatedAttempt.illegal(provider.name, function, problem) }
            if reply.status.isFailure {
                throw errors.take(reply.status, provider.mark, plugin: provider.name, function)
            }
            errors.clear()
            if operation == .begin, !reply.hasExchange {
                throw ExchangeError(
                    KIMI_CAT_INTERNAL, "plugin '\(provider.name)' returned no exchange from auth begin")
            }
            if operation == .next { planned = try accept(plan) }
        } catch {
            failure = error
            end(KIMI_WHY_FAILED)
        }
    }

    private func accept(_ plan: PlanRecord) throws(ExchangeError) -> PlannedStep {
        steps += 1
        guard steps <= PluginLimits.maxSteps else {
            throw ExchangeError(
                KIMI_CAT_INTERNAL,
                "plugin '\(provider.name)' planned more than \(PluginLimits.maxSteps) steps to get a token")
        }
        guard let step = plan.steps.first else {
            throw ExchangeError(
                KIMI_CAT_INTERNAL, "plugin '\(provider.name)' planned no step in auth next (rule S07)")
        }
        if case .http(let request) = step, let refusal = provider.refusal(of: request.url) {
            throw ExchangeError(KIMI_CAT_CONFIG, refusal)
        }
        return step
    }

    func stage(_ stage: RemoteStage, lost error: ExchangeError) {
        if failure == nil { failure = error }
    }

    func stagesSettled() { moved() }
}
