package import CanonicalModel
import Dialects
import Logging
package import NIOCore
import PluginABI
import PluginHost
import Upstream
import WireJSON

/// One client request on its way: runs the plan of each attempt, moves bytes and events between upstream, plugins,
/// encoder and client, and ends the reply legally whatever happens.
///
/// Event loop only. Nothing here waits: each entry point does what can be done now and returns. What an attempt does is
/// in the extensions, by concern; their state is here.
package final class Exchange: UpstreamReceiver, Watched {
    /// Silence after which a stream gets a keep-alive; Claude Code calls a stream stalled after twenty seconds.
    static let keepAlivePause = TimeAmount.seconds(10)

    let services: LoopServices
    let source: any RequestSource
    /// What the log sees of it; nil: nothing.
    let tap: ExchangeTap?
    /// Its spans, and what goes up of the client's; nil: none.
    let trace: RequestTrace?
    private(set) weak var client: (any ExchangeClient)?

    // MARK: Attempts

    /// Where the attempts go.
    var planner: AttemptPlanner<RouteChoice>
    /// Where the one under way went.
    var choice: AttemptChoice
    var route: Route
    var key: RouteKey
    var attempt: (any AttemptCalls)?
    /// Of an attempt with plugins in other processes.
    var isolation = IsolatedState()
    /// Content that the provider had brought when this was last looked at.
    var broughtBefore = 0
    /// The next attempt is chosen and has not begun.
    var isPausing = false
    var attemptBegan: NIODeadline
    /// When the client's request was complete.
    let arrived: NIODeadline
    var measure: ExchangeMeasure
    /// Changes when an attempt is given up for another one: what was begun for it must not touch the next.
    var turn = 0
    /// From 1.
    private(set) var attemptNumber = 0
    /// Those that came to nothing.
    var failures: [FailedAttempt] = []
    /// Those that were begun again at the same place with another token.
    var tokenFailures: [FailedAttempt] = []
    /// What the client hears if nobody answers.
    var best: ToldError?
    /// Of the route under way, while the attempt is.
    var slot: RouteSlots?
    /// Waits for a route.
    var routeWait: RouteWait?
    /// Replies that broke off and go on.
    var resumption = ExchangeResumption()
    var charge = ExchangeCharge()
    /// The route of the attempt under way does not serve requests of this kind.
    var isUnserved = false
    /// Route and key have been told how the attempt ended.
    var isJudged = false

    // MARK: The attempt under way

    var encoder: (any ResponseEncoder)?
    /// The encoder of the attempt before: it can still end a stream that was begun.
    var spent: (any ResponseEncoder)?
    /// Set when the route ensures tool calls in this request.
    var enforcement: ExchangeEnforcement?
    /// The same as `encoder`, when the client's own dialect goes up and down.
    var native: NativeReply?
    /// Where such an answer stands; nil otherwise.
    var opening: NativeOpening?
    /// What the attempt cannot tell its upstream.
    var dropped: [DroppedField] = []
    var succeeded: (() -> Void)?
    var transfer: Transfer?
    var planned: PlannedRequest?
    var framing: BodyFraming?
    /// The tokens that this exchange waits for, or has used.
    var tokens = ExchangeTokens()
    var side: SideRequest?
    var ticker: LocalTicker?
    /// Bytes handled but not acknowledged, because the client does not read.
    var unacknowledged = 0
    var isProviderDone = false
    /// The upstream has begun a successful answer.
    var isAnswering = false
    /// The client's side has headers of this upstream's.
    var hasRelayed = false
    /// What the plugins did to this attempt.
    let book = NoteBook()

    // MARK: The client

    var reply = ReplyState()
    var clock: ExchangeClock
    var isReported = false
    var lastBuffered = 0
    var lastSent = NIODeadline.now()
    /// In the loop's watch; nil when not watched.
    package var watchPlace: Int?

    package init(
        services: LoopServices, routes: RouteChoice, source: any RequestSource, client: any ExchangeClient,
        tap: ExchangeTap? = nil, trace: RequestTrace? = nil, asked: String = "", arrived: NIODeadline = .now()
    ) {
        self.services = services
        self.tap = tap
        self.trace = trace
        self.arrived = arrived
        attemptBegan = .now()
        measure = ExchangeMeasure(asked: asked, dialect: source.dialect)
        var planner = AttemptPlanner(routes, routes.state.policy)
        let choice = planner.first(Self.milliseconds(.now()))
        self.planner = planner
        self.choice = choice
        let route = routes[choice.route]
        self.route = route
        self.key = route.keys[choice.key]
        self.source = source
        self.client = client
        self.clock = ExchangeClock(timeouts: route.timeouts, now: attemptBegan)
    }

    /// Starts the attempt. The client may be answered before this returns.
    package func start() {
        services.watch.add(self)
        services.metrics.exchangeBegan()
        planner.order.state.budget.exchangeBegan()
        proceed { (self) throws(ExchangeError) in
            guard try self.enterRoute() else { return }
            try self.begin()
            try self.step()
        }
    }

    /// Begins the attempt, natively if route and provider will have it so.
    func begin() throws(ExchangeError) {
        var refusal: ExchangeError?
        attemptNumber += 1
        tap?.attemptBegan(attemptNumber, route, book)
        trace?.attemptBegan(attemptNumber, route)
        (native, opening) = (nil, nil)
        (isolation, broughtBefore) = (IsolatedState(), 0)
        if let quarantine = route.quarantine { throw quarantine.error }
        if try beginFurther() { return }
        if route.speaks(source.dialect), let input = try source.native(on: route, attempt: attemptNumber) {
            let reply = NativeReply(
                input.dialect, requestID: source.requestID, isStreaming: input.request.wantsStream,
                maxBytes: route.maxResponseBytes)
            attempt = try makeNativeAttempt(bounded(input.request), reply, &refusal)
            if attempt != nil {
                (encoder, native) = (reply, reply)
                opening = NativeOpening(input.dialect)
                return
            }
        }
        try begin(after: refusal)
    }

    /// Begins the attempt with the canonical request. `refusal`: why it is not begun natively.
    func begin(after refusal: ExchangeError?) throws(ExchangeError) {
        switch try source.canonical(on: route, attempt: attemptNumber) {
        case .attempt(let input): try begin(input)
        case .reply(let body, let headers): answer(body, headers)
        case .none:
            isUnserved = true
            throw refusal ?? source.unserved(by: route)
        }
    }

    /// The request with the time at which it is given up.
    func bounded(_ request: PluginRequest) -> PluginRequest {
        var request = request
        request.deadlineMs = RouteTimeouts.deadline(after: clock.remainingMs(.now()))
        if client?.chargesTokens == true { charge.asked(request.json, source.dialect) }
        return request
    }

    private func begin(_ input: AttemptInput) throws(ExchangeError) {
        var input = input
        input.request = bounded(input.request)
        if resumption.prefill != nil {
            input.request.json = try prefilled(input.request.json)
            encoder = resumption.relay?.encoder
        } else {
            resumption.relay = nil
            encoder = input.encoder
            dropped = input.dropped
            succeeded = input.succeeded
        }
        for field in dropped { book.add(kind: "dropped", detail: "\(field.path): \(field.reason)") }
        guard let request = try enforce(input) else { return }
        attempt = try makeAttempt(request, enforcement?.reply ?? relay(for: encoder ?? input.encoder))
    }

    /// The client is gone: everything ends at once, upstream included.
    package func clientIsGone() {
        guard !reply.isOver else { return }
        _ = reply.completed()
        report(.cancelled)
        release(KIMI_WHY_CANCELLED)
    }

    /// The host ends, and waits no longer.
    package func hostEnds(_ error: ExchangeError) {
        guard !reply.isOver else { return }
        giveUp(ToldError(error, 0))
    }

    /// The client reads again.
    package func clientIsWritable() {
        acknowledge()
        ticker?.resume()
    }
}
