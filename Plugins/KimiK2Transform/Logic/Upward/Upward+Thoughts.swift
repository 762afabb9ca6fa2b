import WireJSON

/// Thoughts that clients dropped, or sent under another name.
extension Upward {
    /// Gives a message its thought: the one found in its own text, the one it has under another name, the one that is
    /// remembered, or a placeholder.
    mutating func restoreThought(_ at: Int, hasCalls: Bool, rebuilt own: RebuiltMessage?) {
        let message = history.messages[at]
        if isThinking {
            let isKept = own == nil && !hasCalls
            let remembered = isKept && keepsAllThoughts ? remembered(message) : nil
            if let thought = own?.thought { return write(thought, message, .historyMarkup, "thoughts left the text") }
            if hasThought(message) || move(message) { return }
            guard isOn(.historyReasoning) else { return placeholder(message, hasCalls: hasCalls) }
            let known = hasCalls && own == nil ? memory?.thought(calls: history.calls[message.calls]) : remembered
            if let known { return write(known, message, .historyReasoning, "thoughts that were dropped are back") }
        } else if hasThought(message) {
            return
        }
        placeholder(message, hasCalls: hasCalls)
    }

    private var isThinking: Bool { settings.family != .k2 && asksForThought != false }

    private func remembered(_ message: HistoryMessage) -> [UInt8]? {
        memory?.thought(answer: message.content, wanted: !hasThought(message))
    }

    /// Has it a thought in a form that upstreams want?
    private func hasThought(_ message: HistoryMessage) -> Bool {
        [message.reasoningContent, message.reasoningDetails].contains { span in
            guard let span else { return false }
            let value = json.slice(span.range)
            return !text.isNull(span) && !value.matches("\"\"") && !value.matches("[]")
        }
    }

    /// `reasoning` becomes `reasoning_content`: all upstreams of this family take that, Moonshot's own only that.
    private mutating func move(_ message: HistoryMessage) -> Bool {
        guard isOn(.historyReasoning), let thought = message.reasoning, let key = message.reasoningKey,
            text.isString(thought), !thought.inner.isEmpty
        else { return false }
        counts.add(.historyReasoning, "reasoning became reasoning_content")
        if let old = message.reasoningContent {
            edits.replace(old.range) { [json] in $0.append(bytes: json.slice(thought.range)) }
        } else {
            edits.replace(key.range) { $0.append("\"reasoning_content\"") }
        }
        return true
    }

    private mutating func placeholder(_ message: HistoryMessage, hasCalls: Bool) {
        guard hasCalls, isOn(.historyPlaceholder) else { return }
        switch settings.config.history.placeholder {
        case .never: return
        case .auto where settings.family?.thinks != true || asksForThought == false: return
        case .auto, .always: break
        }
        // One under another name is a thought, even where moving it is switched off.
        if let other = message.reasoning, text.isString(other), !other.inner.isEmpty { return }
        write(
            Array(settings.config.history.placeholderText.utf8), message, .historyPlaceholder,
            "calls whose thought is unknown got a placeholder")
    }

    private mutating func write(
        _ thought: [UInt8], _ message: HistoryMessage, _ repair: Repair, _ detail: @autoclosure () -> String
    ) {
        counts.add(repair, detail())
        let write = { (output: ByteWriter) in thought.withUnsafeBytes { output.appendJSONString($0) } }
        if let old = message.reasoningContent {
            edits.replace(old.range, write)
        } else {
            insert(message, "reasoning_content", write)
        }
    }
}
