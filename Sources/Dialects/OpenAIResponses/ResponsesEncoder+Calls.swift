import CanonicalModel
import PluginABI
import WireJSON

/// Text and calls, which may be interleaved: what comes while a call is open waits for its end.
extension ResponsesEncoder {
    func text(_ text: kimi_bytes) {
        guard text.len > 0 else { return }
        if isCallOpen { return deferred.append(Deferred(isReasoning: false, text: Array(text.buffer), signature: [])) }
        withMessage { $0.addText(text.buffer, events) }
    }

    func reasoning(_ text: kimi_bytes, signature: kimi_bytes) {
        guard text.len > 0 || signature.len > 0 else { return }
        guard !isCallOpen else {
            let (text, signature) = (Array(text.buffer), Array(signature.buffer))
            return deferred.append(Deferred(isReasoning: true, text: text, signature: signature))
        }
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
        let held = deferred
        deferred = []
        close()
        for entry in held {
            entry.text.withUnsafeBytes { text in
                if entry.isReasoning {
                    entry.signature.withUnsafeBytes { addReasoning(text, signature: $0) }
                } else {
                    withMessage { $0.addText(text, events) }
                }
            }
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
