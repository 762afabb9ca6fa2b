internal import PluginABI
internal import PluginKit
internal import WireJSON

/// From the Responses API's events and bodies to canonical events. Events that it does not know are skipped.
struct ResponsesDecoder: ReplyDecoder {
    /// How reasoning items that must come back reach the client.
    enum Seal {
        /// JSON events of scope MESSAGE, `reasoning_items`.
        case member
        /// The same, with the whole item in `encrypted_content`: clients of Responses keep that, but not the id, and
        /// the upstream wants both.
        case content
        /// The signature of the thought, for clients that keep nothing else.
        case signature
    }

    /// Items of one answer that are told apart; those behind them are taken for the last.
    static let maxItems = 4096

    private(set) var isFinished = false
    private(set) var hasFailed = false
    var hasContent = false
    let seal: Seal
    private var hasStarted = false
    var calls = ToolCalls()
    var hasCustomCalls = false
    /// What has come of an item, by its number in the output.
    var items: [Int64: Seen] = [:]
    var thoughts = 0
    private var usage = UsageStash()

    /// What came of one item, so that its end does not say it again.
    struct Seen {
        var hasText = false
        var hasRefusal = false
        var hasReasoning = false
        var hasArguments = false
        var summaries: Int64 = 0
    }

    var lateBytes: Int { calls.lateBytes }

    init(seal: Seal) {
        self.seal = seal
    }

    mutating func event(
        _ root: JSONValue, name: UnsafeRawBufferPointer, frame: UnsafeRawBufferPointer, to workspace: Workspace
    ) throws(PluginFailure) {
        guard root.isObject else {
            throw .protocolError("The upstream sent an event that is not a JSON object: \(Excerpt.of(frame)).")
        }
        guard !isFinished, !hasFailed else { return }
        let type = root["type"]?.stringBytes ?? name
        if type.matches("error") || (root["error"].map { !$0.isNull } ?? false && root["response"] == nil) {
            return fail(root["error"].flatMap { $0.isNull ? nil : $0 } ?? root, to: workspace)
        }
        if let response = root["response"], response.isObject { try self.response(response, type, workspace) }
        if hasFailed || isFinished { return }
        try item(root, type, workspace)
    }

    mutating func body(_ root: JSONValue, frame: UnsafeRawBufferPointer, to workspace: Workspace) throws(PluginFailure)
    {
        guard root.isObject else {
            throw .protocolError("The upstream's answer is not a JSON object: \(Excerpt.of(frame)).")
        }
        if let error = root["error"], !error.isNull { return fail(error, to: workspace) }
        guard root["output"]?.isArray == true else {
            if root["detail"] != nil || root["message"] != nil { return fail(root, to: workspace) }
            throw .protocolError("The upstream's answer has no \"output\": \(Excerpt.of(frame)).")
        }
        try finish(root, to: workspace)
    }

    mutating func complete(to workspace: Workspace) throws(PluginFailure) {
        guard !isFinished, !hasFailed else { return }
        throw .protocolError("The upstream ended the stream without response.completed.")
    }

    // MARK: The response

    private mutating func response(
        _ response: JSONValue, _ type: UnsafeRawBufferPointer, _ workspace: Workspace
    ) throws(PluginFailure) {
        start(response, to: workspace)
        if type.matches("response.completed") || type.matches("response.incomplete") || type.matches("response.done") {
            try finish(response, to: workspace)
        } else if type.matches("response.failed") || type.matches("response.cancelled") {
            if let usage = response["usage"], usage.isObject {
                self.usage.keep(usage)
                self.usage.emit(to: workspace)
            }
            fail(response["error"].flatMap { $0.isNull ? nil : $0 } ?? response, to: workspace)
        }
    }

    mutating func start(_ response: JSONValue, to workspace: Workspace) {
        guard !hasStarted else { return }
        hasStarted = true
        var event = kimi_event(KIMI_EVENT_START)
        if let id = response["id"]?.stringBytes { event.a = kimi_bytes(id) }
        if let model = response["model"]?.stringBytes { event.b = kimi_bytes(model) }
        event.i0 = response["created_at"]?.double.flatMap { Int64(exactly: $0.rounded(.down)) } ?? 0
        workspace.add(event)
    }

    /// The whole response is there: what no event brought is taken from it.
    private mutating func finish(_ response: JSONValue, to workspace: Workspace) throws(PluginFailure) {
        start(response, to: workspace)
        if response["status"]?.stringBytes?.matches("failed") == true {
            return fail(response["error"] ?? response, to: workspace)
        }
        var number: Int64 = 0
        if let output = response["output"] {
            for item in output.elements where item.isObject {
                try whole(item, number, workspace)
                number += 1
            }
        }
        calls.close(choice: 0, to: workspace)
        if let tier = response["service_tier"], tier.isString {
            let name: StaticString = "service_tier"
            workspace.add(member: kimi_bytes(literal: name).buffer, tier, of: KIMI_SCOPE_RESPONSE, choice: 0)
        }
        isFinished = true
        workspace.add(finishEvent(response))
        if let usage = response["usage"], usage.isObject {
            self.usage.keep(usage)
            self.usage.emit(to: workspace)
        }
    }

    private func finishEvent(_ response: JSONValue) -> kimi_event {
        var event = kimi_event(KIMI_EVENT_FINISH)
        if let reason = response["incomplete_details"]?["reason"]?.stringBytes {
            event.a = FinishReason.canonical(reason)
            event.b = kimi_bytes(reason)
        } else {
            let hasCalls = !calls.isEmpty || hasCustomCalls
            event.a = kimi_bytes(literal: hasCalls ? "tool_calls" : "stop")
            if let status = response["status"]?.stringBytes { event.b = kimi_bytes(status) }
            if response["status"]?.stringBytes?.matches("incomplete") == true {
                event.a = kimi_bytes(literal: "length")
            }
        }
        return event
    }

    private mutating func fail(_ error: JSONValue, to workspace: Workspace) {
        hasFailed = true
        var report = UpstreamError(error, httpStatus: 0)
        report.add(to: workspace)
    }
}
