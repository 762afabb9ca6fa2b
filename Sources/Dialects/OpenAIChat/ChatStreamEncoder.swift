package import CanonicalModel
package import PluginABI
package import WireJSON

/// Canonical events as `chat.completion.chunk` server-sent events: one chunk per event, in the same pass.
package final class ChatStreamEncoder: ResponseEncoder {
    package let output = ByteWriter(capacity: 4096)
    package private(set) var failure: ExchangeError?
    package var isComplete: Bool { gate.isComplete }
    package var isStreaming: Bool { true }
    package let repairs = Repairs()
    package var tokens: TokenCounts { gate.usage }

    private let wantsUsage: Bool
    private var gate: EventGate
    private var numbers: [ChatCallNumbers] = []
    /// `data: {"id":…,"model":…,` of every chunk, with the response's further members.
    private let head = ByteWriter(capacity: 256)
    /// Where those begin.
    private var headLength = 0
    private var members = JSONMembers()
    /// Bytes of members that are repeated in each chunk.
    private static let maxRepeatedBytes = 1_024
    private var hasRole: [Bool] = []
    private var usage: ByteWriter?

    package init(wantsUsage: Bool) {
        self.wantsUsage = wantsUsage
        gate = EventGate(repairs, isSingle: false)
    }

    package func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in events {
            guard failure == nil else { return kimi_status(KIMI_STOP) }
            if let problem = gate.take(event, encode) { failure = problem }
        }
        if failure != nil { return kimi_status(KIMI_STOP) }
        return kimi_status(KIMI_OK)
    }

    package func complete() throws(ExchangeError) {
        guard isComplete else { throw ChatReply.incomplete }
        if let problem = gate.end(encode) {
            failure = problem
            throw problem
        }
        if wantsUsage, let usage {
            begin()
            output.append(#""choices":[],"usage":"#)
            output.append(usage)
            output.append("}\n\n")
        }
        output.append("data: [DONE]\n\n")
    }

    package func abort(_ error: ExchangeError) {
        output.append("data: ")
        ChatErrors.write(error, to: output)
        output.append("\n\n")
    }

    // MARK: Events

    private func encode(_ event: CanonicalEvent) {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START: start(event)
        case KIMI_EVENT_TEXT: delta(event) { $0.string("content", event.a) }
        case KIMI_EVENT_REASONING: if event.a.len > 0 { delta(event) { $0.string("reasoning_content", event.a) } }
        case KIMI_EVENT_TOOL_BEGIN: call(event) { $0.toolBegin(event, $1) }
        case KIMI_EVENT_TOOL_ARGS: call(event) { $0.toolArguments(event, $1) }
        case KIMI_EVENT_PART: delta(event) { $0.json("images", event.a, asArray: true) }
        case KIMI_EVENT_JSON: extra(event)
        case KIMI_EVENT_USAGE: usage = ChatUsage.json(event, repairs) ?? usage
        case KIMI_EVENT_FINISH: finish(event)
        case KIMI_EVENT_ERROR: failure = ExchangeError(event)
        default: break  // TOOL_END has no equal here; unknown types are skipped by rule.
        }
    }

    private func start(_ event: CanonicalEvent) {
        head.append("data: {")
        ChatReply.writeHead(event, object: "chat.completion.chunk", to: head)
        headLength = head.count
    }

    private func begin() {
        output.append(head)
    }

    /// One chunk whose delta is written by `write`.
    private func delta(_ event: CanonicalEvent, _ write: (DeltaWriter) -> Void) {
        beginChoice(event)
        output.append(#","delta":{"#)
        writeRole(event.choice)
        write(DeltaWriter(out: output))
        output.append(#"},"finish_reason":null}]}"#)
        output.append("\n\n")
    }

    private func beginChoice(_ event: CanonicalEvent) {
        begin()
        output.append(#""choices":[{"index":"#)
        output.append(int: Int64(event.choice))
    }

    /// The choice's first delta carries the role.
    private func writeRole(_ choice: UInt32, alone: Bool = false) {
        let number = Int(choice)
        if number < hasRole.count, hasRole[number] { return }
        while hasRole.count <= number { hasRole.append(false) }
        hasRole[number] = true
        output.append(alone ? #""role":"assistant","content":"""# : #""role":"assistant","#)
    }

    private func call(_ event: CanonicalEvent, _ write: (DeltaWriter, Int64) -> Void) {
        let number = withNumbers(event.choice) { $0.ofCall(event.index) }
        delta(event) { write($0, number) }
    }

    private func withNumbers<Value>(_ choice: UInt32, _ body: (inout ChatCallNumbers) -> Value) -> Value {
        while numbers.count <= Int(choice) { numbers.append(ChatCallNumbers()) }
        return body(&numbers[Int(choice)])
    }

    private func extra(_ event: CanonicalEvent) {
        guard ChatMembers.admits(event, repairs) else { return }
        switch event.i0 {
        case Int64(KIMI_SCOPE_RESPONSE.rawValue):
            responseMember(event)
        case Int64(KIMI_SCOPE_CHOICE.rawValue):
            beginChoice(event)
            output.append(#","delta":{"#)
            writeRole(event.choice, alone: true)
            output.append("},")
            ChatReply.member(event.b, event.a, to: output)
            output.append(#","finish_reason":null}]}"#)
            output.append("\n\n")
        case Int64(KIMI_SCOPE_MESSAGE.rawValue) where event.b.buffer.matches("tool_calls"):
            let calls = withNumbers(event.choice) { $0.numbered(event.a.buffer, repairs) }
            guard let calls else { return }
            calls.withBytes { calls in delta(event) { ChatReply.member(event.b, kimi_bytes(calls), to: $0.out) } }
        default:
            delta(event) { ChatReply.member(event.b, event.a, to: $0.out) }
        }
    }

    /// Members of the response stand in every chunk from here on, as upstreams repeat them; what is too much for that
    /// comes once.
    private func responseMember(_ event: CanonicalEvent) {
        guard members.byteCount + event.a.len + event.b.len <= Self.maxRepeatedBytes else {
            begin()
            ChatReply.member(event.b, event.a, to: output)
            output.append(#","choices":[]}"#)
            return output.append("\n\n")
        }
        members.set(event.b, event.a)
        head.truncate(to: headLength)
        members.write(to: head, leadingComma: false)
    }

    private func finish(_ event: CanonicalEvent) {
        beginChoice(event)
        output.append(#","delta":{"#)
        writeRole(event.choice, alone: true)
        output.append(#"},"finish_reason":"#)
        output.appendJSONString(event.a.buffer)
        ChatReply.nativeReason(event, to: output)
        output.append("}]}\n\n")
    }
}

/// Members of a delta.
private struct DeltaWriter {
    let out: ByteWriter

    func string(_ name: StaticString, _ text: kimi_bytes) {
        name.quoted(to: out)
        out.appendJSONString(text.buffer)
    }

    func json(_ name: StaticString, _ json: kimi_bytes, asArray: Bool) {
        name.quoted(to: out)
        if asArray { out.append("[") }
        out.append(json: json.buffer)
        if asArray { out.append("]") }
    }

    func toolBegin(_ event: CanonicalEvent, _ number: Int64) {
        out.append(#""tool_calls":[{"index":"#)
        out.append(int: number)
        out.append(#","id":"#)
        ChatReply.writeCallID(event.a, event.index, to: out)
        out.append(#","type":"function","function":{"name":"#)
        out.appendJSONString(event.b.buffer)
        out.append(#","arguments":""}}]"#)
    }

    func toolArguments(_ event: CanonicalEvent, _ number: Int64) {
        out.append(#""tool_calls":[{"index":"#)
        out.append(int: number)
        out.append(#","function":{"arguments":"#)
        out.appendJSONString(event.a.buffer)
        out.append("}}]")
    }
}

extension StaticString {
    /// `"name":`, for names that need no escape.
    fileprivate func quoted(to out: ByteWriter) {
        out.append("\"")
        out.append(self)
        out.append("\":")
    }
}
