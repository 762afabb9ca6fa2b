import CanonicalModel
import PluginABI
import PluginHost

/// begin, next and result…, feed…, flush, end of a provider.
final class ProviderExchange: Exchange, @unchecked Sendable {
    private enum Stage { case begin, next, feed, tick, flush }

    private var stage = Stage.begin
    private var sideSteps = 0
    private var ticks = 0
    /// As in the host: more side steps before SEND are a loop.
    private static let maxSteps = 32
    /// A local reply that takes more ticks never ends.
    static let maxTicks = 200_000

    private var table: kimi_provider? { instance.plugin.plugin.provider?.pointee }

    override func advance() -> kimi_why? {
        guard let table else { return KIMI_WHY_FAILED }
        switch stage {
        case .begin: return begin(table)
        case .next: return next(table)
        case .feed: return feed(table)
        case .tick: return tick(table)
        case .flush: return flush(table)
        }
    }

    private func begin(_ table: kimi_provider) -> kimi_why? {
        var exchange: OpaquePointer?
        let status = call("begin") { lending, error in
            table.begin(instance.pointer, Exchange.lend(script.request, lending), &exchange, error)
        }
        guard status != nil else {
            if exchange != nil { run.breach(.state, "begin failed and set *exchange (S03): leave it NULL") }
            return KIMI_WHY_FAILED
        }
        guard exchange != nil else {
            run.breach(.state, "begin succeeded and left *exchange NULL")
            return KIMI_WHY_FAILED
        }
        pointer = exchange
        stage = .next
        return nil
    }

    private func next(_ table: kimi_provider) -> kimi_why? {
        let plan = PlanNote(run: run)
        let handle = Handles.lend(plan)
        let status = call("next") { _, error in table.next(pointer, handle, error) }
        Handles.revoke(handle)
        outcome.wasRefused = outcome.wasRefused || plan.wasRefused
        guard status != nil else { return KIMI_WHY_FAILED }
        guard let step = plan.steps.first else {
            if !plan.wasRefused { run.breach(.plan, "next described no step and did not fail (S07)") }
            return KIMI_WHY_FAILED
        }
        outcome.steps.append(step)
        return take(step, table)
    }

    private func take(_ step: DescribedStep, _ table: kimi_provider) -> kimi_why? {
        check(step)
        switch step.kind {
        case KIMI_STEP_SEND:
            stage = .feed
            guard script.head.failure == nil else { return KIMI_WHY_FAILED }
            return result(step, script.head, KIMI_OK.rawValue, table)
        case KIMI_STEP_LOCAL_REPLY:
            stage = .tick
            return nil
        case KIMI_STEP_GRANT:
            run.breach(.plan, "a provider planned GRANT, which is for auth machines")
            return KIMI_WHY_FAILED
        default:
            sideSteps += 1
            guard sideSteps <= Self.maxSteps else {
                run.breach(.plan, "more than \(Self.maxSteps) steps and no SEND among them")
                return KIMI_WHY_FAILED
            }
            return answer(step, table)
        }
    }

    private func answer(_ step: DescribedStep, _ table: kimi_provider) -> kimi_why? {
        var answer = Answer()
        if sideSteps <= script.sideAnswers.count {
            answer = script.sideAnswers[sideSteps - 1]
        } else if step.kind == KIMI_STEP_TOKEN {
            answer.body = Array("kit-token".utf8)
        } else if step.kind == KIMI_STEP_SIGN {
            answer.body = [UInt8](repeating: 7, count: 64)
        }
        if step.kind == KIMI_STEP_WAIT { answer.body = [] }
        let failed = answer.failure.map { Array($0.utf8) }
        if let failed { answer.body = failed }
        return result(step, answer, failed == nil ? KIMI_OK.rawValue : KIMI_E_UPSTREAM.rawValue, table)
    }

    private func result(
        _ step: DescribedStep, _ answer: Answer, _ status: kimi_status, _ table: kimi_provider
    ) -> kimi_why? {
        let isHTTP = step.kind == KIMI_STEP_SEND || step.kind == KIMI_STEP_HTTP
        let answered = call("result") { lending, error in
            var result = kimi_result()
            (result.kind, result.id, result.status) = (step.kind.rawValue, step.id, status)
            if isHTTP {
                result.http_status = answer.status
                let headers = answer.headers.map {
                    kimi_header(name: lending.take($0.name), value: lending.take($0.value))
                }
                result.headers = lending.take(headers)
                result.n_headers = headers.count
            }
            if step.kind != KIMI_STEP_SEND { result.body = lending.take(answer.body) }
            return table.result(pointer, lending.take([result]), error)
        }
        guard let answered else { return KIMI_WHY_FAILED }
        wantsWhole = step.kind == KIMI_STEP_SEND && answered == KIMI_WHOLE.rawValue
        return nil
    }

    private var wantsWhole = false

    /// The batches, or the body in one piece if the plugin asked for that.
    private lazy var batches: [[Frame]] = {
        guard wantsWhole, script.head.status < 400 else { return script.frames }
        return [[Frame(KIMI_FRAME_BODY, script.head.body, flags: KIMI_FRAME_F_LAST.rawValue)]]
    }()

    private func feed(_ table: kimi_provider) -> kimi_why? {
        guard position < batches.count else {
            stage = .flush
            return nil
        }
        let batch = batches[position]
        position += 1
        if script.hasEmptyFeeds, feedFrames(table, []) == nil { return failureReason }
        guard let status = feedFrames(table, batch) else { return failureReason }
        let isLast = batch.contains { $0.flags & KIMI_FRAME_F_LAST.rawValue != 0 }
        if status == KIMI_DONE.rawValue || isLast { stage = .flush }
        if stream.wasRefused { return failureReason }
        return nil
    }

    private var failureReason: kimi_why {
        outcome.failure == nil && stream.wasRefused ? KIMI_WHY_CANCELLED : KIMI_WHY_FAILED
    }

    private func tick(_ table: kimi_provider) -> kimi_why? {
        ticks += 1
        guard ticks <= Self.maxTicks else {
            run.breach(.state, "\(Self.maxTicks) ticks and no KIMI_DONE: a local reply must end")
            return KIMI_WHY_FAILED
        }
        guard let status = feedFrames(table, [Frame(KIMI_FRAME_TICK)]) else { return failureReason }
        if stream.wasRefused { return failureReason }
        if status == KIMI_DONE.rawValue { stage = .flush }
        return nil
    }

    private func feedFrames(_ table: kimi_provider, _ frames: [Frame]) -> kimi_status? {
        callWithSink("feed") { lending, sink, error in
            let structs = frames.map {
                kimi_frame(kind: $0.kind, flags: $0.flags, name: lending.take($0.name), data: lending.take($0.data))
            }
            return table.feed(pointer, lending.take(structs), structs.count, sink, error)
        }
    }

    private func flush(_ table: kimi_provider) -> kimi_why? {
        guard script.why != KIMI_WHY_CANCELLED else { return KIMI_WHY_CANCELLED }
        let status = callWithSink("flush") { _, sink, error in
            table.flush(pointer, script.why.rawValue, sink, error)
        }
        return status == nil ? KIMI_WHY_FAILED : script.why
    }

    /// begin, and steps with their answers up to the answer of SEND; the plugin's exchange, which the caller ends.
    func openForBench(_ table: kimi_provider) -> OpaquePointer? {
        guard begin(table) == nil else { return nil }
        while stage == .next { if next(table) != nil { return nil } }
        defer { pointer = nil }
        return pointer
    }

    private func check(_ step: DescribedStep) {
        guard step.kind == KIMI_STEP_SEND || step.kind == KIMI_STEP_HTTP else { return }
        let faults = PlanRules.faults(step, request: script.request.json, isPluginBody: step.kind == KIMI_STEP_SEND)
        for fault in faults { run.breach(.plan, fault) }
        if let url = step.url, let refusal = instance.plugin.refusal(of: url, config: instance.config) {
            run.breach(.plan, refusal)
        }
    }

    override func endPointer(_ pointer: OpaquePointer, _ why: kimi_why) { table?.end(pointer, why.rawValue) }
}
