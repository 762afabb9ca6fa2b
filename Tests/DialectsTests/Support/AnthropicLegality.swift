import WireJSON

/// Reads a Messages stream as a strict client would, and says what is illegal in it. Knows nothing of the encoder.
struct StreamReader {
    private(set) var problems: [String] = []
    private(set) var text = ""
    private(set) var thinking = ""
    /// Per call: the parts of its input, joined.
    private(set) var inputs: [String] = []
    private(set) var blockTypes: [String] = []
    private(set) var signatures: [String] = []
    private(set) var stopReason: String?
    /// The stream ended with an error.
    private(set) var hasFailed = false
    private var hasStarted = false
    private var hasDelta = false
    private var hasStopped = false
    private var open: (index: Int64, type: String)?
    private var isSigned = false
    private var nextIndex: Int64 = 0
    private let parser = JSONParser()

    static let stopReasons = [
        "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded",
    ]

    init(_ stream: [UInt8]) {
        read(stream)
    }

    private mutating func read(_ stream: [UInt8]) {
        guard let text = String(validating: stream, as: UTF8.self) else { return bad("not UTF-8") }
        guard text.isEmpty || text.hasSuffix("\n\n") else { return bad("the last event is not closed") }
        for frame in text.split(separator: "\n\n") { read(frame: frame) }
        if !hasStopped { bad("no message_stop") }
    }

    private mutating func bad(_ problem: String) { problems.append(problem) }

    private mutating func read(frame: Substring) {
        let lines = frame.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 2, lines[0].hasPrefix("event: "), lines[1].hasPrefix("data: ") else {
            return bad("frame \(frame)")
        }
        guard let data = try? parser.parse(Array(lines[1].dropFirst(6).utf8)), let type = data["type"]?.string,
            type == lines[0].dropFirst(7)
        else { return bad("data or type of \(frame)") }
        if let key = Array(lines[1].dropFirst(6).utf8).withUnsafeBytes(JSONKeys.repeated) { bad("'\(key)' twice") }
        if hasStopped { bad("\(type) after message_stop") }
        if type != "message_start", type != "ping", type != "error", !hasStarted { bad("\(type) before message_start") }
        switch type {
        case "message_start": start(data)
        case "content_block_start": startBlock(data)
        case "content_block_delta": delta(data)
        case "content_block_stop": stopBlock(data)
        case "message_delta": messageDelta(data)
        case "message_stop":
            if !hasDelta { bad("message_stop without message_delta") }
            hasStopped = true
        case "error":
            if data["error"]?["type"]?.string == nil || data["error"]?["message"]?.string == nil { bad("error") }
            (hasStopped, hasFailed) = (true, true)
        case "ping": break
        default: bad("event \(type)")
        }
    }

    private mutating func start(_ data: JSONValue) {
        if hasStarted { bad("a second message_start") }
        hasStarted = true
        guard let message = data["message"], message["type"]?.string == "message",
            message["role"]?.string == "assistant", message["id"]?.string?.isEmpty == false,
            message["model"]?.string != nil,
            message["content"]?.isArray == true, message["content"]?.elementCount == 0,
            message["stop_reason"]?.isNull == true, message["stop_sequence"]?.isNull == true
        else { return bad("message_start") }
        usage(message["usage"])
    }

    private mutating func usage(_ usage: JSONValue?) {
        for name in ["input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"] {
            guard let count = usage?.member(name)?.int, count >= 0 else { return bad("usage.\(name)") }
        }
    }

    private mutating func startBlock(_ data: JSONValue) {
        if hasDelta { bad("a block after message_delta") }
        if let open { bad("a block while block \(open.index) is open") }
        guard data["index"]?.int == nextIndex, let block = data["content_block"], let type = block["type"]?.string
        else {
            return bad("content_block_start \(String(decoding: data.json, as: UTF8.self))")
        }
        blockTypes.append(type)
        open = (nextIndex, type)
        nextIndex += 1
        isSigned = false
        switch type {
        case "text": if block["text"]?.string != "" { bad("a text block that does not begin empty") }
        case "thinking":
            if block["thinking"]?.string != "" || block["signature"]?.string != "" { bad("start of a thinking block") }
        case "tool_use", "server_tool_use": startCall(block)
        default: break
        }
    }

    private mutating func startCall(_ block: JSONValue) {
        let id = block["id"]?.string ?? ""
        let isLegal =
            !id.isEmpty
            && id.utf8.allSatisfy {
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-".utf8.contains($0)
            }
        if !isLegal { bad("call id \(id)") }
        if block["name"]?.string?.isEmpty != false { bad("a call without a name") }
        if block["input"]?.isObject != true || block["input"]?.elementCount != 0 { bad("input at the start of a call") }
        inputs.append("")
    }

    private mutating func delta(_ data: JSONValue) {
        guard let open, data["index"]?.int == open.index, let delta = data["delta"], let type = delta["type"]?.string
        else { return bad("a delta for no open block") }
        if isSigned { bad("a delta after the signature") }
        switch (open.type, type) {
        case ("text", "text_delta"): text += delta["text"]?.string ?? ""
        case ("thinking", "thinking_delta"): thinking += delta["thinking"]?.string ?? ""
        case ("thinking", "signature_delta"):
            isSigned = true
            signatures.append(delta["signature"]?.string ?? "")
        case ("tool_use", "input_json_delta"), ("server_tool_use", "input_json_delta"):
            inputs[inputs.count - 1] += delta["partial_json"]?.string ?? ""
        default: bad("a \(type) in a block of type \(open.type)")
        }
    }

    private mutating func stopBlock(_ data: JSONValue) {
        if open == nil || data["index"]?.int != open?.index { bad("content_block_stop") }
        open = nil
    }

    private mutating func messageDelta(_ data: JSONValue) {
        if hasDelta { bad("a second message_delta") }
        if open != nil { bad("message_delta while a block is open") }
        hasDelta = true
        stopReason = data["delta"]?["stop_reason"]?.string
        if !Self.stopReasons.contains(stopReason ?? "") { bad("stop_reason \(stopReason ?? "nil")") }
        if data["delta"]?["stop_sequence"] == nil { bad("no stop_sequence") }
        usage(data["usage"])
    }
}
