import CanonicalModel
import PluginABI
import WireJSON

/// JSON events: members of the upstream's answer that have no event of their own.
extension ResponsesEncoder {
    /// A JSON event; why it is dropped, or nil.
    func addMember(_ event: CanonicalEvent) -> String? {
        guard event.a.len > 0, let outline = try? JSONOutline(event.a.buffer) else { return nil }
        return withExtendedLifetime(outline) {
            let value = outline.root
            switch kimi_scope(UInt32(clamping: event.i0)) {
            case KIMI_SCOPE_RESPONSE: return addResponseMember(event, value)
            case KIMI_SCOPE_CHOICE: return addChoiceMember(event.b.buffer, value)
            default: return addMessageMember(event.b.buffer, value)
            }
        }
    }

    private func addResponseMember(_ event: CanonicalEvent, _ value: JSONSpan) -> String? {
        let name = event.b.buffer
        if name.matches("service_tier") {
            if Self.tiers.contains(where: { value.matches($0) }) { object.serviceTier = Array(value.raw) }
            return nil
        }
        if Self.ownMembers.contains(where: { name.matches($0) }) { return "a response has a member of that name" }
        return object.extras.set(event.b, event.a) ? nil : "there are \(JSONMembers.maxMembers) others"
    }

    private func addChoiceMember(_ name: UnsafeRawBufferPointer, _ value: JSONSpan) -> String? {
        guard name.matches("logprobs") else { return "responses have no choices" }
        guard context.wantsLogprobs, case .message(var message) = current else { return nil }
        for entry in (value["content"] ?? value).elements {
            if let logprob = Converted.logprob(entry) { message.addLogprob(logprob) }
        }
        current = .message(message)
        return nil
    }

    private func addMessageMember(_ name: UnsafeRawBufferPointer, _ value: JSONSpan) -> String? {
        if name.matches("refusal") {
            guard value.kind == .string, !value.inner.isEmpty else { return nil }
            value.decoded.withUnsafeBytes { text in withMessage { $0.addRefusal(text, events) } }
        } else if name.matches("annotations") {
            guard case .message = current else { return "it came without a text" }
            for entry in value.elements {
                if let annotation = Converted.annotation(entry) { withMessage { $0.addAnnotation(annotation, events) } }
            }
        } else if name.matches("reasoning_details") {
            withPayload { payload in value.elements.forEach { payload.details.next().append($0) } }
        } else if name.matches("tool_call_extras") {
            withPayload { payload in value.elements.forEach { payload.callExtras.next().append($0) } }
        } else if name.matches("thinking_blocks") {
            // Those with text have come as reasoning.
            for block in value.elements where block["type"]?.matches("redacted_thinking") ?? false {
                withPayload { $0.blocks.next().append(block) }
            }
        } else if name.matches("encrypted_content") {
            if value.kind == .string { withPayload { $0.foreign = Array(value.raw) } }
        } else if name.matches("reasoning_items") {
            for item in value.elements {
                guard let content = item["encrypted_content"], content.kind == .string else { continue }
                withPayload { $0.foreign = Array(content.raw) }
            }
        } else {
            return "messages of a response have no such member"
        }
        return nil
    }

    private static let tiers: [StaticString] = ["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]

    private static let ownMembers: [StaticString] = [
        "id", "object", "created", "created_at", "completed_at", "model", "choices", "usage", "status", "error",
        "output", "output_text", "incomplete_details", "instructions", "metadata", "parallel_tool_calls",
        "temperature", "tool_choice", "tools", "top_p", "background", "conversation", "max_output_tokens",
        "max_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention",
        "prompt_cache_options", "prompt_cache_diagnostics", "reasoning", "safety_identifier", "store", "text",
        "top_logprobs", "truncation", "user", "image", "input_transformations", "moderation", "access_programs",
        "tool_usage",
    ]
}
