import WireJSON

/// An assistant message being put together from adjacent items: reasoning, messages and calls.
struct AssistantDraft {
    /// Content parts.
    private var parts = ListWriter()
    /// The one part's text, if it is plain: content is then a string.
    private var single: JSONSpan?
    /// Insides of JSON strings.
    private let reasoning = ByteWriter(capacity: 64)
    private let refusal = ByteWriter(capacity: 16)
    private var hasReasoning = false
    private var hasRefusal = false
    private var thinkingBlocks = ListWriter()
    private var reasoningItems = ListWriter()
    private var reasoningDetails = ListWriter()
    /// Calls, each without its closing brace, so that extras can follow.
    private var calls: [ByteWriter] = []
    private var extras: [(call: Int, members: ByteWriter)] = []

    mutating func addText(_ text: JSONSpan, breakpoint: Bool) {
        single = parts.count == 0 && !breakpoint ? text : nil
        PartWriter.text(text, breakpoint: breakpoint, to: parts.next())
    }

    mutating func addPart(_ write: (ByteWriter) -> Void) {
        single = nil
        write(parts.next())
    }

    mutating func addRefusal(_ text: JSONSpan) {
        hasRefusal = true
        refusal.append(bytes: text.inner)
    }

    /// `text`: the inside of a JSON string.
    mutating func addReasoning(_ text: UnsafeRawBufferPointer) {
        hasReasoning = true
        reasoning.append(bytes: text)
    }

    mutating func addReasoningItem(_ item: JSONSpan) { reasoningItems.next().append(item) }
    mutating func addThinkingBlock(_ block: JSONSpan) { thinkingBlocks.next().append(block) }
    mutating func addDetail(_ detail: JSONSpan) { reasoningDetails.next().append(detail) }

    mutating func addThinking(_ text: JSONSpan?, signature: JSONSpan) {
        let out = thinkingBlocks.next()
        out.append(#"{"type":"thinking","thinking":"#)
        if let text { out.append(text) } else { out.append(#""""#) }
        out.append(#","signature":"#)
        out.append(signature)
        out.append("}")
    }

    /// `write` writes the call's object without its closing brace.
    mutating func addCall(_ write: (ByteWriter) -> Void) {
        let call = ByteWriter(capacity: 256)
        write(call)
        calls.append(call)
    }

    /// What a call of this message carries besides; `call` counts from the message's first.
    mutating func addExtra(_ extra: JSONSpan) {
        guard let index = extra["index"], index.kind == .int, let call = Int(String(decoding: index.raw, as: UTF8.self))
        else { return }
        let out = ByteWriter(capacity: extra.raw.count)
        var members = MemberWriter(out)
        for (key, value) in extra.members where !key.matches("index") { members.copy(key: key, value) }
        if out.count > 0 { extras.append((call, out)) }
    }

    /// Writes the whole message.
    func write(to out: ByteWriter) {
        out.append(#"{"role":"assistant","content":"#)
        if let single {
            out.append(single)
        } else if parts.count > 0 {
            parts.write(to: out)
        } else {
            // Chat allows no null beside nothing.
            out.append(calls.isEmpty && !hasRefusal ? "\"\"" : "null")
        }
        if hasReasoning { write("reasoning_content", reasoning, to: out) }
        if hasRefusal { write("refusal", refusal, to: out) }
        write(#","thinking_blocks":"#, thinkingBlocks, to: out)
        write(#","reasoning_items":"#, reasoningItems, to: out)
        write(#","reasoning_details":"#, reasoningDetails, to: out)
        writeCalls(to: out)
        out.append("}")
    }

    private func write(_ name: StaticString, _ text: ByteWriter, to out: ByteWriter) {
        out.append(",\"")
        out.append(name)
        out.append("\":\"")
        out.append(text)
        out.append("\"")
    }

    private func write(_ prefix: StaticString, _ list: ListWriter, to out: ByteWriter) {
        guard list.count > 0 else { return }
        out.append(prefix)
        list.write(to: out)
    }

    private func writeCalls(to out: ByteWriter) {
        guard !calls.isEmpty else { return }
        out.append(#","tool_calls":["#)
        for (index, call) in calls.enumerated() {
            if index > 0 { out.append(",") }
            out.append(call)
            for extra in extras where extra.call == index {
                out.append(",")
                out.append(extra.members)
            }
            out.append("}")
        }
        out.append("]")
    }
}
