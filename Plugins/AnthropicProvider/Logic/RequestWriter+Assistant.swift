internal import OpenAICompatible
internal import PluginKit
internal import WireJSON

/// What the assistant said: thoughts first, then texts, then calls.
extension RequestWriter {
    mutating func assistant(_ message: JSONSpan) throws(PluginFailure) {
        thoughts(message)
        try content(message, .assistant, turns.block())
        if let refusal = message.text("refusal") { text(refusal, to: turns.block()) }
        if let calls = message.some("tool_calls") {
            for call in calls.elements { try self.call(call) }
        }
    }

    private func text(_ text: JSONSpan, to list: BlockList) {
        let out = list.next()
        out.append(#"{"type":"text","text":"#)
        out.append(bytes: text.raw)
        out.append("}")
    }

    // MARK: Thoughts

    private mutating func thoughts(_ message: JSONSpan) {
        if let blocks = message.some("thinking_blocks"), !blocks.isEmptyList {
            for block in blocks.elements { thought(block) }
        } else if let details = message.some("reasoning_details"), !details.isEmptyList {
            for detail in details.elements { self.detail(detail) }
        } else if let text = message.text("reasoning_content") ?? message.text("reasoning") {
            unsigned(text)
        }
    }

    /// A block as the upstream once sent it.
    private mutating func thought(_ block: JSONSpan) {
        if block["type"]?.matches("thinking") == true, block.text("signature") == nil {
            if let text = block.text("thinking") { unsigned(text) }
            return
        }
        if RouteMark.stands(inBlock: block) {
            if let text = block.text("thinking") { unsigned(text) } else { foreign("thinking_blocks") }
            return
        }
        turns.thought().append(bytes: block.raw)
    }

    /// OpenRouter's form of the same.
    private mutating func detail(_ detail: JSONSpan) {
        if traits.isClaude, Self.isAnothers(detail) {
            if let text = detail.text("text") ?? detail.text("summary") {
                unsigned(text)
            } else {
                foreign("reasoning_details")
            }
        } else if detail["type"]?.matches("reasoning.encrypted") == true, let data = detail.text("data") {
            let out = turns.thought()
            out.append(#"{"type":"redacted_thinking","data":"#)
            out.append(bytes: data.raw)
            out.append("}")
        } else if let text = detail["text"], text.kind == .string, let signature = detail.text("signature") {
            let out = turns.thought()
            out.append(#"{"type":"thinking","thinking":"#)
            out.append(bytes: text.raw)
            out.append(#","signature":"#)
            out.append(bytes: signature.raw)
            out.append("}")
        } else if let text = detail.text("text") ?? detail.text("summary") {
            unsigned(text)
        } else {
            foreign("reasoning_details")
        }
    }

    /// Says the detail's format that another maker's model thought it?
    private static func isAnothers(_ detail: JSONSpan) -> Bool {
        if RouteMark.stands(in: detail["signature"]) || RouteMark.stands(in: detail["data"]) { return true }
        guard let format = detail.text("format"), !format.matches("unknown") else { return false }
        return !format.inner.starts(with: "anthropic".utf8)
    }

    private mutating func foreign(_ member: String) {
        losses.add("messages[*].\(member)", "only the upstream that made them can read them")
    }

    private mutating func unsigned(_ text: JSONSpan) {
        var form = options.unsignedThoughts
        if form == .auto { form = traits.isClaude ? .drop : .thinking }
        switch form {
        case .auto, .drop:
            losses.add("messages[*].reasoning_content", "the upstream refuses thoughts it has not signed")
        case .text:
            let out = turns.block().next()
            out.append(#"{"type":"text","text":"<thinking>\n"#)
            out.append(bytes: text.inner)
            out.append(#"\n</thinking>"}"#)
        case .thinking:
            let out = turns.thought()
            out.append(#"{"type":"thinking","thinking":"#)
            out.append(bytes: text.raw)
            out.append(#","signature":""}"#)
        }
    }

    // MARK: Calls

    private mutating func call(_ call: JSONSpan) throws(PluginFailure) {
        let isCustom = call["type"]?.matches("custom") == true
        guard let function = call.some(isCustom ? "custom" : "function"), let name = function.text("name") else {
            throw .unsupported("\(place(call)): is no call of a function; it needs function.name.")
        }
        guard let id = call.text("id") else {
            throw .unsupported("\(place(call)).id: is missing or empty; tool results refer to it.")
        }
        let out = turns.call()
        out.append(#"{"type":"tool_use","id":"#)
        ToolID.write(id, to: out)
        out.append(#","name":"#)
        out.append(bytes: name.raw)
        out.append(#","input":"#)
        if isCustom {
            out.append(#"{"input":"#)
            if let input = function.text("input") { out.append(bytes: input.raw) } else { out.append(#""""#) }
            out.append("}")
        } else if !ToolInput.write(function.some("arguments"), to: out) {
            losses.add(
                "messages[*].tool_calls[*].function.arguments", "they are no JSON object, and went up in one as _raw",
                .adjusted)
        }
        rider("cache_control", of: call, to: out)
        out.append("}")
        noteExtras(call)
    }

    private mutating func noteExtras(_ call: JSONSpan) {
        for (key, value) in call.members where !value.saysNothing {
            let known: [StaticString] = ["id", "type", "function", "custom", "index", "cache_control"]
            if known.contains(where: { key.matches($0) }) { continue }
            losses.add("messages[*].tool_calls[*].", member: key.decoded, "the upstream has no such member")
        }
    }
}
