package import CanonicalModel
package import PluginABI
package import WireJSON

/// Canonical events gathered into one Message object.
package final class MessagesUnaryEncoder: ResponseEncoder {
    package let output = ByteWriter(capacity: 4096)
    package private(set) var failure: ExchangeError?
    package var isComplete: Bool { gate.isComplete }
    package var isStreaming: Bool { false }
    package let repairs = Repairs()
    package var tokens: TokenCounts { gate.usage }

    private var gate: EventGate
    private let head = ByteWriter(capacity: 256)
    private let content = ByteWriter(capacity: 2048)
    private var assembler: MessageAssembler<ArrayBlocks>
    private var size = 0
    private let maxBytes: Int

    /// `maxBytes`: of text, thinking and arguments together; more fails the reply.
    package init(maxBytes: Int = 64 << 20) {
        self.maxBytes = maxBytes
        gate = EventGate(repairs, isSingle: true)
        assembler = MessageAssembler(blocks: ArrayBlocks(out: content), repairs)
    }

    package func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in events {
            guard failure == nil else { return kimi_status(KIMI_STOP) }
            if let problem = problem(event) ?? gate.take(event, encode) { failure = problem }
        }
        if failure != nil { return kimi_status(KIMI_STOP) }
        return kimi_status(KIMI_OK)
    }

    package func complete() throws(ExchangeError) {
        guard isComplete else { throw ChatReply.incomplete }
        if let problem = gate.end(encode) {
            failure = problem
            throw problem
        }
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

    private func encode(_ event: CanonicalEvent) {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START: assembler.start(event, to: head)
        case KIMI_EVENT_ERROR: failure = ExchangeError(event)
        default: assembler.take(event)
        }
    }

    private func problem(_ event: CanonicalEvent) -> ExchangeError? {
        size += event.a.len + event.c.len
        guard size > maxBytes else { return nil }
        return ExchangeError(
            KIMI_CAT_PROTOCOL,
            "the answer is larger than \(maxBytes) bytes (limits.max_response_bytes): ask for a stream",
            code: "reply_too_large")
    }
}
