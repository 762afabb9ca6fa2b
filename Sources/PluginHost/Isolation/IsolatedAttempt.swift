internal import CPlatform
package import CanonicalModel
package import NIOCore
package import PluginABI
import WireJSON

/// Hears of an attempt that goes on in children.
package protocol AttemptWatcher: AnyObject {
    /// Replies have come: look at the attempt's state.
    func attemptMoved()
}

/// As ``PluginAttempt``, for chains with at least one isolated plugin. What a child is asked is answered later, in the
/// order in which it was asked; until then `plan` gives nil, `answer` gives nil and `finish` gives false. The watcher is
/// told when to look again.
///
/// One event loop only. A call that throws has ended the attempt.
package final class IsolatedAttempt {
    enum Phase { case beginning, refused, planning, replying, flushing, flushed, ended }

    let provider: ProviderInstance
    let transforms: [TransformInstance]
    let isNative: Bool
    let eventLoop: any EventLoop
    weak var watcher: (any AttemptWatcher)?
    let book: NoteBook
    /// The request after the transforms that have begun.
    package internal(set) var request: PluginRequest
    let errors = ErrorRecord()
    /// Names the request should a plugin crash that runs here.
    let tag: RequestTag
    var phase = Phase.beginning
    /// Transforms that have begun.
    var begun = 0
    /// From the client's side to the provider's.
    var members: [Member] = []
    let tail: SinkNode
    var head: SinkNode
    /// The provider's exchange: here, or in a child.
    var exchange: OpaquePointer?
    var stage: RemoteStage?
    /// What the transform that is being begun has done to the request.
    var opening: TransformStage?

    var steps = 0
    var isPlanAsked = false
    var planned: PlannedStep?
    package internal(set) var isAwaitingHead = false
    /// The provider's answer to the head, once: does it want the body whole?
    var headAnswer: Bool?
    /// The provider says that the reply is complete.
    package internal(set) var isDone = false
    var failure: ExchangeError?
    /// Why a native provider would not begin.
    package internal(set) var refusal: ExchangeError?

    /// A flush that goes down the chain: where it is, and why.
    var flushPlace: Int?
    var flushWhy = KIMI_WHY_END
    var finishWhy: kimi_why?
    var flushFailure: ExchangeError?

    package internal(set) var isHolding = false
    var marks = (brought: 0, reached: 0)

    /// A transform of the chain, and what feeds it.
    enum Member {
        case local(SinkNode, TransformLink)
        case remote(TransformStage)
    }

    /// Begins the transforms in config order, then the provider. `transforms` is empty for a native attempt.
    package init(
        provider: ProviderInstance, transforms: [TransformInstance], request: PluginRequest,
        receiver: any EventReceiver, book: NoteBook, eventLoop: any EventLoop, watcher: any AttemptWatcher
    ) throws(ExchangeError) {
        self.provider = provider
        self.transforms = transforms
        self.request = request
        self.isNative = request.isNative
        self.book = book
        self.eventLoop = eventLoop
        self.watcher = watcher
        tag = RequestTag(request.exchangeID)
        tail = SinkNode(receiver: receiver, book: book)
        head = tail
        do {
            try beginRest()
        } catch {
            end(KIMI_WHY_FAILED)
            throw error
        }
    }

    deinit { end(KIMI_WHY_CANCELLED) }

    // MARK: State

    package var framing: PluginFraming { provider.framing }
    package var delivered: Int { tail.delivered }
    package var hasSubstance: Bool { tail.hasSubstance }
    package var isEmpty: Bool { tail.hasPlainFinish && !tail.hasSubstance }
    package var brought: Int { head.contentTaken }
    package var contentBytes: Int { tail.contentBytes }
    /// Are there calls without a reply?
    package var isBusy: Bool { outstanding > 0 }
    /// Is so much under way that no more shall come?
    package var isCongested: Bool { outstandingBytes > IsolationLimits.maxAttemptBytes }
    /// Shall `plan` be asked? After the attempt has begun, and when a step is known.
    package var mayPlan: Bool { phase == .planning && (planned != nil || (steps == 0 && !isPlanAsked)) }
    package var isFlushed: Bool { phase == .flushed }
    package var isNativeRefused: Bool { phase == .refused }

    /// The failure that replies have brought, once.
    package func takeFailure() -> ExchangeError? {
        defer { failure = nil }
        return failure
    }

    /// The provider's answer to the head, once.
    package func takeHeadAnswer() -> Bool? {
        defer { headAnswer = nil }
        return headAnswer
    }

    private var outstanding: Int { stages.reduce(0) { $0 + $1.outstanding } }
    private var outstandingBytes: Int { stages.reduce(0) { $0 + $1.outstandingBytes } }

    private var stages: [RemoteStage] {
        var all: [RemoteStage] = members.compactMap { if case .remote(let stage) = $0 { stage } else { nil } }
        if let stage { all.append(stage) }
        if let opening { all.append(opening) }
        return all
    }

    /// Ends the attempt; safe to call again.
    package func end(_ why: kimi_why) {
        guard phase != .ended else { return }
        phase = .ended
        if let exchange {
            provider.mark.call(PG_END, tag) { provider.table.pointee.end(exchange, why.rawValue) }
            provider.library.exchangeEnded()
        }
        stage?.end(why)
        opening?.end(why)
        for member in members {
            switch member {
            case .local(_, let link): link.end(why)
            case .remote(let stage): stage.end(why)
            }
        }
    }

    func fail(_ error: ExchangeError) -> ExchangeError {
        end(tail.isStopped ? KIMI_WHY_CANCELLED : KIMI_WHY_FAILED)  // S16
        return error
    }

    /// The first failure of a transform in this process.
    func localFailure() -> ExchangeError? {
        for case .local(let node, _) in members.reversed() {
            if let failure = node.failure { return failure }
        }
        return nil
    }

    /// Does everything that came lie with a transform? Known when nothing is under way.
    func weigh() {
        guard !isBusy, head.contentTaken != marks.brought else { return }
        isHolding = tail.contentTaken == marks.reached
        marks = (head.contentTaken, tail.contentTaken)
    }
}
