package import CanonicalModel
package import PluginABI
package import WireJSON

/// Canonical events gathered into one `chat.completion` object.
package final class ChatUnaryEncoder: ResponseEncoder {
    package let output = ByteWriter(capacity: 4096)
    package private(set) var failure: ExchangeError?
    package var isComplete: Bool { gate.isComplete }
    package var isStreaming: Bool { false }
    package let repairs = Repairs()
    package var tokens: TokenCounts { gate.usage }

    private var gate: EventGate
    private let head = ByteWriter(capacity: 256)
    private var members = JSONMembers()
    private var choices: [Choice] = []
    private var usage: ByteWriter?
    private var size = 0
    private let maxBytes: Int

    /// `maxBytes`: of text, reasoning and arguments together; more fails the reply.
    package init(maxBytes: Int = 64 << 20) {
        self.maxBytes = maxBytes
        gate = EventGate(repairs, isSingle: false)
    }

    package func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in events {
            guard failure == nil else { return kimi_status(KIMI_STOP) }
            if let problem = problem(event) ?? gate.take(event, gather) { failure = problem }
        }
        if failure != nil { return kimi_status(KIMI_STOP) }
        return kimi_status(KIMI_OK)
    }

    package func complete() throws(ExchangeError) {
        guard isComplete else { throw ChatReply.incomplete }
        if let problem = gate.end(gather) {
            failure = problem
            throw problem
        }
        output.append("{")
        output.append(head)
        members.write(to: output, leadingComma: false)
        output.append(#""choices":["#)
        for (position, number) in choices.indices.filter({ choices[$0].isBegun }).enumerated() {
            if position > 0 { output.append(",") }
            choices[number].write(number, to: output)
        }
        output.append("]")
        if let usage {
            output.append(#","usage":"#)
            output.append(usage)
        }
        output.append("}")
    }

    package func abort(_ error: ExchangeError) {}

    private func problem(_ event: CanonicalEvent) -> ExchangeError? {
        size += event.a.len + event.c.len
        guard size <= maxBytes else {
            return ExchangeError(
                KIMI_CAT_PROTOCOL,
                "the answer is larger than \(maxBytes) bytes (limits.max_response_bytes): ask for a stream",
                code: "reply_too_large")
        }
        return nil
    }

    private func gather(_ event: CanonicalEvent) {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START: ChatReply.writeHead(event, object: "chat.completion", to: head)
        case KIMI_EVENT_USAGE: usage = ChatUsage.json(event, repairs) ?? usage
        case KIMI_EVENT_ERROR: failure = ExchangeError(event)
        case KIMI_EVENT_JSON where event.i0 == Int64(KIMI_SCOPE_RESPONSE.rawValue):
            if ChatMembers.admits(event, repairs) { members.add(event, repairs) }
        default:
            if kimi_event_type(event.type) == KIMI_EVENT_JSON, !ChatMembers.admits(event, repairs) { return }
            while choices.count <= Int(event.choice) { choices.append(Choice()) }
            choices[Int(event.choice)].gather(event, repairs)
        }
    }
}

/// One choice being gathered; strings are kept escaped, ready to be written.
private struct Choice {
    private var content = ByteWriter(capacity: 512)
    private var reasoning: ByteWriter?
    private var calls: [ByteWriter] = []
    private var images: ByteWriter?
    private var messageMembers = JSONMembers()
    private var choiceMembers = JSONMembers()
    /// Calls of kinds that no event tells of, as they came.
    private var foreignCalls = ByteWriter(capacity: 0)
    private var finish: [UInt8] = []
    private let nativeReason = ByteWriter(capacity: 0)
    private var hasContent = false
    private(set) var isBegun = false

    mutating func gather(_ event: CanonicalEvent, _ repairs: Repairs) {
        isBegun = true
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_TEXT:
            hasContent = true
            content.appendJSONEscaped(event.a.buffer)
        case KIMI_EVENT_REASONING: appendReasoning(event.a)
        case KIMI_EVENT_TOOL_BEGIN: beginCall(event)
        case KIMI_EVENT_TOOL_ARGS: calls.last?.appendJSONEscaped(event.a.buffer)
        case KIMI_EVENT_PART: appendPart(event.a)
        case KIMI_EVENT_JSON:
            if event.i0 == Int64(KIMI_SCOPE_CHOICE.rawValue) {
                choiceMembers.add(event, repairs)
            } else if event.b.buffer.matches("tool_calls") {
                appendForeign(event.a.buffer, repairs)
            } else {
                messageMembers.add(event, repairs)
            }
        case KIMI_EVENT_FINISH:
            finish = Array(event.a.buffer)
            ChatReply.nativeReason(event, to: nativeReason)
        default: break  // TOOL_END has no equal here; unknown types are skipped by rule.
        }
    }

    private func appendForeign(_ json: UnsafeRawBufferPointer, _ repairs: Repairs) {
        for element in (try? JSONSpans.elements(of: json)) ?? [] {
            guard element.kind == .object else {
                repairs.add(.dropped, "a tool call that is no object")
                continue
            }
            if foreignCalls.count > 0 { foreignCalls.append(",") }
            foreignCalls.append(bytes: UnsafeRawBufferPointer(rebasing: json[element.valueRange]))
        }
    }

    private mutating func appendReasoning(_ text: kimi_bytes) {
        guard text.len > 0 else { return }
        if reasoning == nil { reasoning = ByteWriter(capacity: 512) }
        reasoning?.appendJSONEscaped(text.buffer)
    }

    private mutating func beginCall(_ event: CanonicalEvent) {
        let call = ByteWriter(capacity: 256)
        call.append(#"{"id":"#)
        ChatReply.writeCallID(event.a, event.index, to: call)
        call.append(#","type":"function","function":{"name":"#)
        call.appendJSONString(event.b.buffer)
        call.append(#","arguments":""#)
        calls.append(call)
    }

    private mutating func appendPart(_ json: kimi_bytes) {
        if images == nil { images = ByteWriter(capacity: 512) } else { images?.append(",") }
        images?.append(json: json.buffer)
    }

    func write(_ number: Int, to out: ByteWriter) {
        out.append(#"{"index":"#)
        out.append(int: Int64(number))
        out.append(#","message":{"role":"assistant","content":"#)
        writeContent(to: out)
        writeCalls(to: out)
        if let images {
            out.append(#","images":["#)
            out.append(images)
            out.append("]")
        }
        messageMembers.write(to: out, leadingComma: true)
        out.append("}")
        choiceMembers.write(to: out, leadingComma: true)
        out.append(#","finish_reason":"#)
        finish.withUnsafeBytes { out.appendJSONString($0) }
        out.append(nativeReason)
        out.append("}")
    }

    private func writeContent(to out: ByteWriter) {
        if !hasContent, !calls.isEmpty || foreignCalls.count > 0 {
            out.append("null")
        } else {
            out.append("\"")
            out.append(content)
            out.append("\"")
        }
        guard let reasoning else { return }
        out.append(#","reasoning_content":""#)
        out.append(reasoning)
        out.append("\"")
    }

    private func writeCalls(to out: ByteWriter) {
        guard !calls.isEmpty || foreignCalls.count > 0 else { return }
        out.append(#","tool_calls":["#)
        for (number, call) in calls.enumerated() {
            if number > 0 { out.append(",") }
            out.append(call)
            out.append("\"}}")
        }
        if !calls.isEmpty, foreignCalls.count > 0 { out.append(",") }
        out.append(foreignCalls)
        out.append("]")
    }
}
