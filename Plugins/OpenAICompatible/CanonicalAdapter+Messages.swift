internal import WireJSON

/// The members of a message that decide what becomes of it; the last one counts.
struct CanonicalMessage {
    enum Role { case assistant, developer, tool, other }

    private(set) var role = Role.other
    private(set) var content: JSONSpan?
    private(set) var callID: JSONSpan?
    private(set) var isError = false
    private(set) var hasCacheControl = false
    private(set) var hasCalls = false

    init(_ message: JSONSpan) {
        for (key, value) in message.members {
            if key.matches("role") {
                role = Self.role(value)
            } else if key.matches("content") {
                content = value
            } else if key.matches("tool_call_id") {
                callID = value
            } else if key.matches("is_error") {
                isError = value.bool == true
            } else if key.matches("cache_control") {
                hasCacheControl = value.kind != .null
            } else if key.matches("tool_calls") {
                hasCalls = value.kind == .array
            }
        }
    }

    private static func role(_ value: JSONSpan) -> Role {
        if value.matches("tool") { return .tool }
        if value.matches("assistant") { return .assistant }
        return value.matches("developer") ? .developer : .other
    }
}

/// `messages`.
extension CanonicalAdapter {
    mutating func messages(_ root: JSONSpan) {
        guard let list = root["messages"], list.kind == .array else { return }
        let start = begin("messages")
        var copy = CanonicalCopy(of: list, to: patch)
        var end = 0
        for message in list.elements {
            let shape = CanonicalMessage(message)
            if isForeign, shape.role != .tool { insertMoved(at: end, &copy) }
            self.message(message, shape, &copy)
            end = copy.range(message).upperBound
        }
        insertMoved(at: end, &copy)
        if !copy.finish() { patch.truncate(to: start) }
    }

    private mutating func message(_ message: JSONSpan, _ shape: CanonicalMessage, _ copy: inout CanonicalCopy) {
        if isForeign, shape.isError, !hasErrorText(shape) { losses.add(.errorMark) }
        let details =
            options.makesReasoningDetails && shape.role == .assistant ? ReasoningDetails(message, model: model) : nil
        for _ in 0..<(details?.lost ?? 0) { losses.add(.foreignThoughts) }
        var cut = CanonicalCut()
        for (key, value) in message.members {
            let range = copy.range(key, value)
            if details?.replaces(key) ?? false || removes(key, value, shape) {
                cut.remove(range, in: &copy)
                continue
            }
            cut.keep(range, in: &copy)
            if isForeign, key.matches("content") {
                content(value, shape, &copy)
            } else if isForeign || !options.keepsReasoning, key.matches("tool_calls") {
                calls(value, &copy)
            } else if shape.role == .developer, !options.keepsDeveloper, key.matches("role") {
                copy.replace(value, with: #""system""#)
            }
        }
        cut.finish(in: &copy)
        guard let details else { return }
        // The role stays, so there is a member before it.
        copy.insert(at: copy.range(message).upperBound - 1)
        details.write(to: copy.out)
    }

    private mutating func removes(_ key: JSONSpan, _ value: JSONSpan, _ shape: CanonicalMessage) -> Bool {
        guard isForeign else { return removesThought(key, value) }
        if key.matches("thinking_blocks") {
            if Self.hasSecrets(value) { losses.add(.thinkingBlocks) }
        } else if key.matches("reasoning_items") {
            if value.kind != .null { losses.add(.reasoningItems) }
        } else if key.matches("is_error") {
            return true
        } else if key.matches("cache_control") {
            if options.keepsCacheControl, value.kind != .null { return false }
            if value.kind != .null { losses.add(.messageCache) }
        } else if !options.keepsReasoning, key.matches("reasoning_content") || key.matches("reasoning_details") {
            if value.kind != .null { losses.add(.reasoning) }
        } else {
            return false
        }
        return true
    }

    /// Of a chat client's own message.
    private mutating func removesThought(_ key: JSONSpan, _ value: JSONSpan) -> Bool {
        guard !options.keepsReasoning, RouteMark.isThought(key) else { return false }
        if value.kind != .null { losses.add(.reasoning) }
        return true
    }

    /// Is there more than the texts, which are in `reasoning_content` too?
    private static func hasSecrets(_ blocks: JSONSpan) -> Bool {
        blocks.elements.contains { block in
            block["signature"].map { !$0.inner.isEmpty } ?? (block["data"] != nil)
        }
    }

    private mutating func calls(_ calls: JSONSpan, _ copy: inout CanonicalCopy) {
        for call in calls.elements {
            var cut = CanonicalCut()
            for (key, value) in call.members {
                let range = copy.range(key, value)
                let loss: CanonicalLoss
                if key.matches("cache_control") {
                    loss = .callCache
                } else if !options.keepsReasoning, key.matches("extra_content") {
                    loss = .callExtras
                } else {
                    cut.keep(range, in: &copy)
                    continue
                }
                if value.kind != .null { losses.add(loss) }
                cut.remove(range, in: &copy)
            }
            cut.finish(in: &copy)
        }
    }
}
