internal import PluginKit
internal import WireJSON

/// What the assistant said and called, and what the tools answered.
extension GeminiRequest {
    mutating func assistant(_ message: Message) {
        let turn = out.count
        beginTurn("model")
        let start = out.count
        let marked = thoughts(message)
        assistantContent(message)
        calls(message, marked)
        guard out.count > start else { return out.truncate(to: turn) }
        endTurn()
    }

    /// Signed thoughts go back as they came; summaries without signature are not asked for by Gemini. The signatures
    /// of calls that stand in thinking blocks, by the call's number.
    private mutating func thoughts(_ message: Message) -> [Int: String] {
        var ofCalls: [Int: String] = [:]
        var isLost = message.span.given("reasoning_items") != nil || message.span.given("reasoning_details") != nil
        let blocks = message.span["thinking_blocks"]?.elements.map { $0 } ?? []
        for block in blocks {
            guard let marked = block["signature"]?.string.flatMap(Signatures.read) else {
                isLost = true
                continue
            }
            if let number = marked.call {
                ofCalls[number] = marked.value
            } else if let text = block["thinking"], text.kind == .string {
                beginPart()
                out.append(#""thought":true,"text":"#)
                out.append(bytes: text.raw)
                out.append(#","thoughtSignature":"#)
                out.appendJSONString(marked.value)
                out.append("}")
            }
        }
        if blocks.isEmpty, message.span.given("reasoning_content") != nil { isLost = true }
        if isLost { losses.drop("messages[*].reasoning_content") }
        return ofCalls
    }

    private mutating func assistantContent(_ message: Message) {
        let start = out.count
        parts(message.content)
        if let refusal = message.span["refusal"], refusal.kind == .string { textPart(refusal) }
        guard let signature = Signatures.inExtraContent(message.span) else { return }
        // It belongs to the last part, which may have been an empty text.
        if out.count == start {
            out.append(out.unsafeBytes.last == UInt8(ascii: "[") ? #"{"text":""}"# : #",{"text":""}"#)
        }
        out.truncate(to: out.count - 1)
        out.append(#","thoughtSignature":"#)
        out.appendJSONString(signature)
        out.append("}")
    }

    private mutating func calls(_ message: Message, _ marked: [Int: String]) {
        for (number, call) in message.calls.enumerated() {
            guard let function = call["function"], let name = function["name"]?.word else {
                losses.drop("messages[*].tool_calls[*] (\(String((call["type"]?.string ?? "no name").prefix(48))))")
                continue
            }
            if call.given("cache_control") != nil { losses.drop("messages[*].tool_calls[*].cache_control") }
            beginPart()
            out.append(#""functionCall":{"name":"#)
            out.appendJSONString(names.send(name))
            out.append(#","args":"#)
            arguments(function["arguments"])
            if sendsIDs, let id = call["id"]?.word {
                out.append(#","id":"#)
                out.appendJSONString(id)
            }
            out.append("}")
            if let signature = signature(of: call, number, marked) {
                out.append(#","thoughtSignature":"#)
                out.appendJSONString(signature)
            }
            out.append("}")
        }
    }

    /// The first call of a turn must have one where Gemini checks them.
    private mutating func signature(of call: JSONSpan, _ number: Int, _ marked: [Int: String]) -> String? {
        if let known = Signatures.inExtraContent(call) ?? marked[number] { return known }
        if let id = call["id"]?.word, let filed = Signatures.filed(call: id, in: store) { return filed }
        guard number == 0, checksSignatures else { return nil }
        losses.repair("thought signature of a tool call was lost: \(Signatures.skipped)")
        return Signatures.skipped
    }

    /// An object as it is; anything else in one.
    private mutating func arguments(_ value: JSONSpan?) {
        guard let value, value.isGiven, !value.inner.isEmpty || value.kind != .string else { return out.append("{}") }
        if value.kind == .object { return out.append(bytes: value.raw) }
        let isObject = value.withText { text in
            guard let outline = try? JSONOutline(text) else { return false }
            defer { withExtendedLifetime(outline) {} }
            guard outline.root.kind == .object else { return false }
            out.append(bytes: outline.root.raw)
            return true
        }
        if isObject { return }
        losses.repair("messages[*].tool_calls[*].function.arguments that are no JSON object")
        out.append(#"{"_raw":"#)
        out.append(bytes: value.raw)
        out.append("}")
    }

    // MARK: Results

    /// One user turn with a result for each call, in the calls' order; then what results have besides text, unless
    /// the model takes it inside.
    mutating func toolResults(_ answers: ToolAnswers) {
        guard !answers.pairs.isEmpty, answers.isFollowed else { return }
        let turn = out.count
        beginTurn("user")
        let start = out.count
        var media: [(String, JSONSpan)] = []
        for pair in answers.pairs {
            guard let name = pair.call["function"]?["name"]?.word else { continue }
            result(pair, name)
            if !checksSignatures, let answer = pair.answer {
                media += answer.mediaParts.map { (name, $0) }
            }
        }
        guard out.count > start else { return out.truncate(to: turn) }
        endTurn()
        mediaTurn(media)
    }

    private mutating func result(_ pair: ToolAnswers.Pair, _ name: String) {
        beginPart()
        out.append(#""functionResponse":{"name":"#)
        out.appendJSONString(names.send(name))
        if sendsIDs, let id = pair.call["id"]?.word {
            out.append(#","id":"#)
            out.appendJSONString(id)
        }
        let isError = pair.answer == nil || pair.answer?.span["is_error"]?.bool == true
        out.append(isError ? #","response":{"error":"# : #","response":{"output":"#)
        if let answer = pair.answer {
            answer.writeText(to: out)
            if answer.span.given("cache_control") != nil { losses.drop("messages[*].cache_control") }
        } else {
            out.append(#""The client sent no result for this call.""#)
            losses.repair("tool call without a result")
        }
        out.append("}")
        if checksSignatures, let answer = pair.answer { resultMedia(answer) }
        out.append("}}")
    }

    private mutating func resultMedia(_ answer: Message) {
        let parts = answer.mediaParts
        guard !parts.isEmpty else { return }
        let before = out.count
        out.append(#","parts":["#)
        let start = out.count
        for part in parts { self.part(part) }
        if out.count == start { out.truncate(to: before) } else { out.append("]") }
    }

    private mutating func mediaTurn(_ media: [(String, JSONSpan)]) {
        guard !media.isEmpty else { return }
        beginTurn("user")
        for (name, part) in media {
            textPart("From the result of \(name):")
            self.part(part)
        }
        endTurn()
    }

    /// A result whose call is not there: Gemini takes it as the user's text only.
    mutating func orphan(_ message: Message) {
        losses.repair("tool message without its call")
        beginTurn("user")
        textPart("Result of the tool call \(message.callID ?? ""):")
        parts(message.content)
        endTurn()
    }
}

extension Message {
    /// What is not text.
    var mediaParts: [JSONSpan] {
        content?.elements.filter { $0.kind == .object && !($0["text"]?.kind == .string) } ?? []
    }

    /// Its texts as one JSON string, a line break between two.
    func writeText(to out: ByteWriter) {
        if let content, content.kind == .string { return out.append(bytes: content.raw) }
        out.append("\"")
        var isFirst = true
        for part in content?.elements ?? JSONSpanElements(none: span) {
            let text = part.kind == .string ? part : part["text"]
            guard let text, text.kind == .string else { continue }
            if !isFirst { out.append(#"\n"#) }
            isFirst = false
            out.append(bytes: text.inner)
        }
        out.append("\"")
    }
}
