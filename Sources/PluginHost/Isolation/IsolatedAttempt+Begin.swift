import CanonicalModel
import PluginABI
import WireJSON

extension IsolatedAttempt {
    /// Begins what has not begun, until a child has to be waited for.
    func beginRest() throws(ExchangeError) {
        while begun < transforms.count {
            let transform = transforms[begun]
            if let remote = transform.remote {
                let stage = TransformStage(transform, remote, next: head, on: eventLoop, owner: self)
                try stage.begin(request)
                opening = stage
                return
            }
            begun += 1
            guard let exchange = try PluginAttempt.begin(transform, &request, book, tag) else { continue }
            let link = TransformLink(instance: transform, exchange: exchange, next: head, tag: tag)
            head = SinkNode(transform: link, book: book)
            members.append(.local(head, link))
        }
        head.isFed(by: provider.name)
        guard let remote = provider.remote else {
            exchange = try PluginAttempt.begin(provider, request, errors, tag)
            provider.library.exchangeBegan()
            phase = .planning
            return
        }
        let stage = RemoteStage(remote, on: eventLoop, owner: self)
        try stage.begin(request)
        self.stage = stage
    }

    /// The transform at `begun` has begun in its child.
    func transformBegan(_ stage: TransformStage, _ reply: CallReply) throws(ExchangeError) {
        opening = nil
        let name = stage.instance.name
        let edit = RequestEditRecord(plugin: name, book: book)
        if let problem = reply.apply(errors: stage.errors, edit: edit) { throw Self.illegal(name, "begin", problem) }
        if reply.status.isFailure { throw stage.failure(reply, .begin) }
        do {
            try PluginAttempt.apply(edit, reply.status, &request)
        } catch {
            throw ExchangeError(
                KIMI_CAT_INTERNAL,
                "plugin '\(name)' changed the request to something that is no JSON object: \(error.message)")
        }
        edit.tell(reply.status)
        begun += 1
        if reply.hasExchange {
            head = SinkNode(receiver: stage, book: book)
            members.append(.remote(stage))
        } else {
            stage.end(KIMI_WHY_END)
        }
        try beginRest()
    }

    /// The provider has begun in its child.
    func providerBegan(_ stage: RemoteStage, _ reply: CallReply) throws(ExchangeError) {
        let name = provider.name
        if let problem = reply.apply(errors: errors) { throw Self.illegal(name, "begin", problem) }
        if isNative, reply.status == kimi_status(KIMI_E_UNSUPPORTED) {
            refusal = errors.take(reply.status, plugin: name, function: "begin")
            end(KIMI_WHY_FAILED)
            phase = .refused
            return
        }
        if reply.status.isFailure { throw failure(reply.status, "begin") }
        guard reply.hasExchange else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(name)' returned no exchange from begin")
        }
        phase = .planning
    }

    /// What the provider said of a call that failed, counted.
    func failure(_ status: kimi_status, _ function: String) -> ExchangeError {
        errors.take(status, provider.mark, plugin: provider.name, function)
    }

    static func illegal(_ plugin: String, _ function: String, _ problem: String) -> ExchangeError {
        ExchangeError(KIMI_CAT_INTERNAL, "the process of plugin '\(plugin)' answered \(function) with \(problem)")
    }
}

extension IsolatedAttempt: StageOwner {
    func stage(_ stage: RemoteStage, answered operation: IsolationWire.Operation, _ reply: CallReply) {
        guard phase != .ended, phase != .refused else { return }
        do throws(ExchangeError) {
            if let transform = stage as? TransformStage {
                try answered(transform, operation, reply)
            } else {
                try answered(stage, operation, reply)
            }
            if let failure = localFailure() { throw failure }
        } catch {
            failure = fail(error)
        }
    }

    private func answered(
        _ stage: TransformStage, _ operation: IsolationWire.Operation, _ reply: CallReply
    ) throws(ExchangeError) {
        if operation == .begin { return try transformBegan(stage, reply) }
        let problem = reply.apply(errors: stage.errors, sink: stage.next)
        let name = stage.instance.name
        if let problem { throw Self.illegal(name, "\(operation)", problem) }
        if reply.status.isFailure {
            stage.stop()
            throw stage.failure(reply, operation)
        }
        if operation == .feed { stage.fedOne() }
        if operation == .flush { try flushNext() }
        weigh()
    }

    private func answered(
        _ stage: RemoteStage, _ operation: IsolationWire.Operation, _ reply: CallReply
    ) throws(ExchangeError) {
        switch operation {
        case .begin: try providerBegan(stage, reply)
        case .next: try plannedNext(reply)
        case .result:
            try check(reply, reply.apply(errors: errors), "result")
            guard isAwaitingHead, phase == .replying else { return }
            isAwaitingHead = false
            headAnswer = reply.status == kimi_status(KIMI_WHOLE)
        case .feed:
            try check(reply, reply.apply(errors: errors, sink: head), "feed")
            if reply.status == kimi_status(KIMI_DONE) { isDone = true }
            weigh()
        case .flush:
            let problem = reply.apply(errors: errors, sink: head)
            if let problem { throw Self.illegal(provider.name, "flush", problem) }
            if reply.status.isFailure {
                flushFailure = failure(reply.status, "flush")
            }
            try flushNext()
        case .hello, .create, .destroy, .end, .keyValue: break
        }
    }

    private func check(_ reply: CallReply, _ problem: String?, _ function: String) throws(ExchangeError) {
        if let problem { throw Self.illegal(provider.name, function, problem) }
        guard reply.status.isFailure else { return errors.clear() }
        throw failure(reply.status, function)
    }

    private func plannedNext(_ reply: CallReply) throws(ExchangeError) {
        guard !reply.isSkipped else { return }
        let plan = PlanRecord(.provider)
        try check(reply, reply.apply(errors: errors, plan: plan), "next")
        planned = try accept(plan)
    }

    func stage(_ stage: RemoteStage, lost error: ExchangeError) {
        guard phase != .ended, phase != .flushed else { return }
        failure = fail(error)
    }

    func stagesSettled() { watcher?.attemptMoved() }
}
