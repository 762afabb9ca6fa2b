package import CanonicalModel
import Dialects
import Logging
package import NIOCore
import PluginABI
import PluginHost
package import Upstream
import WireJSON

/// One client request on its way: runs the plan of one attempt, moves bytes and events between upstream, plugins,
/// encoder and client, and ends the reply legally whatever happens.
///
/// Event loop only. Nothing here waits: each entry point does what can be done now and returns.
package final class Exchange: UpstreamReceiver, Watched {
    /// Silence after which a stream gets a keep-alive; Claude Code calls a stream stalled after twenty seconds.
    private static let keepAlivePause = TimeAmount.seconds(10)

    let services: LoopServices
    let route: Route
    /// The route's key that the attempt under way uses.
    private(set) var key: RouteKey
    private let source: any RequestSource
    private weak var client: (any ExchangeClient)?

    var attempt: PluginAttempt?
    /// From 1.
    private var attemptNumber = 0
    private var encoder: (any ResponseEncoder)?
    /// The same as `encoder`, when the client's own dialect goes up and down.
    private var native: NativeReply?
    /// What the attempt cannot tell its upstream.
    private var dropped: [DroppedField] = []
    private var succeeded: (() -> Void)?
    var transfer: Transfer?
    private var planned: PlannedRequest?
    private var framing: BodyFraming?
    private(set) var reply = ReplyState()
    /// The tokens that this exchange waits for, or has used.
    var tokens = ExchangeTokens()
    private var side: SideRequest?
    private var ticker: LocalTicker?
    /// Bytes handled but not acknowledged, because the client does not read.
    private var unacknowledged = 0
    private var lastBuffered = 0
    var clock: ExchangeClock
    private var isProviderDone = false
    /// What the plugins did to this exchange.
    let book = NoteBook()
    private var isReported = false
    /// The upstream has begun a successful answer.
    private var isAnswering = false
    private var lastSent = NIODeadline.now()
    /// In the loop's watch; nil when not watched.
    package var watchPlace: Int?

    package init(
        services: LoopServices, route: Route, source: any RequestSource, client: any ExchangeClient
    ) {
        self.services = services
        self.route = route
        self.key = route.nextKey()
        self.source = source
        self.client = client
        self.clock = ExchangeClock(timeouts: route.timeouts)
    }

    // MARK: From the client

    /// Starts the attempt. The client may be answered before this returns.
    package func start() {
        services.watch.add(self)
        services.metrics.exchangeBegan()
        do {
            try begin()
            try step()
        } catch {
            fail(encoder?.failure ?? error)
        }
    }

    /// Begins the attempt, natively if route and provider will have it so.
    func begin() throws(ExchangeError) {
        var refusal: ExchangeError?
        attemptNumber += 1
        native = nil
        if route.speaks(source.dialect), let input = try source.native(on: route, attempt: attemptNumber) {
            let reply = NativeReply(
                input.dialect, requestID: source.requestID, isStreaming: input.request.wantsStream,
                maxBytes: route.maxResponseBytes)
            attempt = try PluginAttempt(
                native: key.provider, request: input.request, receiver: reply, book: book, refusal: &refusal)
            if attempt != nil {
                (encoder, native) = (reply, reply)
                return
            }
        }
        switch try source.canonical(on: route, attempt: attemptNumber) {
        case .attempt(let input): try begin(input)
        case .reply(let body, let headers): answer(body, headers)
        case .none: throw refusal ?? source.unserved(by: route)
        }
    }

    private func begin(_ input: AttemptInput) throws(ExchangeError) {
        encoder = input.encoder
        dropped = input.dropped
        succeeded = input.succeeded
        for field in dropped { book.add(kind: "dropped", detail: "\(field.path): \(field.reason)") }
        attempt = try PluginAttempt(
            provider: key.provider, transforms: route.transforms, request: input.request, receiver: input.encoder,
            book: book)
    }

    /// The host answers by itself.
    private func answer(_ body: ByteWriter, _ headers: [(name: String, value: String)]) {
        guard let client, reply.completed() else { return }
        client.exchangeReceived(headers: headers)
        report(.ok)
        client.exchangeReplied(body)
        client.exchangeFlushed()
        release(KIMI_WHY_END)
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
        fail(error)
    }

    /// The client reads again.
    package func clientIsWritable() {
        acknowledge()
        ticker?.resume()
    }

    /// Called about four times a second.
    package func checkClock(_ now: NIODeadline) {
        noticeReading(now)
        if let overdue = clock.overdue(now) {
            if reply.isOver { return release(KIMI_WHY_END) }
            expire(overdue)
        } else if clock.isErrorBodyLate(now) {
            proceed { (self) throws(ExchangeError) in try self.cutErrorBody() }
        } else if clock.mustRelease(now) {
            proceed { (self) throws(ExchangeError) in try self.attempt?.releaseHeld() }
        }
        keepAwake(now)
    }

    /// Clients give silent streams up. Only while the upstream itself is connected and has begun to answer: a dead one
    /// must look dead.
    private func keepAwake(_ now: NIODeadline) {
        guard isAnswering, transfer != nil, let encoder, encoder.isStreaming, !reply.isOver, let client,
            client.isWritable, now - lastSent >= Self.keepAlivePause
        else { return }
        encoder.output.append(client.keepAlive)
        pump()
    }

    /// A client that takes bytes, however slowly, is no idle one.
    private func noticeReading(_ now: NIODeadline) {
        let buffered = client?.bufferedBytes ?? 0
        if buffered < lastBuffered { clock.heard(now) }
        lastBuffered = buffered
    }

    /// A wait has lasted too long. If it is the client who does not read, nothing more can be told to it.
    private func expire(_ error: ExchangeError) {
        guard let client, !client.isWritable else { return fail(error) }
        report(.failed, error)
        if reply.completed() { client.exchangeAbandoned() }
        release(KIMI_WHY_FAILED)
    }

    // MARK: Plan

    func step() throws(ExchangeError) {
        while let attempt {
            switch try attempt.next() {
            case .send(let planned):
                clock.sent()
                transfer = try send(planned, receiver: self)
                attempt.forgetRequest()
                var sent = planned
                sent.body = .none  // It is the transfer's now.
                return self.planned = sent
            case .http(let planned):
                let side = SideRequest(
                    id: planned.id, target: UpstreamTarget.text(planned.url),
                    heard: { [weak self] in self?.clock.heard() },
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
                    _ = try attempt.result(result)
                }
            case .grant:  // Refused when it is planned.
                throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(key.provider.name)' granted a token to nobody")
            }
        }
    }

    private func send(_ planned: PlannedRequest, receiver: any UpstreamReceiver) throws(ExchangeError) -> Transfer? {
        let body = try attempt?.body(planned)
        let request = UpstreamRequest(
            method: planned.method, url: planned.url, headers: planned.headers, body: body,
            connectTimeoutMs: route.timeouts.connect)
        return services.reactor.start(request, receiver: receiver)
    }

    private func wait(_ id: UInt32, _ milliseconds: Int) {
        clock.waiting(milliseconds)
        services.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(Int64(milliseconds))) { [weak self] in
            self?.proceed { (self) throws(ExchangeError) in
                var result = kimi_result()
                result.kind = KIMI_STEP_WAIT.rawValue
                result.id = id
                _ = try self.attempt?.result(result)
                try self.step()
            }
        }
    }

    private func sideFinished(_ side: SideRequest) {
        transfer = nil
        self.side = nil
        proceed { (self) throws(ExchangeError) in
            try side.withResult { result throws(ExchangeError) in _ = try self.attempt?.result(result) }
            try self.step()
        }
    }

    // MARK: Upstream

    package func received(_ delivery: UpstreamDelivery) {
        clock.heard()
        if reply.isOver { return drain(delivery) }
        if let head = delivery.head, forgetToken(refusedBy: head) { return beginAgain() }
        if delivery.end != nil { transfer = nil }
        proceed { (self) throws(ExchangeError) in
            if let head = delivery.head { try self.receivedHead(head) }
            if !delivery.body.isEmpty { try self.receivedBody(delivery.body) }
            if let end = delivery.end { try self.receivedEnd(end) }
        }
        unacknowledged += delivery.body.count
        acknowledge()
    }

    private func receivedHead(_ head: UpstreamHead) throws(ExchangeError) {
        guard let attempt, let planned else { return }
        source.forget()  // Nothing is begun again any more.
        try head.requireUncompressed()
        let wantsWhole = try UpstreamResult.with(head, id: planned.id) { result throws(ExchangeError) in
            try attempt.result(result)
        }
        let framing = BodyFraming(
            framing: attempt.framing, head: head, isStream: planned.isStream, wantsWhole: wantsWhole,
            maxWholeBytes: route.maxResponseBytes)
        self.framing = framing
        if head.status >= 400 { clock.gotErrorHead() } else { isAnswering = true }
        native?.began(status: head.status, isEvents: framing.isEvents || head.hasMediaType("text/event-stream"))
        let headers = RelayedHeaders.of(head)
        if !headers.isEmpty { client?.exchangeReceived(headers: headers) }
    }

    private func receivedBody(_ body: [UInt8]) throws(ExchangeError) {
        guard !isProviderDone else { return }
        native?.stage(body)
        try framing?.push(body) { frames throws(ExchangeError) in try self.feed(frames) }
        native?.commit()
        if framing?.isCut == true { return try cutErrorBody() }
        if isProviderDone { try finish() }
    }

    /// An error's body is long enough, or late: what has come of it must do.
    private func cutErrorBody() throws(ExchangeError) {
        guard !isProviderDone else { return }
        framing?.cut()
        try finishBody()
        try finish()
    }

    private func finishBody() throws(ExchangeError) {
        try framing?.finish { frames throws(ExchangeError) in try self.feed(frames) }
    }

    private func receivedEnd(_ end: UpstreamEnd) throws(ExchangeError) {
        guard !isProviderDone else { return }
        switch end {
        case .complete:
            try finishBody()
            try finish()
        case .failed(let error):
            guard let framing else { throw ExchangeError(error, provider: key.provider.name) }
            if framing.isErrorBody { return try cutErrorBody() }
            // The provider may know that the answer was complete all the same; held text is given up either way.
            try attempt?.flush(KIMI_WHY_TRUNCATED)
            try complete()
        }
    }

    private func feed(_ frames: UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) {
        guard let attempt, !isProviderDone else { return }
        let isDone = try attempt.feed(frames)
        clock.held(attempt.isHolding)
        if let failure = encoder?.failure { throw failure }
        isProviderDone = isDone
    }

    private func finish() throws(ExchangeError) {
        isProviderDone = true
        try attempt?.flush(KIMI_WHY_END)
        try complete()
    }

    /// After the reply is over: what still comes is thrown away, so that the connection can be used again.
    private func drain(_ delivery: UpstreamDelivery) {
        transfer?.consumed(delivery.body.count)
        if delivery.end != nil {
            transfer = nil
            release(KIMI_WHY_END)
        }
    }

    // MARK: Local replies

    private func startTicker(_ milliseconds: Int) {
        clock.heard()
        let ticker = LocalTicker(eventLoop: services.eventLoop, milliseconds: milliseconds) { [weak self] in
            self?.tick() ?? .pause
        }
        self.ticker = ticker
        ticker.start()
    }

    /// One tick of a provider that answers by itself, unless the client does not read.
    private func tick() -> LocalTicker.Outcome {
        guard !reply.isOver, let client, client.isWritable else { return .pause }
        let delivered = attempt?.delivered
        proceed { (self) throws(ExchangeError) in
            var frame = kimi_frame()
            frame.kind = KIMI_FRAME_TICK.rawValue
            try withUnsafePointer(to: frame) { pointer throws(ExchangeError) in
                try self.feed(UnsafeBufferPointer(start: pointer, count: 1))
            }
            if self.isProviderDone { try self.finish() }
        }
        guard !reply.isOver else { return .pause }
        // A tick that brings nothing is no sign of life: timeouts.idle ends a provider that never goes on.
        guard attempt?.delivered != delivered else { return .silent }
        clock.heard()
        return .brought
    }

    // MARK: To the client

    /// Does `body`, then hands over what it brought, once.
    func proceed(_ body: (Exchange) throws(ExchangeError) -> Void) {
        guard !reply.isOver else { return }
        do throws(ExchangeError) {
            try body(self)
            if let failure = encoder?.failure { throw failure }
            pump()
        } catch {
            // What the encoder found is the cause; a plugin that was told to stop reports the consequence.
            fail(encoder?.failure ?? error)
        }
    }

    private func pump() {
        guard let encoder, encoder.isStreaming, encoder.output.count > 0, let client else { return }
        if reply.streamed() { beginStream(client) }
        client.exchangeStreamed(encoder.output)
        encoder.output.removeAll(keepingCapacity: true)
        client.exchangeFlushed()
        lastSent = .now()
    }

    private func beginStream(_ client: any ExchangeClient) {
        source.forget()
        client.exchangeDropped(allDropped)
        client.exchangeBeganStream()
    }

    /// What the client's request lost on its way: to the canonical form, and in plugins.
    private var allDropped: [DroppedField] { dropped + book.droppedByPlugins.map(DroppedField.init(detail:)) }

    private func complete() throws(ExchangeError) {
        guard let encoder else { return }
        if let failure = encoder.failure { throw failure }
        try encoder.complete()
        guard let client else { return }
        if encoder.isStreaming {
            if reply.streamed() { beginStream(client) }
            client.exchangeStreamed(encoder.output)
            encoder.output.removeAll(keepingCapacity: false)
        }
        guard reply.completed() else { return }
        report(.ok)
        succeeded?()  // Before the client can know: its next request may build on this one.
        if encoder.isStreaming {
            client.exchangeEndedStream(failed: false)
        } else {
            client.exchangeDropped(allDropped)
            client.exchangeReplied(encoder.output)
        }
        client.exchangeFlushed()
        settle()
    }

    private func fail(_ error: ExchangeError) {
        var error = error
        error.message = route.masked(error.message)
        report(.failed, error)
        switch reply.failed() {
        case .none: break
        case .errorResponse:
            client?.exchangeDropped(allDropped)
            client?.exchangeFailed(error, refusal: nativeRefusal)
            client?.exchangeFlushed()
        case .errorEvent:
            if let encoder {
                encoder.abort(error)
                client?.exchangeStreamed(encoder.output)
            }
            client?.exchangeEndedStream(failed: true)
            client?.exchangeFlushed()
        }
        release(KIMI_WHY_FAILED)
    }

    /// The upstream's own words against a request that went up as it was.
    private var nativeRefusal: NativeRefusal? {
        native?.refusal.map { refusal in
            let text = route.masked(String(decoding: refusal.body, as: UTF8.self))
            return NativeRefusal(status: refusal.status, body: Array(text.utf8))
        }
    }

    // MARK: Ending

    /// Counts the exchange and writes its line, once.
    private func report(_ outcome: HostMetrics.Outcome, _ error: ExchangeError? = nil) {
        guard !isReported else { return }
        isReported = true
        for repair in encoder?.repairs.entries ?? [] {
            book.add(kind: repair.kind.rawValue, detail: repair.detail, count: repair.count)
        }
        let row = ExchangeRow(
            requestID: source.requestID, model: route.upstreamModel, provider: route.providerName,
            milliseconds: clock.elapsedMs(), outcome: outcome, error: error, notes: book.notes,
            tokens: encoder?.tokens ?? TokenCounts(), client: client?.clientName ?? "")
        services.metrics.exchangeEnded(
            model: row.model, provider: row.provider, outcome, notes: row.notes)
        client?.exchangeUsed(tokens: book.tokens)
        row.write(to: services.logger, masking: route.masked)
    }

    private func acknowledge() {
        guard unacknowledged > 0, client?.isWritable ?? true else { return }
        transfer?.consumed(unacknowledged)
        unacknowledged = 0
        clock.heard()
    }

    /// The client has its reply. A transfer whose last bytes are still to come gets a moment, so that its connection
    /// is kept.
    private func settle() {
        attempt?.end(KIMI_WHY_END)
        attempt = nil
        if transfer == nil {
            release(KIMI_WHY_END)
        } else {
            clock.settling()
        }
    }

    private func release(_ why: kimi_why) {
        attempt?.end(why)
        attempt = nil
        transfer?.cancel()
        transfer = nil
        side = nil
        tokens.wait?.cancel()
        tokens.wait = nil
        ticker?.stop()
        ticker = nil
        services.watch.remove(self)
        source.forget()
    }
}
