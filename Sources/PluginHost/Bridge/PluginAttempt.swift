internal import CPlatform
package import CanonicalModel
package import PluginABI
import WireJSON

/// How the host cuts an upstream's body before a provider sees it.
package typealias PluginFraming = PluginManifest.Frames

/// One request as plugins get it.
package struct PluginRequest: Sendable {
    /// Canonical request; transforms replace it. The client's own when native.
    package var json: [UInt8]
    package let model: String
    package let exchangeID: String
    package let dialect: String
    /// The same for all turns of one conversation; empty: not known.
    package let conversation: String
    package let wantsStream: Bool
    /// `json` is the client's own body, and the answer goes down as it comes (KIMI_REQUEST_NATIVE).
    package let isNative: Bool
    /// From 1.
    package let attempt: Int
    /// Unix milliseconds after which the host gives up; 0: never.
    package var deadlineMs: UInt64

    package init(
        json: [UInt8], model: String, exchangeID: String, dialect: String, conversation: String = "",
        wantsStream: Bool, isNative: Bool = false, attempt: Int, deadlineMs: UInt64 = 0
    ) {
        self.deadlineMs = deadlineMs
        self.json = json
        self.model = model
        self.exchangeID = exchangeID
        self.dialect = dialect
        self.conversation = conversation
        self.wantsStream = wantsStream
        self.isNative = isNative
        self.attempt = attempt
    }

    /// Calls `body` with the ABI's view, valid during the call only.
    func withABI<Result>(_ body: (UnsafePointer<kimi_request>) -> Result) -> Result {
        var model = model, id = exchangeID, dialect = dialect, conversation = conversation
        return json.withUnsafeBytes { json in
            model.withUTF8 { model in
                id.withUTF8 { id in
                    dialect.withUTF8 { dialect in
                        conversation.withUTF8 { conversation in
                            withUnsafePointer(to: request(json, model, id, dialect, conversation), body)
                        }
                    }
                }
            }
        }
    }

    private func request(
        _ json: UnsafeRawBufferPointer, _ model: UnsafeBufferPointer<UInt8>, _ id: UnsafeBufferPointer<UInt8>,
        _ dialect: UnsafeBufferPointer<UInt8>, _ conversation: UnsafeBufferPointer<UInt8>
    ) -> kimi_request {
        kimi_request(
            struct_size: UInt32(MemoryLayout<kimi_request>.size),
            flags: flags, json: kimi_bytes(json),
            model: kimi_bytes(UnsafeRawBufferPointer(model)), exchange_id: kimi_bytes(UnsafeRawBufferPointer(id)),
            dialect: kimi_bytes(UnsafeRawBufferPointer(dialect)),
            conversation: kimi_bytes(UnsafeRawBufferPointer(conversation)), attempt: UInt64(attempt),
            deadline_ms: deadlineMs)
    }

    var flags: UInt32 {
        (wantsStream ? KIMI_REQUEST_STREAM.rawValue : 0) | (isNative ? KIMI_REQUEST_NATIVE.rawValue : 0)
    }
}

/// One attempt: a provider's exchange and the transforms' exchanges, chained. Keeps the state rules S03 to S10 and
/// S14, so that callers cannot break them: after a failure or `end` every call throws or does nothing.
///
/// One event loop only. A call that throws has ended the attempt.
package final class PluginAttempt {
    private enum Phase { case planning, replying, flushed, ended }

    private let provider: ProviderInstance
    /// The request after all transforms.
    package private(set) var request: PluginRequest
    private let exchange: OpaquePointer
    private let head: SinkNode
    private let tail: SinkNode
    /// From the one next to the provider to the one next to the client.
    private let nodes: [SinkNode]
    private let links: [TransformLink]
    private let errors = ErrorRecord()
    /// Names the request should a plugin crash.
    private let tag: RequestTag
    private var phase = Phase.planning
    private var steps = 0
    /// Did the last feed that brought content let none of it through to the receiver? Then a transform holds it.
    package private(set) var isHolding = false

    /// Begins the transforms in config order, then the provider. Their notes go to `book`.
    package init(
        provider: ProviderInstance, transforms: [TransformInstance], request: PluginRequest,
        receiver: any EventReceiver, book: NoteBook
    ) throws(ExchangeError) {
        var request = request
        let tag = RequestTag(request.exchangeID)
        self.tag = tag
        let tail = SinkNode(receiver: receiver, book: book)
        var node = tail
        var nodes: [SinkNode] = []
        var links: [TransformLink] = []
        for transform in transforms {
            guard let exchange = try Self.begin(transform, &request, book, tag) else { continue }
            let link = TransformLink(instance: transform, exchange: exchange, next: node, tag: tag)
            node = SinkNode(transform: link, book: book)
            links.append(link)
            nodes.append(node)
        }
        node.isFed(by: provider.name)
        self.exchange = try Self.begin(provider, request, errors, tag)
        self.provider = provider
        self.request = request
        self.head = node
        self.tail = tail
        self.nodes = nodes.reversed()
        self.links = links
        provider.library.exchangeBegan()
    }

    /// Begins a provider with the client's own request. Transforms have no part in it.
    ///
    /// Nil when the provider will not serve this request natively (KIMI_E_UNSUPPORTED); `refusal` then says why.
    package init?(
        native provider: ProviderInstance, request: PluginRequest, receiver: any EventReceiver, book: NoteBook,
        refusal: inout ExchangeError?
    ) throws(ExchangeError) {
        let tag = RequestTag(request.exchangeID)
        self.tag = tag
        let tail = SinkNode(receiver: receiver, book: book)
        tail.isFed(by: provider.name)
        let begun = Self.status(ofBeginning: provider, request, errors, tag)
        guard begun.status != kimi_status(KIMI_E_UNSUPPORTED) else {
            refusal = errors.take(begun.status, plugin: provider.name, function: "begin")
            return nil
        }
        self.exchange = try Self.exchange(of: begun, provider, errors)
        self.provider = provider
        self.request = request
        self.head = tail
        self.tail = tail
        self.nodes = []
        self.links = []
        provider.library.exchangeBegan()
    }

    deinit {
        end(KIMI_WHY_CANCELLED)
    }

    package var framing: PluginFraming { provider.framing }

    /// Events that have reached the receiver.
    package var delivered: Int { tail.delivered }

    /// Has anything reached the receiver that a client would miss: text, thoughts, calls, parts?
    package var hasSubstance: Bool { tail.hasSubstance }

    /// Did the answer end as a whole one does, with nothing in it?
    package var isEmpty: Bool { tail.hasPlainFinish && !tail.hasSubstance }

    /// Bytes of text, thoughts and arguments that have reached the receiver.
    package var contentBytes: Int { tail.contentBytes }

    /// Events of content that the provider has brought, whatever transforms made of them.
    package var brought: Int { head.contentTaken }

    // MARK: Planning

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
        switch planned.body {
        case .none: return nil
        case .bytes(let bytes): return bytes
        case .request: return request.json
        case .patch(let patch):
            do {
                return try Self.merge(patch, into: request.json)
            } catch {
                throw fail(
                    ExchangeError(
                        KIMI_CAT_INTERNAL,
                        "plugin '\(provider.name)' gave a body patch that cannot be applied: \(error.message)"))
            }
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

    // MARK: The reply

    /// Feeds frames; events reach the receiver before this returns. True when the provider says the reply is done.
    package func feed(_ frames: UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) -> Bool {
        guard phase == .replying else { throw Self.misuse("feed") }
        let (brought, reached) = (head.contentTaken, tail.contentTaken)
        let status = provider.mark.call(PG_FEED, tag) {
            provider.table.pointee.feed(
                exchange, frames.baseAddress, frames.count, head.opaque, errors.opaque)
        }
        head.arena.removeAll()
        if head.contentTaken != brought { isHolding = tail.contentTaken == reached }
        if let failure = transformFailure() { throw fail(failure) }
        return try check(status, PG_FEED) == kimi_status(KIMI_DONE)
    }

    /// Asks the transforms to give up what they hold; the reply goes on (rule S10).
    package func releaseHeld() throws(ExchangeError) {
        guard phase == .replying else { return }
        isHolding = false
        for node in nodes {
            if node.flush(KIMI_WHY_TIMEOUT).isFailure { break }
        }
        if let failure = transformFailure() { throw fail(failure) }
    }

    /// The reply is over. Held events reach the receiver before this returns, also when it throws.
    package func flush(_ why: kimi_why) throws(ExchangeError) {
        guard phase == .replying else { return }
        phase = .flushed
        let status = provider.mark.call(PG_FLUSH, tag) {
            provider.table.pointee.flush(exchange, why.rawValue, head.opaque, errors.opaque)
        }
        head.arena.removeAll()
        for node in nodes {
            if node.flush(why).isFailure { break }
        }
        if let failure = transformFailure() { throw fail(failure) }
        try check(status, PG_FLUSH)
    }

    /// Ends the attempt; safe to call again.
    package func end(_ why: kimi_why) {
        guard phase != .ended else { return }
        phase = .ended
        provider.mark.call(PG_END, tag) { provider.table.pointee.end(exchange, why.rawValue) }
        provider.library.exchangeEnded()
        for link in links { link.end(why) }
    }

    // MARK: Inside

    @discardableResult
    private func check(_ status: kimi_status, _ function: pg_function) throws(ExchangeError) -> kimi_status {
        guard status.isFailure else {
            errors.clear()
            return status
        }
        throw fail(errors.take(status, provider.mark, plugin: provider.name, function))
    }

    private func fail(_ error: ExchangeError) -> ExchangeError {
        end(tail.isStopped ? KIMI_WHY_CANCELLED : KIMI_WHY_FAILED)  // S16
        return error
    }

    private func transformFailure() -> ExchangeError? {
        for node in nodes {
            if let failure = node.failure { return failure }
        }
        return nil
    }

    private func refuseHost(_ url: String) throws(ExchangeError) {
        if let refusal = provider.refusal(of: url) { throw fail(ExchangeError(KIMI_CAT_CONFIG, refusal)) }
    }

    private static func misuse(_ function: String) -> ExchangeError {
        ExchangeError(KIMI_CAT_INTERNAL, "the host called \(function) out of turn")
    }

    static func begin(
        _ provider: ProviderInstance, _ request: PluginRequest, _ errors: ErrorRecord, _ tag: RequestTag
    ) throws(ExchangeError) -> OpaquePointer {
        try exchange(of: status(ofBeginning: provider, request, errors, tag), provider, errors)
    }

    private static func status(
        ofBeginning provider: ProviderInstance, _ request: PluginRequest, _ errors: ErrorRecord, _ tag: RequestTag
    ) -> (status: kimi_status, exchange: OpaquePointer?) {
        var exchange: OpaquePointer?
        let status = request.withABI { request in
            provider.mark.call(PG_BEGIN, tag) {
                provider.table.pointee.begin(provider.instance, request, &exchange, errors.opaque)
            }
        }
        return (status, exchange)
    }

    private static func exchange(
        of begun: (status: kimi_status, exchange: OpaquePointer?), _ provider: ProviderInstance, _ errors: ErrorRecord
    ) throws(ExchangeError) -> OpaquePointer {
        if begun.status.isFailure { throw errors.take(begun.status, provider.mark, plugin: provider.name, PG_BEGIN) }
        guard let exchange = begun.exchange else {
            throw ExchangeError(KIMI_CAT_INTERNAL, "plugin '\(provider.name)' returned no exchange from begin")
        }
        return exchange
    }

    static func begin(
        _ transform: TransformInstance, _ request: inout PluginRequest, _ book: NoteBook, _ tag: RequestTag
    ) throws(ExchangeError) -> OpaquePointer? {
        let errors = ErrorRecord()
        let edit = RequestEditRecord(plugin: transform.name, book: book)
        var exchange: OpaquePointer?
        let status = request.withABI { request in
            transform.mark.call(PG_BEGIN, tag) {
                transform.table.pointee.begin(transform.instance, request, edit.opaque, &exchange, errors.opaque)
            }
        }
        if status.isFailure { throw errors.take(status, transform.mark, plugin: transform.name, PG_BEGIN) }
        do {
            try apply(edit, status, &request)
            edit.tell(status)
        } catch {
            if let exchange {
                transform.mark.call(PG_END, tag) { transform.table.pointee.end(exchange, KIMI_WHY_FAILED.rawValue) }
            }
            throw ExchangeError(
                KIMI_CAT_INTERNAL,
                "plugin '\(transform.name)' changed the request to something that is no JSON object: \(error.message)")
        }
        return exchange
    }

    static func apply(
        _ edit: RequestEditRecord, _ status: kimi_status, _ request: inout PluginRequest
    ) throws(JSONError) {
        guard status != kimi_status(KIMI_UNCHANGED), let how = edit.how else { return }
        guard how == KIMI_PUT_REPLACE else { return request.json = try merge(edit.data, into: request.json) }
        _ = try edit.data.withBytes { bytes throws(JSONError) in try JSONSpans.members(of: bytes) }
        request.json = edit.data
    }

    static func merge(_ patch: [UInt8], into json: [UInt8]) throws(JSONError) -> [UInt8] {
        try patch.withBytes { patch throws(JSONError) in
            try json.withBytes { json throws(JSONError) in try JSONEdit.mergePatch(patch, into: json) }
        }
    }
}
