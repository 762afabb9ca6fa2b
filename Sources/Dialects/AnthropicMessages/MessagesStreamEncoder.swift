package import CanonicalModel
package import PluginABI
package import WireJSON

/// Canonical events as the events of a Messages stream, in the same pass.
package final class MessagesStreamEncoder: ResponseEncoder {
    package let output = ByteWriter(capacity: 4096)
    package private(set) var failure: ExchangeError?
    package var isComplete: Bool { gate.isComplete }
    package var isStreaming: Bool { true }
    package let repairs = Repairs()
    package var tokens: TokenCounts { gate.usage }

    private let requestID: String
    private var gate: EventGate
    private var assembler: MessageAssembler<StreamBlocks>
    /// `message_start` up to its usage, until it leaves.
    private var head: ByteWriter?

    /// `requestID` stands in errors.
    package init(requestID: String) {
        self.requestID = requestID
        gate = EventGate(repairs, isSingle: true)
        assembler = MessageAssembler(blocks: StreamBlocks(out: output), repairs)
    }

    package func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in events {
            guard failure == nil else { return kimi_status(KIMI_STOP) }
            if let problem = gate.take(event, encode) { failure = problem }
        }
        if failure != nil { return kimi_status(KIMI_STOP) }
        sendHead()
        return kimi_status(KIMI_OK)
    }

    package func complete() throws(ExchangeError) {
        guard isComplete else { throw ChatReply.incomplete }
        if let problem = gate.end(encode) {
            failure = problem
            throw problem
        }
        output.append("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{")
        assembler.stop.write(to: output)
        output.append(#"},"usage":"#)
        assembler.usage.write(to: output)
        output.append("}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n")
    }

    package func abort(_ error: ExchangeError) {
        MessagesErrors.writeEvent(error, requestID: requestID, to: output)
    }

    private func encode(_ event: CanonicalEvent) {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START: start(event)
        case KIMI_EVENT_USAGE: assembler.take(event)
        case KIMI_EVENT_ERROR: failure = ExchangeError(event)
        default:
            sendHead()
            assembler.take(event)
        }
    }

    private func start(_ event: CanonicalEvent) {
        let head = ByteWriter(capacity: 256)
        head.append("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{")
        assembler.start(event, to: head)
        head.append(#","content":[],"stop_reason":null,"stop_sequence":null,"usage":"#)
        self.head = head
    }

    /// Counts that come with START, in the same batch, are told at once.
    private func sendHead() {
        guard let head else { return }
        self.head = nil
        output.append(head)
        assembler.usage.write(to: output)
        output.append("}}\n\n")
    }
}
