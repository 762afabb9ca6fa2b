internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Of `/completions`: for the log.
struct CompletionDecoder: ReplyDecoder {
    private(set) var isFinished = false
    private(set) var hasFailed = false
    private(set) var hasContent = false
    private var hasStarted = false
    private var finished: Set<UInt32> = []
    private var usage = UsageStash()
    let lateBytes = 0

    mutating func event(
        _ root: JSONValue, name: UnsafeRawBufferPointer, frame: UnsafeRawBufferPointer, to workspace: Workspace
    ) throws(PluginFailure) {
        if let error = root["error"], !error.isNull {
            hasFailed = true
            var report = UpstreamError(error, httpStatus: 0)
            return report.add(to: workspace)
        }
        if !hasStarted { workspace.addStart(root) }
        hasStarted = true
        if let choices = root["choices"] { for choice in choices.elements { add(choice, workspace) } }
        if let usage = root["usage"], usage.isObject {
            self.usage.keep(usage)
            self.usage.emit(to: workspace)
        }
    }

    mutating func body(_ root: JSONValue, frame: UnsafeRawBufferPointer, to workspace: Workspace) throws(PluginFailure)
    {
        try event(root, name: UnsafeRawBufferPointer(start: nil, count: 0), frame: frame, to: workspace)
    }

    mutating func complete(to workspace: Workspace) throws(PluginFailure) {}

    private mutating func add(_ value: JSONValue, _ workspace: Workspace) {
        let number = UInt32(clamping: value["index"]?.int ?? 0)
        guard number < ChatDecoder.maxChoices, !finished.contains(number) else { return }
        if let text = value["text"]?.stringBytes, !text.isEmpty {
            hasContent = true
            workspace.add(KIMI_EVENT_TEXT, choice: number, text)
        }
        guard let reason = value["finish_reason"]?.stringBytes, FinishReason.isReason(reason) else { return }
        finished.insert(number)
        isFinished = true
        var event = kimi_event(KIMI_EVENT_FINISH, choice: number)
        event.a = FinishReason.canonical(reason)
        event.b = kimi_bytes(reason)
        workspace.add(event)
    }
}

/// Of `/embeddings`: for the log.
struct EmbeddingDecoder: ReplyDecoder {
    private(set) var isFinished = false
    private(set) var hasFailed = false
    let hasContent = false
    let lateBytes = 0

    mutating func event(
        _ root: JSONValue, name: UnsafeRawBufferPointer, frame: UnsafeRawBufferPointer, to workspace: Workspace
    ) throws(PluginFailure) {
        try body(root, frame: frame, to: workspace)
    }

    mutating func body(_ root: JSONValue, frame: UnsafeRawBufferPointer, to workspace: Workspace) throws(PluginFailure)
    {
        guard !isFinished, !hasFailed else { return }
        if let error = root["error"], !error.isNull {
            hasFailed = true
            var report = UpstreamError(error, httpStatus: 0)
            return report.add(to: workspace)
        }
        isFinished = true
        workspace.addStart(root)
        var event = kimi_event(KIMI_EVENT_FINISH)
        event.a = kimi_bytes(literal: "stop")
        workspace.add(event)
        guard let object = root["usage"], object.isObject else { return }
        var usage = UsageStash()
        usage.keep(object)
        usage.emit(to: workspace)
    }

    mutating func complete(to workspace: Workspace) throws(PluginFailure) {}
}

extension Workspace {
    /// START from an object's `id`, `model` and `created`.
    fileprivate func addStart(_ root: JSONValue) {
        var event = kimi_event(KIMI_EVENT_START)
        if let id = root["id"]?.stringBytes { event.a = kimi_bytes(id) }
        if let model = root["model"]?.stringBytes { event.b = kimi_bytes(model) }
        event.i0 = root["created"]?.int ?? 0
        add(event)
    }
}
