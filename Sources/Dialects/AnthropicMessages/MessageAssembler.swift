import CanonicalModel
import PluginABI
import WireJSON

/// Turns canonical events into content blocks, one open at a time, whatever order the events come in.
struct MessageAssembler<Blocks: MessageBlocks> {
    private enum Open { case nothing, text, thinking, call }

    var blocks: Blocks
    var stop = MessageStop()
    private(set) var usage = MessageUsage()

    private var open = Open.nothing
    private var signature: [UInt8] = []
    /// Was the last thinking block closed without a signature?
    private var isUnsigned = false
    private var arguments = CallArguments(isStreaming: false)
    private var held = HeldEvents()
    private var messageID: [UInt8] = []
    private let repairs: Repairs

    init(blocks: Blocks, _ repairs: Repairs) {
        self.blocks = blocks
        self.repairs = repairs
    }

    /// Writes `"id":…,"type":"message","role":"assistant","model":…` of the START event.
    mutating func start(_ event: CanonicalEvent, to out: ByteWriter) {
        messageID = Array(event.a.buffer)
        out.append(#""id":"#)
        if event.a.len > 0 { out.appendJSONString(event.a.buffer) } else { out.append(#""msg_0""#) }
        out.append(#","type":"message","role":"assistant","model":"#)
        out.appendJSONString(event.b.buffer)
    }

    /// An event that `EventGate` let pass; START and ERROR are the encoder's.
    mutating func take(_ event: CanonicalEvent) {
        let type = kimi_event_type(event.type)
        if type == KIMI_EVENT_USAGE { return usage.take(event) }
        if type == KIMI_EVENT_JSON, event.i0 == Int64(KIMI_SCOPE_RESPONSE.rawValue) { return extra(event) }
        if open == .call, type != KIMI_EVENT_TOOL_ARGS, type != KIMI_EVENT_TOOL_END { return hold(event) }
        switch type {
        case KIMI_EVENT_TEXT: text(event.a.buffer)
        case KIMI_EVENT_REASONING: reasoning(event)
        case KIMI_EVENT_TOOL_BEGIN: begin(event)
        case KIMI_EVENT_TOOL_ARGS: arguments.add(event.a.buffer, to: &blocks)
        case KIMI_EVENT_TOOL_END: endCall()
        case KIMI_EVENT_PART: part(event)
        case KIMI_EVENT_JSON: extra(event)
        case KIMI_EVENT_FINISH:
            close()
            stop.finish(event)
        default: break
        }
    }

    /// Leaves out what this API has no place for.
    func skip(_ what: String) { repairs.add(.dropped, what) }

    /// What is said in the middle of a call comes behind it.
    private mutating func hold(_ event: CanonicalEvent) {
        if !held.add(event) { skip("more came inside a tool call than is kept") }
    }

    private mutating func endCall() {
        close()
        let events = held.take()
        for event in events { event.withEvent { take($0) } }
    }

    // MARK: Blocks

    mutating func close() {
        switch open {
        case .nothing: return
        case .text: blocks.closeText()
        case .thinking:
            isUnsigned = signature.isEmpty
            signature.withUnsafeBytes { blocks.closeThinking($0) }
            signature = []
        case .call:
            if !arguments.end(&blocks) { repairs.add(.arguments, arguments.repair) }
            blocks.closeCall()
        }
        open = .nothing
    }

    mutating func text(_ text: UnsafeRawBufferPointer) {
        guard !text.isEmpty else { return }
        if open != .text {
            close()
            blocks.openText()
            open = .text
        }
        blocks.text(text)
    }

    /// A source of the open text, which begins with it if there is none.
    mutating func cite(_ citation: UnsafeRawBufferPointer) {
        if open != .text {
            close()
            blocks.openText()
            open = .text
        }
        blocks.citation(citation)
    }

    private mutating func reasoning(_ event: CanonicalEvent) {
        if event.a.len > 0 {
            think(isNew: !signature.isEmpty)
            blocks.thinking(event.a.buffer)
        }
        guard event.b.len > 0 else { return }
        // A signature that comes after its block cannot be attached any more, and fits no other.
        if open != .thinking, isUnsigned {
            return skip("a signature that came after its thinking block")
        }
        think(isNew: !signature.isEmpty)
        signature = Array(event.b.buffer)
    }

    /// What is signed is over: further thoughts are a block of their own.
    private mutating func think(isNew: Bool) {
        if open == .thinking, !isNew { return }
        close()
        blocks.openThinking()
        open = .thinking
    }

    private mutating func begin(_ event: CanonicalEvent) {
        close()
        let head = ByteWriter(capacity: 128)
        head.append(#""id":"#)
        if event.a.len > 0 {
            ToolCallID.write(event.a.buffer, to: head)
        } else {
            ToolCallID.writeMade(event.index, message: messageID, to: head)
        }
        head.append(#","name":"#)
        head.appendJSONString(event.b.buffer)
        blocks.openCall(head)
        arguments = CallArguments(isStreaming: blocks.streamsArguments)
        open = .call
        stop.hasCalls = true
    }
}
