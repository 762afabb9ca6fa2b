import WireJSON

/// Thoughts that clients dropped, or sent under another name.
extension Upward {
    /// Gives a message its thought: the one found in its own text, the one it has under another name, the one that is
    /// remembered, or a placeholder.
    mutating func restoreThought(_ at: Int, hasCalls: Bool, rebuilt own: RebuiltMessage?) {
        let message = history.messages[at]
        guard isThinking else { return placeholder(message, hasCalls: hasCalls) }
        let remembered = own == nil ? remembered(message, hasCalls: hasCalls) : nil
        if let thought = own?.thought {
            write(thought, message, .historyMarkup, "thoughts left the text")
        } else if hasThought(message) || move(message) || unpack(message) {
            hasMetThought = true
        } else if isOn(.historyReasoning), let remembered {
            write(remembered, message, .historyReasoning, "thoughts that were dropped are back")
        } else {
            placeholder(message, hasCalls: hasCalls)
        }
    }

    private var isThinking: Bool { settings.family != .k2 && asksForThought != false }

    /// What is filed under a message. Every answer without calls is looked at, because equal ones are counted.
    private func remembered(_ message: HistoryMessage, hasCalls: Bool) -> [UInt8]? {
        let isWanted = !hasThought(message)
        if hasCalls { return isWanted ? memory?.thought(calls: history.calls[message.calls]) : nil }
        return keepsAllThoughts ? memory?.thought(answer: message.content, wanted: isWanted) : nil
    }

    /// Has it a thought in the form that upstreams want? Blanks are a client's placeholder.
    private func hasThought(_ message: HistoryMessage) -> Bool {
        message.reasoningContent.map { !text.isNull($0) && !text.isBlankText($0) } ?? false
    }

    /// `reasoning` becomes `reasoning_content`: all upstreams of this family take that, Moonshot's own only that.
    private mutating func move(_ message: HistoryMessage) -> Bool {
        guard isOn(.historyReasoning), let thought = message.reasoning, let key = message.reasoningKey,
            text.isString(thought), !text.isBlankText(thought)
        else { return false }
        counts.add(.historyReasoning, "reasoning became reasoning_content")
        if let old = message.reasoningContent {
            edits.replace(old.range) { [json] in $0.append(bytes: json.slice(thought.range)) }
        } else {
            edits.replace(key.range) { $0.append("\"reasoning_content\"") }
        }
        return true
    }

    /// The texts in `reasoning_details` are written beside them, for the same reason. Sealed details are the thought in
    /// a form that only its maker reads, and who gets them needs no other.
    private mutating func unpack(_ message: HistoryMessage) -> Bool {
        guard isOn(.historyReasoning), let details = message.reasoningDetails else { return false }
        let read = text.withValue(json.slice(details.range)) { list -> (thought: [UInt8], isSealed: Bool) in
            var thought: [UInt8] = []
            for detail in list.elements { thought += detail["text"]?.stringBytes ?? Bytes(start: nil, count: 0) }
            return (thought, list.elements.contains { $0["data"]?.isString == true })
        }
        guard let read, !read.thought.trimmed.isEmpty else { return read?.isSealed ?? false }
        write(read.thought, message, .historyReasoning, "reasoning_details were written as reasoning_content too")
        return true
    }

    private mutating func placeholder(_ message: HistoryMessage, hasCalls: Bool) {
        guard hasCalls, isOn(.historyPlaceholder), !hasAnyThought(message) else { return }
        switch settings.config.history.placeholder {
        case .never: return
        case .auto where !isKnownToThink: return
        case .auto, .always: break
        }
        write(
            Array(settings.config.history.placeholderText.utf8), message, .historyPlaceholder,
            "calls whose thought is unknown got a placeholder")
    }

    /// Has it a thought under any name, or a client's own placeholder? Moving thoughts may be switched off.
    func hasAnyThought(_ message: HistoryMessage) -> Bool {
        [message.reasoningContent, message.reasoning, message.reasoningDetails].contains { span in
            span.map { !text.isNull($0) && $0.range.count > 2 } ?? false
        }
    }

    private mutating func write(
        _ thought: [UInt8], _ message: HistoryMessage, _ repair: Repair, _ detail: @autoclosure () -> String
    ) {
        counts.add(repair, detail())
        if repair != .historyPlaceholder { hasMetThought = true }
        let write = { (output: ByteWriter) in thought.withUnsafeBytes { output.appendJSONString($0) } }
        if let old = message.reasoningContent {
            edits.replace(old.range, write)
        } else {
            insert(message, "reasoning_content", write)
        }
    }
}
