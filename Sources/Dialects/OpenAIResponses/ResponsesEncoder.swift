package import CanonicalModel
package import PluginABI
package import WireJSON

/// Canonical events as a response: server-sent events, or one object. One item is open at a time.
package final class ResponsesEncoder: ResponseEncoder {
    package let output = ByteWriter(capacity: 4096)
    package private(set) var failure: ExchangeError?
    package var isComplete: Bool { gate.isComplete }
    package let isStreaming: Bool
    package let repairs = Repairs()
    package var tokens: TokenCounts { gate.usage }

    let context: ResponsesContext
    let events: ResponseEvents
    var object: ResponseObject
    /// Finished items.
    var items = ListWriter()
    var current = Item.none
    /// Reasoning's companions that came while another item was open.
    var pending = ReasoningPayload()
    private var gate: EventGate
    /// What came while a call was open.
    var deferred: HeldEvents
    private let suffix: String
    private var nextIndex = 0
    private var hasStarted = false
    private var hasEnded = false
    private var incompleteReason: StaticString?
    private var size = 0
    private let maxBytes: Int

    /// The item being written.
    enum Item {
        case none
        case message(MessageOutput)
        case reasoning(ReasoningOutput)
        case call(CallOutput)
    }

    /// - Parameters:
    ///   - responseID: the host's id of the response, from `ResponseIDs.response`.
    ///   - createdAt: unix seconds, for upstreams that do not tell.
    ///   - maxBytes: of text, reasoning and arguments together; more fails the reply.
    package init(
        _ context: ResponsesContext, responseID: String, isStreaming: Bool, createdAt: Int64 = 0,
        maxBytes: Int = 64 << 20
    ) {
        self.context = context
        self.isStreaming = isStreaming
        self.maxBytes = maxBytes
        gate = EventGate(repairs, isSingle: true)
        deferred = HeldEvents(maxBytes: maxBytes)
        suffix = responseID.hasPrefix("resp_") ? String(responseID.dropFirst(5)) : responseID
        events = ResponseEvents(output, isOn: isStreaming)
        object = ResponseObject(id: responseID, context)
        object.created = createdAt
    }

    package func receive(_ batch: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in batch {
            guard failure == nil else { return kimi_status(KIMI_STOP) }
            if let problem = problem(event) ?? gate.take(event, encode) { failure = problem }
        }
        if failure != nil { return kimi_status(KIMI_STOP) }
        return kimi_status(KIMI_OK)
    }

    package func complete() throws(ExchangeError) {
        guard isComplete, !hasEnded else { throw ChatReply.incomplete }
        if let problem = gate.end(encode) {
            failure = problem
            throw problem
        }
        if let incompleteReason {
            end(.incomplete(reason: incompleteReason), "response.incomplete")
        } else {
            end(.completed, "response.completed")
        }
    }

    package func abort(_ error: ExchangeError) {
        guard isStreaming, !hasEnded else { return }
        begin()
        events.write("error") { ResponsesErrors.writeEvent(error, to: $0) }
        end(.failed(error), "response.failed")
    }

    /// What is to be stored of the reply, once it is complete: the response object.
    package private(set) var response: [UInt8] = []
    /// Set it before the reply is complete, to have `response` filled.
    package var keepsResponse = false

    private func end(_ state: ResponseObject.State, _ type: StaticString) {
        hasEnded = true
        let text = ByteWriter(capacity: items.out.count + context.echo.count + context.longEcho.count + 1024)
        object.write(state, items, to: text)
        if keepsResponse { response = text.bytes }
        if !isStreaming { return output.append(text) }
        events.write(type) { out in
            out.append(#","response":"#)
            out.append(text)
        }
    }

    // MARK: Events

    private func problem(_ event: CanonicalEvent) -> ExchangeError? {
        size += event.a.len + event.c.len
        guard size <= maxBytes else {
            return ExchangeError(
                KIMI_CAT_PROTOCOL, "the upstream's answer is longer than \(maxBytes) bytes",
                code: "upstream_invalid_response")
        }
        return nil
    }

    func encode(_ event: CanonicalEvent) {
        if isCallOpen, mustWait(event) {
            if !deferred.add(event) { drop("what came inside a tool call", "there was too much of it") }
            return
        }
        closeEndedCall(before: event)
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START: start(event)
        case KIMI_EVENT_TEXT: text(event.a)
        case KIMI_EVENT_REASONING: reasoning(event.a, signature: event.b)
        case KIMI_EVENT_TOOL_BEGIN: beginCall(event)
        case KIMI_EVENT_TOOL_ARGS: arguments(event.a)
        case KIMI_EVENT_TOOL_END: endCall()
        case KIMI_EVENT_PART: if let reason = addPart(event.a) { drop("part", reason) }
        case KIMI_EVENT_JSON: if let reason = addMember(event) { drop(LogText.oneLine(event.b.text), reason) }
        case KIMI_EVENT_USAGE: object.setUsage(event)
        case KIMI_EVENT_FINISH: finish(event)
        case KIMI_EVENT_ERROR: failure = ExchangeError(event)
        default: break  // Unknown types are skipped by rule.
        }
    }

    private func start(_ event: CanonicalEvent) {
        if event.i0 > 0 { object.created = event.i0 }
        object.model = Array(event.b.buffer)
        begin()
    }

    private func begin() {
        guard !hasStarted else { return }
        hasStarted = true
        for type: StaticString in ["response.created", "response.in_progress"] {
            events.write(type) { out in
                out.append(#","response":"#)
                object.write(.inProgress, ListWriter(), to: out)
            }
        }
    }

    private func finish(_ event: CanonicalEvent) {
        switch event.a.text {
        case "length": incompleteReason = "max_output_tokens"
        case "content_filter": incompleteReason = "content_filter"
        default: break
        }
        close(isCut: incompleteReason != nil)
        flushPending()
        // Clients look for a message in a reply that was not cut off.
        if items.count == 0, incompleteReason == nil { withMessage { _ in } }
        close()
    }

    /// The place of the next item.
    func nextPlace(_ prefix: StaticString) -> ItemPlace {
        defer { nextIndex += 1 }
        return ItemPlace(prefix: prefix, suffix, nextIndex)
    }

    /// An id for a call that came without one; ids must differ from those of earlier responses.
    func callID(_ event: CanonicalEvent) -> [UInt8] {
        let out = ByteWriter(capacity: 64)
        if event.a.len > 0 {
            out.appendJSONString(event.a.buffer)
        } else {
            out.append(utf8: "\"call_\(suffix)_\(event.index)\"")
        }
        return out.bytes
    }

    private func drop(_ path: String, _ reason: String) {
        repairs.add(.dropped, "\(path): \(reason)")
    }
}
