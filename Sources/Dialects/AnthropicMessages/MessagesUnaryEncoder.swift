package import CanonicalModel
package import PluginABI
package import WireJSON

/// Canonical events gathered into one Message object.
package final class MessagesUnaryEncoder: ResponseEncoder {
    package let output = ByteWriter(capacity: 4096)
    package private(set) var failure: ExchangeError?
    package var isComplete: Bool { order.isComplete }
    package var isStreaming: Bool { false }
    /// Calls whose arguments were no JSON object and became `{"_raw":…}`.
    package var violations: Int { assembler.violations }
    /// Events that the Messages API has no place for.
    package var unshown: Int { assembler.unshown }

    private var order = EventOrder()
    private let head = ByteWriter(capacity: 256)
    private let content = ByteWriter(capacity: 2048)
    private var assembler: MessageAssembler<ArrayBlocks>
    private var size = 0
    private let maxBytes: Int

    /// `maxBytes`: of text, thinking and arguments together; more fails the reply.
    package init(maxBytes: Int = 64 << 20) {
        self.maxBytes = maxBytes
        assembler = MessageAssembler(blocks: ArrayBlocks(out: content))
    }

    package func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in events {
            guard failure == nil else { return kimi_status(KIMI_STOP) }
            failure = problem(event)
            if failure != nil { return kimi_status(KIMI_STOP) }
            switch kimi_event_type(event.type) {
            case KIMI_EVENT_START: assembler.start(event, to: head)
            case KIMI_EVENT_ERROR: failure = ExchangeError(event)
            default: assembler.take(event)
            }
        }
        return kimi_status(KIMI_OK)
    }

    package func complete() throws(ExchangeError) {
        guard isComplete else { throw ChatReply.incomplete }
        output.append("{")
        output.append(head)
        output.append(#","content":["#)
        output.append(content)
        output.append("],")
        assembler.stop.write(to: output)
        output.append(#","usage":"#)
        assembler.usage.write(to: output)
        output.append("}")
    }

    package func abort(_ error: ExchangeError) {}

    private func problem(_ event: CanonicalEvent) -> ExchangeError? {
        if let failure = ChatReply.failure(event, &order) { return failure }
        size += event.a.len
        guard size > maxBytes else { return nil }
        return ExchangeError(
            KIMI_CAT_PROTOCOL,
            "the answer is larger than \(maxBytes) bytes (limits.max_response_bytes): ask for a stream",
            code: "reply_too_large")
    }
}
