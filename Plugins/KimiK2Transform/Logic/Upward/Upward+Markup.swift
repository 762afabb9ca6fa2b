import WireJSON

/// An old answer whose markup nobody had read.
struct RebuiltMessage {
    /// Its text without the markup.
    var content: [UInt8]
    /// The thought in it; nil if there was none, or if it stays as it is.
    var thought: [UInt8]?
    var calls: [FoundCall]
}

/// A call that was found in text.
struct FoundCall {
    var name: [UInt8]
    /// As the text has it.
    var id: [UInt8]
    var arguments: [UInt8] = []

    /// The ids by which a result may mean it.
    var spellings: [[UInt8]] {
        let shown = id.withUnsafeBytes { id in name.withUnsafeBytes { NativeIndex.shown(in: id, name: $0) } }
        guard let shown else { return [id] }
        let number = Array(String(shown).utf8)
        let (prefix, colon, line) = (Array("functions".utf8), UInt8(ascii: ":"), UInt8(ascii: "_"))
        let native = prefix + [UInt8(ascii: ".")] + name + [colon] + number
        var all = [native, name + [colon] + number, prefix + [line] + name + [line] + number, number]
        if !all.contains(id) { all.append(id) }
        return all
    }
}

/// Markup in old answers, from transcripts that were made without this transform.
extension Upward {
    /// What is in a message's text; nil if it stays as it is.
    ///
    /// Calls are only rebuilt if results follow: without them the upstream would refuse the request.
    func readMarkup(_ at: Int) -> RebuiltMessage? {
        let message = history.messages[at]
        guard isOn(.historyMarkup), let content = message.content,
            MarkupScan.mayHaveMarkup(json.slice(content.range)), isText(content)
        else { return nil }
        let old = ThoughtMemory.plainText(content, text)
        let found = MarkupReader.read(old, structured(message), options, tools)
        if found.content == old, found.calls.count == message.calls.count { return nil }
        if message.calls.isEmpty, !found.calls.isEmpty {
            guard isAnswered(found.calls, at) else { return nil }
        } else if found.calls.count != message.calls.count {
            return nil
        }
        return judged(found, old, message)
    }

    private func judged(_ found: MarkupReader, _ old: [UInt8], _ message: HistoryMessage) -> RebuiltMessage? {
        let hasNewCalls = message.calls.isEmpty && !found.calls.isEmpty
        var own = RebuiltMessage(content: found.content, calls: hasNewCalls ? found.calls : [])
        let thought = Array(found.thought.trimmed)
        if thought.isEmpty {
            return hasNewCalls || MarkupScan.isOnlyEnvelope(old) || !message.calls.isEmpty ? own : nil
        }
        let mayThink = settings.family != .k2 && asksForThought != false
        if mayThink, !hasAnyThought(message) { own.thought = thought }
        if hasNewCalls { return own }
        return own.thought != nil && MarkupScan.beginsWithThought(old) ? own : nil
    }

    /// Is it a string, or a list of nothing but text?
    private func isText(_ content: Span) -> Bool {
        text.isString(content) || ContentParts(json, content).list.allSatisfy(\.isPlainText)
    }

    /// Do results follow for all calls? They can only be meant for these, unless the answer before has calls too.
    private func isAnswered(_ calls: [FoundCall], _ at: Int) -> Bool {
        if at > 0, history.messages[at - 1].role == .assistant, !history.messages[at - 1].calls.isEmpty { return false }
        return endOfResults(from: at + 1) - at - 1 >= calls.count
    }

    private func structured(_ message: HistoryMessage) -> [FoundCall] {
        history.calls[message.calls].map { call in
            FoundCall(
                name: call.name.flatMap(text.text) ?? [], id: call.id.flatMap(text.text) ?? [],
                arguments: call.arguments.flatMap(text.text) ?? [])
        }
    }

    private var options: NormaliserOptions {
        var options = NormaliserOptions(
            startsInThinking: settings.family == .k2 || asksForThought == false ? .no : .unknown,
            isThinker: settings.family?.thinks ?? false, maxHeldThinkingBytes: .max)
        options.family = settings.family
        options.ids = .native
        options.repairs = settings.config.repairs
        return options
    }

    // MARK: - Writing

    /// Puts what was found in place of a message's content. `first`: the number of its first call.
    mutating func write(_ own: RebuiltMessage, _ at: Int, _ first: Int) {
        let message = history.messages[at]
        guard let content = message.content else { return }
        counts.add(.historyMarkup, "markup in old answers became calls, thoughts and text")
        let hasCalls = !own.calls.isEmpty || !message.calls.isEmpty
        edits.replace(content.range) { output in
            if hasCalls, own.content.trimmed.isEmpty { return output.append("null") }
            own.content.withUnsafeBytes { output.appendJSONString($0) }
        }
        guard !own.calls.isEmpty else { return }
        let calls = callsJSON(own.calls, first)
        if let old = message.toolCalls {
            edits.replace(old.range) { $0.append(bytes: calls) }
        } else {
            insert(message, "tool_calls") { $0.append(bytes: calls) }
        }
    }

    private func callsJSON(_ calls: [FoundCall], _ first: Int) -> [UInt8] {
        let output = ByteWriter()
        for (offset, call) in calls.enumerated() {
            output.append(offset == 0 ? "[{\"id\":" : ",{\"id\":")
            output.append(bytes: jsonID(first + offset))
            output.append(",\"type\":\"function\",\"function\":{\"name\":")
            call.name.withUnsafeBytes { output.appendJSONString($0) }
            output.append(",\"arguments\":")
            call.arguments.withUnsafeBytes { output.appendJSONString($0) }
            output.append("}}")
        }
        output.append("]")
        return output.bytes
    }
}
