import CanonicalModel
import Dialects
import KimiHostCore
import NIOHTTP1
import PluginHost

/// What is counted and traced of one request, from its head to the last byte of its reply. Event loop only.
struct RequestObservation {
    private(set) var trace: RequestTrace?
    /// Nil: no request is under way.
    private var dialect: String?
    private var model: String?
    private var refusal: ExchangeError?
    private var headers = HTTPHeaders()
    /// Of the keys in `headers`; made when it is asked for.
    private var mask: SecretMask?

    mutating func begin(_ head: HTTPRequestHead, _ target: RequestTarget, _ requestID: String, _ loop: LoopContext) {
        let dialect = target.endpoint.native.name
        (self.dialect, model, refusal, headers, mask) = (dialect, nil, nil, head.headers, nil)
        trace = nil
        guard let tracer = loop.services.tracer else { return }
        let isTold = head.headers.contains(name: "traceparent")
        guard isTold || tracer.isRecording else { return }
        trace = tracer.begin(
            parents: isTold ? head.headers["traceparent"] : [], states: isTold ? head.headers["tracestate"] : [],
            &loop.ids)
        // A client may have put its key there.
        let isOwn = !head.headers.contains(name: "x-request-id")
        trace?.came(dialect, head.method.rawValue, requestID: isOwn ? requestID : SecretText.masked(masked(requestID)))
    }

    /// It is a model of the configuration.
    mutating func asked(_ model: String) { self.model = model }

    /// There is no exchange.
    mutating func refused(_ error: ExchangeError) {
        guard dialect != nil, refusal == nil else { return }
        refusal = error
        trace?.refused(error)
    }

    /// The reply is out, or nobody takes it any more. `status`: 0 when there was none.
    mutating func end(status: Int, _ services: LoopServices) {
        guard let dialect else { return }
        services.metrics.requestEnded(
            dialect: dialect, model: model, status: status,
            error: refusal.map { AttemptFailure.word($0.category) })
        trace?.finish(status: status)
        (self.dialect, trace, headers, mask) = (nil, nil, HTTPHeaders(), nil)
    }

    /// `text` with the keys hidden that the client showed.
    mutating func masked(_ text: String) -> String {
        let mask = mask ?? SecretMask(OfferedKeys.of(headers).map(String.init))
        self.mask = mask
        return mask.masked(text)
    }
}
