import CanonicalModel
import PluginABI
import WireJSON

/// Opening and closing of items.
extension ResponsesEncoder {
    /// Ends the open item.
    func close(isCut: Bool = false) {
        switch current {
        case .none: return
        case .message(var message):
            current = .none
            items.next().append(message.close(isCut ? .incomplete : .completed, events))
        case .reasoning(var reasoning):
            current = .none
            items.next().append(reasoning.close(events))
        case .call(var call):
            current = .none
            items.next().append(call.close(isCut: isCut, events))
            if call.hasFaultyArguments, !isCut {
                repairs.add(.arguments, "arguments that are no JSON were passed on as they came")
            }
        }
    }

    /// The open message, or a new one.
    func withMessage(_ body: (inout MessageOutput) -> Void) {
        if case .message(var message) = current {
            current = .none
            body(&message)
            return current = .message(message)
        }
        close()
        flushPending()
        var message = MessageOutput(nextPlace("msg"), events)
        body(&message)
        current = .message(message)
    }

    func beginCall(_ event: CanonicalEvent) {
        close()
        flushPending()
        let tool = context.tools.tool(event.b.text)
        current = .call(
            CallOutput(tool, index: event.index, nextPlace(tool.kind.idPrefix), callID: callID(event), events))
    }

    // MARK: Reasoning

    func addReasoning(_ text: UnsafeRawBufferPointer, signature: UnsafeRawBufferPointer) {
        if !text.isEmpty {
            withReasoning { $0.add(text, events) }
        }
        guard !signature.isEmpty else { return }
        if case .reasoning(var reasoning) = current, !reasoning.isSigned {
            reasoning.payload.signature = Array(signature)
            return current = .reasoning(reasoning)
        }
        // It belongs to no text: an item of its own, once it does not interrupt another.
        if !pending.signature.isEmpty {
            close()
            flushPending()
        }
        pending.signature = Array(signature)
    }

    /// The open reasoning, or a new one if there is none or its thought is over.
    private func withReasoning(_ body: (inout ReasoningOutput) -> Void) {
        if case .reasoning(var reasoning) = current, !reasoning.isSigned {
            body(&reasoning)
            return current = .reasoning(reasoning)
        }
        close()
        // Thoughts keep their order.
        if !pending.signature.isEmpty || !pending.foreign.isEmpty || pending.blocks.count > 0 { flushPending() }
        var reasoning = newReasoning()
        body(&reasoning)
        current = .reasoning(reasoning)
    }

    private func newReasoning() -> ReasoningOutput {
        defer { pending = ReasoningPayload() }
        return ReasoningOutput(
            nextPlace("rs"), context.reasoning, wantsEnvelope: context.wantsEncryptedReasoning, pending, events)
    }

    /// Companions of reasoning that has ended become an item without text.
    func flushPending() {
        guard pending.isNeeded else { return }
        current = .reasoning(newReasoning())
        close()
    }

    /// Where companions go: to the open reasoning, or to the next.
    func withPayload(_ body: (inout ReasoningPayload) -> Void) {
        guard case .reasoning(var reasoning) = current, !reasoning.isSigned else { return body(&pending) }
        body(&reasoning.payload)
        current = .reasoning(reasoning)
    }
}
