import WireJSON

/// How content blocks are written. `MessageAssembler` calls in legal order only: open, pieces, close; one at a time.
protocol MessageBlocks {
    /// Do arguments leave piece by piece? Otherwise a call's input comes whole, as one JSON object.
    var streamsArguments: Bool { get }

    mutating func openText()
    mutating func text(_ utf8: UnsafeRawBufferPointer)
    /// A source of the open text, as a JSON object.
    mutating func citation(_ json: UnsafeRawBufferPointer)
    mutating func closeText()

    mutating func openThinking()
    mutating func thinking(_ utf8: UnsafeRawBufferPointer)
    /// `signature` is empty where the upstream signs nothing.
    mutating func closeThinking(_ signature: UnsafeRawBufferPointer)

    /// `head` is `"id":…,"name":…` as JSON.
    mutating func openCall(_ head: ByteWriter)
    mutating func input(_ json: UnsafeRawBufferPointer)
    mutating func closeCall()

    /// A block that comes as one JSON object.
    mutating func whole(_ block: UnsafeRawBufferPointer)
    /// The same for a call of a hosted tool, whose member `input` is an object.
    mutating func whole(_ block: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer)
}

/// Blocks as server-sent events.
struct StreamBlocks: MessageBlocks {
    let out: ByteWriter
    private var index: Int64 = 0

    init(out: ByteWriter) {
        self.out = out
    }

    var streamsArguments: Bool { true }

    func openText() { start { $0.append(#"{"type":"text","text":""}"#) } }

    func text(_ utf8: UnsafeRawBufferPointer) {
        delta(#"{"type":"text_delta","text":"#, utf8)
    }

    func citation(_ json: UnsafeRawBufferPointer) {
        out.append("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":")
        out.append(int: index)
        out.append(#","delta":{"type":"citations_delta","citation":"#)
        out.append(json: json)
        out.append("}}\n\n")
    }

    mutating func closeText() { stop() }

    func openThinking() { start { $0.append(#"{"type":"thinking","thinking":"","signature":""}"#) } }

    func thinking(_ utf8: UnsafeRawBufferPointer) {
        delta(#"{"type":"thinking_delta","thinking":"#, utf8)
    }

    mutating func closeThinking(_ signature: UnsafeRawBufferPointer) {
        if !signature.isEmpty { delta(#"{"type":"signature_delta","signature":"#, signature) }
        stop()
    }

    func openCall(_ head: ByteWriter) {
        start {
            $0.append(#"{"type":"tool_use","#)
            $0.append(head)
            $0.append(#","input":{}}"#)
        }
    }

    func input(_ json: UnsafeRawBufferPointer) {
        delta(#"{"type":"input_json_delta","partial_json":"#, json)
    }

    mutating func closeCall() { stop() }

    mutating func whole(_ block: UnsafeRawBufferPointer) {
        start { $0.append(json: block) }
        stop()
    }

    /// Clients put the input together from deltas, so it comes as one.
    mutating func whole(_ block: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer) {
        let empty = [UInt8]("{}".utf8)
        let text = empty.withUnsafeBytes { try? JSONEdit.replaceMember("input", with: $0, in: block) }
        guard let text else { return whole(block) }
        start { out in text.withUnsafeBytes { out.append(json: $0) } }
        self.input(input)
        stop()
    }

    private func start(_ block: (ByteWriter) -> Void) {
        out.append("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":")
        out.append(int: index)
        out.append(#","content_block":"#)
        block(out)
        out.append("}\n\n")
    }

    private func delta(_ head: StaticString, _ text: UnsafeRawBufferPointer) {
        out.append("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":")
        out.append(int: index)
        out.append(#","delta":"#)
        out.append(head)
        out.appendJSONString(text)
        out.append("}}\n\n")
    }

    private mutating func stop() {
        out.append("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":")
        out.append(int: index)
        out.append("}\n\n")
        index += 1
    }
}

/// Blocks as elements of one array, without its brackets.
struct ArrayBlocks: MessageBlocks {
    let out: ByteWriter
    private var isFirst = true
    /// Sources of the open text, with commas between them.
    private let citations = ByteWriter(capacity: 16)

    init(out: ByteWriter) {
        self.out = out
    }

    var streamsArguments: Bool { false }

    mutating func openText() { open(#"{"type":"text","text":""#) }
    func text(_ utf8: UnsafeRawBufferPointer) { out.appendJSONEscaped(utf8) }

    func citation(_ json: UnsafeRawBufferPointer) {
        if citations.count > 0 { citations.append(",") }
        citations.append(json: json)
    }

    func closeText() {
        guard citations.count > 0 else { return out.append(#""}"#) }
        out.append(#"","citations":["#)
        out.append(citations)
        out.append("]}")
        citations.removeAll()
    }

    mutating func openThinking() { open(#"{"type":"thinking","thinking":""#) }
    func thinking(_ utf8: UnsafeRawBufferPointer) { out.appendJSONEscaped(utf8) }

    func closeThinking(_ signature: UnsafeRawBufferPointer) {
        out.append(#"","signature":"#)
        out.appendJSONString(signature)
        out.append("}")
    }

    mutating func openCall(_ head: ByteWriter) {
        open(#"{"type":"tool_use","#)
        out.append(head)
        out.append(#","input":"#)
    }

    func input(_ json: UnsafeRawBufferPointer) { out.append(json: json) }
    func closeCall() { out.append("}") }

    mutating func whole(_ block: UnsafeRawBufferPointer) {
        open("")
        out.append(json: block)
    }

    mutating func whole(_ block: UnsafeRawBufferPointer, input: UnsafeRawBufferPointer) { whole(block) }

    private mutating func open(_ text: StaticString) {
        if !isFirst { out.append(",") }
        isFirst = false
        out.append(text)
    }
}
