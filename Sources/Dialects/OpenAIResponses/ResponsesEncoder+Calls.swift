import CanonicalModel
import PluginABI
import WireJSON

/// Text and calls, which may be interleaved: what comes while a call is open waits for its end.
extension ResponsesEncoder {
    func text(_ text: kimi_bytes) {
        guard text.len > 0 else { return }
        withMessage { $0.addText(text.buffer, events) }
    }

    func reasoning(_ text: kimi_bytes, signature: kimi_bytes) {
        guard text.len > 0 || signature.len > 0 else { return }
        addReasoning(text.buffer, signature: signature.buffer)
    }

    func arguments(_ text: kimi_bytes) {
        guard case .call(var call) = current else { return }
        current = .none
        call.add(text.buffer, events)
        current = .call(call)
    }

    func endCall() {
        guard case .call(var call) = current else { return }
        call.isEnded = true
        current = .call(call)
        guard !deferred.isEmpty else { return }
        close()
        for event in deferred.take() { event.withEvent(encode) }
    }

    /// Is the event an item's content? Then it waits for the end of the call.
    func mustWait(_ event: CanonicalEvent) -> Bool {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_TEXT, KIMI_EVENT_REASONING: event.a.len > 0 || event.b.len > 0
        case KIMI_EVENT_PART: true
        case KIMI_EVENT_JSON:
            event.i0 == Int64(KIMI_SCOPE_MESSAGE.rawValue)
                && (event.b.buffer.matches("refusal") || event.b.buffer.matches("annotations"))
                && !event.a.buffer.matches("null")
        default: false
        }
    }

    var isCallOpen: Bool {
        if case .call(let call) = current { !call.isEnded } else { false }
    }

    /// A call that has ended is closed when what follows shows that it was not cut off.
    func closeEndedCall(before event: CanonicalEvent) {
        guard case .call(let call) = current, call.isEnded else { return }
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_TEXT, KIMI_EVENT_REASONING, KIMI_EVENT_TOOL_BEGIN, KIMI_EVENT_PART: close()
        default: break
        }
    }
}
