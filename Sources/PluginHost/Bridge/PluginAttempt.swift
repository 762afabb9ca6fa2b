internal import CPlatform
package import CanonicalModel
package import PluginABI

/// One attempt: a provider's exchange and the transforms' exchanges, chained. Keeps the state rules S03 to S10 and
/// S14, so that callers cannot break them: after a failure or `end` every call throws or does nothing.
///
/// One event loop only. A call that throws has ended the attempt.
package final class PluginAttempt {
    enum Phase { case planning, replying, flushed, ended }

    let provider: ProviderInstance
    /// The request after all transforms.
    package internal(set) var request: PluginRequest
    let exchange: OpaquePointer
    private let head: SinkNode
    private let tail: SinkNode
    /// From the one next to the provider to the one next to the client.
    private let nodes: [SinkNode]
    private let links: [TransformLink]
    let errors = ErrorRecord()
    /// Names the request should a plugin crash.
    let tag: RequestTag
    var phase = Phase.planning
    var steps = 0
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
    func check(_ status: kimi_status, _ function: pg_function) throws(ExchangeError) -> kimi_status {
        guard status.isFailure else {
            errors.clear()
            return status
        }
        throw fail(errors.take(status, provider.mark, plugin: provider.name, function))
    }

    func fail(_ error: ExchangeError) -> ExchangeError {
        end(tail.isStopped ? KIMI_WHY_CANCELLED : KIMI_WHY_FAILED)  // S16
        return error
    }

    private func transformFailure() -> ExchangeError? {
        for node in nodes {
            if let failure = node.failure { return failure }
        }
        return nil
    }

    static func misuse(_ function: String) -> ExchangeError {
        ExchangeError(KIMI_CAT_INTERNAL, "the host called \(function) out of turn")
    }
}
