import CanonicalModel
import Dialects
import KimiHostCore
import WireJSON

/// POST /v1/responses.
final class ResponsesSource: BodySource, ClientSource {
    private let history: FetchedHistory
    private let options: ResponsesOptions
    private let maxBytes: Int
    private let archive: ResponseArchive
    private var decoded: ResponsesRequest?

    init(
        _ request: ClientRequest, _ loop: LoopContext, _ history: FetchedHistory, _ runtime: HostRuntime,
        _ archive: ResponseArchive
    ) {
        self.history = history
        self.options = ResponsesOptions(hosted: runtime.hostedTools == .refuse ? .refuse : .strip)
        self.maxBytes = runtime.limits.maxResponseBytes
        self.archive = archive
        super.init(request, loop)
    }

    var dialect: String { NativeDialect.responses.name }

    func model(mayBeNative: Bool) throws(ExchangeError) -> String {
        guard mayBeNative else { return try decode().request.model }
        return try peek().model
    }

    func check(for route: Route) throws(ExchangeError) {
        if !route.speaks(dialect) || isOurs { _ = try decode() }
    }

    /// A conversation whose earlier turns are stored here means nothing to an upstream.
    private var isOurs: Bool {
        if case .found = history { return true }
        return false
    }

    func native(on route: Route, attempt: Int) throws(ExchangeError) -> NativeInput? {
        if isOurs { return nil }
        return try native(.responses, try peek(), on: route, attempt: attempt)
    }

    func canonical(on route: Route, attempt: Int) throws(ExchangeError) -> CanonicalForm {
        let decoded = try decode()
        let json = try decoded.request.json.withBytes { bytes throws(ExchangeError) in
            try Self.named(route.upstreamModel, decoded.request.model, bytes)
        }
        let id = ResponseIDs.response(requestID)
        let encoder = ResponsesEncoder(
            decoded.context, responseID: id, isStreaming: decoded.request.wantsStream, createdAt: UnixTime.now,
            maxBytes: maxBytes)
        encoder.keepsResponse = decoded.store
        let request = plugin(
            json, .responses, try conversation(decoded.request.json), wantsStream: decoded.request.wantsStream,
            on: route, attempt: attempt)
        return .attempt(
            AttemptInput(
                request: request, encoder: encoder, dropped: decoded.request.dropped,
                succeeded: decoded.store ? keep(encoder, id, items: decoded.items) : nil))
    }

    override func forget() {
        decoded = nil
        super.forget()
    }

    private func keep(_ encoder: ResponsesEncoder, _ id: String, items: [UInt8]) -> () -> Void {
        { [archive] in archive.put(id, StoredResponse(response: encoder.response, items: items).record) }
    }

    private func decode() throws(ExchangeError) -> ResponsesRequest {
        if let decoded { return decoded }
        let earlier: ResponsesHistory
        switch history {
        case .none: earlier = ResponsesHistory()
        case .found(let history): earlier = history
        case .missing(let error): throw error
        }
        let decoded = try read { bytes, _ throws(ExchangeError) in
            try ResponsesDecoder(options: options).decode(bytes, parser: loop.parser, history: earlier)
        }
        self.decoded = decoded
        return decoded
    }
}
