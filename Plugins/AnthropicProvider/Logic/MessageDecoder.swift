internal import OpenAICompatible
internal import PluginABI
internal import PluginKit
internal import WireJSON

/// A Messages answer, streamed or whole, as canonical events. Nothing that it does not know stops it.
struct MessageDecoder {
    let form: ReplyForm
    /// The requested model, for answers that name none.
    private let model: [UInt8]
    private(set) var isStarted = false
    /// Has the answer said why it ended?
    private(set) var isFinished = false
    /// Is there nothing more to come?
    private(set) var isDone = false
    /// Bytes of content that came when they could not be told any more.
    var lateBytes = 0
    /// What the client's API has no place for.
    var losses = Losses()
    var block: OpenBlock?
    var callCount: UInt32 = 0
    /// Characters of text so far.
    var textLength: Int64 = 0
    var gathered = GatheredMembers()
    private var usage = ReplyUsage()

    init(_ form: ReplyForm, model: [UInt8]) {
        self.form = form
        self.model = model
    }

    /// Do events serve the log only?
    var isNative: Bool { form == .native || form == .count }

    // MARK: Streams

    /// One server-sent event; `name` counts where the data has no type.
    mutating func event(_ root: JSONValue, name: UnsafeRawBufferPointer, _ workspace: Workspace) {
        guard !isDone else { return }
        let type = root["type"]?.stringBytes ?? name
        if type.matches("content_block_delta") {
            delta(root, workspace)
        } else if type.matches("content_block_start") {
            closeBlock(workspace)
            openBlock(root["index"]?.int ?? -1, root["content_block"], workspace)
        } else if type.matches("content_block_stop") {
            if let index = root["index"]?.int, let open = block, open.index >= 0, open.index != index { return }
            closeBlock(workspace)
        } else if type.matches("message_delta") {
            usage.take(root["usage"])
            end(root["delta"], workspace)
        } else if type.matches("message_start") {
            start(root["message"], workspace)
        } else if type.matches("message_stop") {
            stop(workspace)
        } else if type.matches("error") || root["error"].map({ !$0.isNull }) == true {
            fail(root, workspace)
        } else if type.matches("message") {
            _ = body(root, workspace)
        }
    }

    /// The stream says that it is over.
    mutating func stop(_ workspace: Workspace) {
        guard isStarted, !isDone else { return }
        if !isFinished { finish(nil, nil, workspace) }
        usage.emit(to: workspace)
        isDone = true
    }

    // MARK: Whole answers

    /// False if it is no answer at all.
    mutating func body(_ root: JSONValue, _ workspace: Workspace) -> Bool {
        if root["type"]?.stringBytes?.matches("error") == true || root["error"].map({ !$0.isNull }) == true {
            fail(root, workspace)
            return true
        }
        if form == .count { return count(root, workspace) }
        guard let content = root["content"], content.isArray else { return false }
        usage.take(root["usage"])
        start(root, workspace)
        for value in content.elements {
            openBlock(-1, value, workspace)
            closeBlock(workspace)
        }
        end(root, workspace)
        stop(workspace)
        return true
    }

    private mutating func count(_ root: JSONValue, _ workspace: Workspace) -> Bool {
        guard let tokens = root["input_tokens"]?.int else { return false }
        start(nil, workspace)
        var event = kimi_event(KIMI_EVENT_USAGE)
        (event.i0, event.i1, event.i2, event.i3) = (tokens, -1, -1, -1)
        workspace.add(event)
        finish(nil, nil, workspace)
        isDone = true
        return true
    }

    // MARK: Beginning and end

    mutating func start(_ message: JSONValue?, _ workspace: Workspace) {
        guard !isStarted else { return }
        isStarted = true
        workspace.add(kimi_event(KIMI_EVENT_START))
        workspace.attach(.a, copyOf: message?["id"]?.stringBytes.map(Array.init) ?? [])
        workspace.attach(.b, copyOf: message?["model"]?.stringBytes.map(Array.init) ?? model)
        usage.take(message?["usage"])
        usage.emit(to: workspace)
        // Some upstreams put the first blocks here.
        guard message?["type"]?.stringBytes?.matches("message") == true, message?["stop_reason"]?.isNull != false,
            let content = message?["content"]
        else { return }
        for value in content.elements {
            openBlock(-1, value, workspace)
            closeBlock(workspace)
        }
    }

    /// `message_delta`'s delta, or the members of a whole message.
    private mutating func end(_ delta: JSONValue?, _ workspace: Workspace) {
        guard let reason = delta?["stop_reason"]?.stringBytes, !reason.isEmpty, !isFinished else {
            if isFinished { usage.emit(to: workspace) }
            return
        }
        finish(reason, delta, workspace)
        usage.emit(to: workspace)
    }

    private mutating func finish(_ reason: UnsafeRawBufferPointer?, _ delta: JSONValue?, _ workspace: Workspace) {
        start(nil, workspace)
        closeBlock(workspace)
        if form == .chat { gathered.emit(to: workspace) }
        isFinished = true
        if form != .responses, let sequence = delta?["stop_sequence"], sequence.isString {
            member("stop_sequence", sequence.json, KIMI_SCOPE_CHOICE, workspace)
        }
        if form == .chat, let details = delta?["stop_details"], details.isObject {
            member("stop_details", details.json, KIMI_SCOPE_CHOICE, workspace)
        }
        workspace.add(kimi_event(KIMI_EVENT_FINISH))
        let word = Self.canonical(reason, hasCalls: callCount > 0)
        workspace.attach(.a, copyOf: Array(word.utf8))
        workspace.attach(.b, copyOf: reason.map(Array.init) ?? [])
        if let container = delta?["container"], container.isObject {
            member("container", container.json, KIMI_SCOPE_RESPONSE, workspace)
        }
    }

    private static func canonical(_ reason: UnsafeRawBufferPointer?, hasCalls: Bool) -> String {
        guard let reason else { return hasCalls ? "tool_calls" : "stop" }
        if reason.matches("tool_use") { return "tool_calls" }
        if reason.matches("max_tokens") || reason.matches("model_context_window_exceeded") { return "length" }
        if reason.matches("refusal") { return "content_filter" }
        let isStop = Self.ordinary.contains { reason.matches($0) }
        return isStop ? "stop" : String(decoding: reason, as: UTF8.self)
    }

    private static let ordinary: [StaticString] = ["end_turn", "stop_sequence", "pause_turn", "compaction"]

    private mutating func fail(_ root: JSONValue, _ workspace: Workspace) {
        isDone = true
        var error = UpstreamError(root["error"] ?? root, httpStatus: 0)
        error.add(to: workspace)
    }

    // MARK: Events

    /// A JSON event.
    func member(_ name: StaticString, _ json: [UInt8], _ scope: kimi_scope, _ workspace: Workspace) {
        var event = kimi_event(KIMI_EVENT_JSON)
        event.b = kimi_bytes(literal: name)
        event.i0 = Int64(scope.rawValue)
        workspace.add(event)
        workspace.attach(.a, copyOf: json)
    }
}
