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
    private static let maxItems = 4096

    private(set) var isFinished = false
    private(set) var hasFailed = false
    private(set) var hasContent = false
    private let seal: Seal
    private var hasStarted = false
    private var calls = ToolCalls()
    private var hasCustomCalls = false
    /// What has come of an item, by its number in the output.
    private var items: [Int64: Seen] = [:]
    private var thoughts = 0
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

    private mutating func start(_ response: JSONValue, to workspace: Workspace) {
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
            if response["status"]?.stringBytes?.matches("incomplete") == true { event.a = kimi_bytes(literal: "length") }
        }
        return event
    }

    private mutating func fail(_ error: JSONValue, to workspace: Workspace) {
        hasFailed = true
        var report = UpstreamError(error, httpStatus: 0)
        report.add(to: workspace)
    }
}

// MARK: Items

extension ResponsesDecoder {
    private mutating func item(
        _ root: JSONValue, _ type: UnsafeRawBufferPointer, _ workspace: Workspace
    ) throws(PluginFailure) {
        let number = root["output_index"]?.int ?? 0
        let delta = root["delta"]?.stringBytes
        if type.matches("response.output_text.delta") {
            begin(root, workspace)
            if let delta { text(delta, number, workspace) }
            logprobs(root["logprobs"], workspace)
        } else if type.matches("response.function_call_arguments.delta") {
            begin(root, workspace)
            try arguments(delta, number, workspace)
        } else if type.matches("response.output_item.added") {
            begin(root, workspace)
            if let item = root["item"], item.hasType("function_call") { try added(item, number, workspace) }
        } else if type.matches("response.output_item.done") {
            begin(root, workspace)
            if let item = root["item"], item.isObject { try whole(item, number, workspace) }
        } else if type.matches("response.reasoning_summary_text.delta") || type.matches("response.reasoning_text.delta") {
            begin(root, workspace)
            if let delta { reasoning(delta, part: root["summary_index"]?.int ?? 0, number, workspace) }
        } else if type.matches("response.refusal.delta") {
            begin(root, workspace)
            if let delta { refusal(delta, number, workspace) }
        } else if type.matches("response.output_text.annotation.added") {
            begin(root, workspace)
            if let annotation = root["annotation"] { self.annotation(annotation, workspace) }
        }
    }

    private mutating func begin(_ root: JSONValue, _ workspace: Workspace) { start(root, to: workspace) }

    private mutating func seen(_ number: Int64, _ change: (inout Seen) -> Void) {
        let key = items[number] != nil || items.count < Self.maxItems ? number : Int64(Self.maxItems)
        change(&items[key, default: Seen()])
    }

    private mutating func text(_ text: UnsafeRawBufferPointer, _ number: Int64, _ workspace: Workspace) {
        guard !text.isEmpty else { return }
        hasContent = true
        seen(number) { $0.hasText = true }
        workspace.add(KIMI_EVENT_TEXT, choice: 0, text)
    }

    private mutating func refusal(_ text: UnsafeRawBufferPointer, _ number: Int64, _ workspace: Workspace) {
        guard !text.isEmpty else { return }
        hasContent = true
        seen(number) { $0.hasRefusal = true }
        let name: StaticString = "refusal"
        workspace.add(.member(kimi_bytes(literal: name).buffer, of: KIMI_SCOPE_MESSAGE))
        let start = workspace.text.count
        workspace.text.appendJSONString(text)
        workspace.attach(.a, from: start)
    }

    /// Between two parts of a summary, and between two thoughts, stands a blank line.
    private mutating func reasoning(
        _ text: UnsafeRawBufferPointer, part: Int64, _ number: Int64, _ workspace: Workspace
    ) {
        guard !text.isEmpty else { return }
        hasContent = true
        var isNew = false
        seen(number) { seen in
            isNew = !seen.hasReasoning || part > seen.summaries
            seen.hasReasoning = true
            seen.summaries = max(part, seen.summaries)
        }
        if isNew, thoughts > 0 {
            workspace.add(kimi_event(KIMI_EVENT_REASONING))
            workspace.attach(.a, copyOf: Array("\n\n".utf8))
        }
        if isNew { thoughts += 1 }
        workspace.add(KIMI_EVENT_REASONING, choice: 0, text)
    }

    private func logprobs(_ list: JSONValue?, _ workspace: Workspace) {
        guard let list, list.isArray, list.elementCount > 0 else { return }
        let name: StaticString = "logprobs"
        workspace.add(.member(kimi_bytes(literal: name).buffer, of: KIMI_SCOPE_CHOICE))
        let start = workspace.text.count
        workspace.text.append(#"{"content":"#)
        list.write(to: workspace.text)
        workspace.text.append("}")
        workspace.attach(.a, from: start)
    }

    /// `{"type":"url_citation",…}` as Chat nests it.
    private func annotation(_ annotation: JSONValue, _ workspace: Workspace) {
        guard let type = annotation["type"]?.stringBytes else { return }
        let name: StaticString = "annotations"
        workspace.add(.member(kimi_bytes(literal: name).buffer, of: KIMI_SCOPE_MESSAGE))
        let start = workspace.text.count
        let out = workspace.text
        out.append(#"[{"type":"#)
        out.appendJSONString(type)
        out.append(",")
        out.appendJSONString(type)
        out.append(":{")
        var members = ItemList(out)
        for (key, value) in annotation.members where !key.matches("type") {
            members.next()
            out.appendJSONString(key)
            out.append(":")
            value.write(to: out)
        }
        out.append("}}]")
        workspace.attach(.a, from: start)
    }

    // MARK: Calls

    private mutating func added(_ item: JSONValue, _ number: Int64, _ workspace: Workspace) throws(PluginFailure) {
        hasContent = true
        try calls.add(ToolFragment(call: item, key: number), isWhole: false, choice: 0, to: workspace)
    }

    private mutating func arguments(
        _ delta: UnsafeRawBufferPointer?, _ number: Int64, _ workspace: Workspace
    ) throws(PluginFailure) {
        guard let delta, !delta.isEmpty else { return }
        hasContent = true
        seen(number) { $0.hasArguments = true }
        try calls.add(ToolFragment(arguments: delta, key: number), isWhole: false, choice: 0, to: workspace)
    }

    /// An item that is complete: what has come of it is not said again.
    private mutating func whole(_ item: JSONValue, _ number: Int64, _ workspace: Workspace) throws(PluginFailure) {
        let before = items[number] ?? Seen()
        if item.hasType("message") {
            message(item, before, number, workspace)
        } else if item.hasType("function_call") {
            try added(item, number, workspace)
            if !before.hasArguments { try arguments(item["arguments"]?.stringBytes, number, workspace) }
        } else if item.hasType("reasoning") {
            reasoning(item, before, number, workspace)
        } else if item.hasType("custom_tool_call") {
            custom(item, before, number, workspace)
        }
    }

    private mutating func message(_ item: JSONValue, _ before: Seen, _ number: Int64, _ workspace: Workspace) {
        guard let content = item["content"] else { return }
        for part in content.elements {
            if let text = part["text"]?.stringBytes, !before.hasText {
                self.text(text, number, workspace)
                logprobs(part["logprobs"], workspace)
                if let list = part["annotations"] { for entry in list.elements { annotation(entry, workspace) } }
            } else if let text = part["refusal"]?.stringBytes, !before.hasRefusal {
                refusal(text, number, workspace)
            }
        }
    }

    private mutating func reasoning(_ item: JSONValue, _ before: Seen, _ number: Int64, _ workspace: Workspace) {
        if !before.hasReasoning {
            let list = item["summary"].flatMap { $0.elementCount > 0 ? $0 : nil } ?? item["content"]
            var part: Int64 = 0
            if let list {
                for entry in list.elements {
                    if let text = entry["text"]?.stringBytes { reasoning(text, part: part, number, workspace) }
                    part += 1
                }
            }
        }
        guard !before.hasArguments, item["encrypted_content"]?.isString == true else { return }
        // Of a thought, this marks that it was sealed: the end of the response brings it again.
        seen(number) { $0.hasArguments = true }
        hasContent = true
        switch seal {
        case .member:
            let name: StaticString = "reasoning_items"
            workspace.add(
                member: kimi_bytes(literal: name).buffer, item, of: KIMI_SCOPE_MESSAGE, choice: 0, asArray: true)
        case .content:
            let name: StaticString = "reasoning_items"
            workspace.add(.member(kimi_bytes(literal: name).buffer, of: KIMI_SCOPE_MESSAGE))
            let start = workspace.text.count
            workspace.text.append(#"[{"type":"reasoning","encrypted_content":""#)
            item.json.withUnsafeBytes { Sealed.item.write($0, to: workspace.text) }
            workspace.text.append(#""}]"#)
            workspace.attach(.a, from: start)
        case .signature:
            workspace.add(kimi_event(KIMI_EVENT_REASONING))
            let start = workspace.text.count
            item.json.withUnsafeBytes { Sealed.item.write($0, to: workspace.text) }
            workspace.attach(.b, from: start)
        }
    }

    /// A custom tool's call, as Chat has it.
    private mutating func custom(_ item: JSONValue, _ before: Seen, _ number: Int64, _ workspace: Workspace) {
        guard !before.hasArguments else { return }
        seen(number) { $0.hasArguments = true }
        hasContent = true
        hasCustomCalls = true
        let name: StaticString = "tool_calls"
        workspace.add(.member(kimi_bytes(literal: name).buffer, of: KIMI_SCOPE_MESSAGE))
        let out = workspace.text
        let start = out.count
        out.append(#"[{"id":"#)
        out.appendJSONString(item["call_id"]?.string ?? "")
        out.append(#","type":"custom","custom":{"name":"#)
        out.appendJSONString(item["name"]?.string ?? "")
        out.append(#","input":"#)
        out.appendJSONString(item["input"]?.string ?? "")
        out.append("}}]")
        workspace.attach(.a, from: start)
    }
}
