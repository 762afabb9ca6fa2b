package import CanonicalModel
import Dialects
import LogModel
import NIOCore
import PluginHost

/// The trace of one client request: one span for it, and one for each attempt at an upstream. Or, when nothing is
/// recorded, what the client told of its trace, carried on. Event loop only.
///
/// Spans hold names, numbers and times: never keys, headers, bodies, or words of an upstream's.
package final class RequestTrace {
    /// Attempts that get a span; further ones do not.
    static let maxAttempts = 32

    private let context: TraceContext
    private let spans: SpanQueue?
    private let propagates: Bool
    private let clock = SpanClock()
    private var random: FastRandom
    private var request: Span
    private var attempts: [Span] = []
    private var isAttempting = false
    private var attemptNumber = 0
    private var operation = "chat"
    private var asked = ""
    private var firstToken: NIODeadline?
    private let began = NIODeadline.now()

    /// Nothing is recorded; upstreams get what the client sent.
    init(carrying client: TraceContext) {
        (context, spans, propagates, random) = (client, nil, true, FastRandom(seed: 0))
        request = Span(context: client, name: "", kind: .server, began: 0, ended: 0)
    }

    init(_ context: TraceContext, parent: UInt64, seed: UInt64, propagates: Bool, to spans: SpanQueue) {
        (self.context, self.spans, self.propagates) = (context, spans, propagates)
        random = FastRandom(seed: seed)
        request = Span(
            context: context, parent: parent, isParentRemote: parent != 0, name: "", kind: .server, began: 0, ended: 0)
    }

    /// Those that the conventions know; others are told as `_OTHER`.
    private static let methods: Set<String> = [
        "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE",
    ]

    private var isRecording: Bool { spans != nil }

    // MARK: The request

    /// `requestID`: without what a client hides in it.
    package func came(_ dialect: String, _ method: String, requestID: String) {
        guard isRecording else { return }
        operation = MetricLabels.operation(ofDialect: dialect)
        request.set("gen_ai.operation.name", operation)
        request.set("kimi.dialect", dialect)
        request.set("kimi.request.id", requestID)
        request.set("http.request.method", Self.methods.contains(method) ? method : "_OTHER")
    }

    /// Which model, by the client's name; it is one of the configuration's.
    package func asked(_ model: String) {
        guard isRecording else { return }
        asked = model
        request.set("gen_ai.request.model", model)
    }

    /// The client gets content.
    func contentBegan(_ now: NIODeadline) {
        guard isRecording, firstToken == nil else { return }
        firstToken = now
        let event = Span.Event(name: "first_token", time: clock.time(now))
        request.events.append(event)
        if isAttempting { attempts[attempts.count - 1].events.append(event) }
    }

    func ended(
        _ outcome: HostMetrics.Outcome, _ error: ExchangeError?, _ row: ExchangeRow, _ usage: UsageNote, isStream: Bool
    ) {
        guard isRecording else { return }
        if outcome != .failed { attemptEnded(.now(), error: outcome == .cancelled ? outcome.rawValue : "") }
        request.set("gen_ai.provider.name", MetricLabels.conventional(row.provider))
        request.set("gen_ai.response.model", row.model)
        request.set("gen_ai.request.stream", .flag(isStream))
        request.setUsage(row.tokens, usage)
        if let firstToken {
            request.set("gen_ai.response.time_to_first_chunk", .double(Double((firstToken - began).nanoseconds) / 1e9))
        }
        if let cost = ExchangeRecord.Usage(row.tokens, usage).countedCost { request.set("kimi.cost", .double(cost)) }
        request.set("kimi.attempts", Int64(attemptNumber))
        if let error { fail(AttemptFailure.word(error.category)) }
        if outcome == .cancelled { fail(outcome.rawValue) }
    }

    /// The request was refused before there was an exchange.
    package func refused(_ error: ExchangeError) {
        if isRecording { fail(AttemptFailure.word(error.category)) }
    }

    private func fail(_ category: String) {
        guard !request.attributes.contains(where: { $0.key.description == "error.type" }) else { return }
        request.set("error.type", category)
        // A client's own mistake, or its hanging up, is no error of the server's.
        request.isError = !["bad_request", "not_found", "permission", "auth", "cancelled"].contains(category)
    }

    /// The reply is out, or nobody takes it any more. Status 0: there was none.
    package func finish(status: Int) {
        guard let spans else { return }
        let now = NIODeadline.now()
        attemptEnded(now, error: "cancelled")
        request.began = clock.time(began)
        request.ended = clock.time(now)
        request.name = asked.isEmpty ? operation : "\(operation) \(asked)"
        if status > 0 { request.set("http.response.status_code", Int64(status)) } else { fail("cancelled") }
        if status >= 500 { request.isError = true }
        spans.submit([request] + attempts)
    }

    // MARK: Attempts

    func attemptBegan(_ number: Int, _ route: Route) {
        guard isRecording else { return }
        let now = NIODeadline.now()
        attemptEnded(now, error: "")
        attemptNumber = number
        guard attempts.count < Self.maxAttempts else { return }
        var own = context
        own.spanID = Tracer.id(&random)
        var span = Span(
            context: own, parent: context.spanID, name: "\(operation) \(route.upstreamModel)", kind: .client,
            began: clock.time(now), ended: 0)
        span.set("gen_ai.operation.name", operation)
        span.set("gen_ai.provider.name", MetricLabels.conventional(route.providerName))
        span.set("gen_ai.request.model", route.upstreamModel)
        span.set("kimi.attempt", Int64(number))
        attempts.append(span)
        isAttempting = true
    }

    /// The host answers by itself: what has begun is no attempt.
    func nobodyAsked() {
        guard isAttempting else { return }
        isAttempting = false
        attemptNumber -= 1
        attempts.removeLast()
    }

    /// Tells the upstream of the trace, unless the plugin does, and notes where the request goes.
    func sends(_ planned: inout PlannedRequest) {
        if isAttempting {
            let server = ServerAddress(planned.url)
            attempts[attempts.count - 1].set("server.address", server.host)
            attempts[attempts.count - 1].set("server.port", server.port)
            attempts[attempts.count - 1].set("gen_ai.request.stream", .flag(planned.isStream))
        }
        guard propagates, !planned.headers.contains(where: { $0.name.lowercased() == "traceparent" }) else { return }
        let told = isAttempting ? attempts[attempts.count - 1].context : context
        planned.headers.append((name: "traceparent", value: told.header))
        if !told.state.isEmpty { planned.headers.append((name: "tracestate", value: told.state)) }
    }

    func received(_ status: Int) {
        guard isAttempting else { return }
        attempts[attempts.count - 1].set("http.response.status_code", Int64(status))
    }

    /// `error`: a category; empty: the answer was whole.
    func attemptEnded(_ now: NIODeadline, error: String) {
        guard isAttempting else { return }
        isAttempting = false
        attempts[attempts.count - 1].ended = clock.time(now)
        attempts[attempts.count - 1].set("error.type", error)
        attempts[attempts.count - 1].isError = !error.isEmpty && error != "cancelled"
    }
}
