internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Calls, and items that come whole.
extension ResponsesDecoder {
    mutating func added(_ item: JSONValue, _ number: Int64, _ workspace: Workspace) throws(PluginFailure) {
        hasContent = true
        try calls.add(ToolFragment(call: item, key: number), isWhole: false, choice: 0, to: workspace)
    }

    mutating func arguments(
        _ delta: UnsafeRawBufferPointer?, _ number: Int64, _ workspace: Workspace
    ) throws(PluginFailure) {
        guard let delta, !delta.isEmpty else { return }
        hasContent = true
        seen(number) { $0.hasArguments = true }
        try calls.add(ToolFragment(arguments: delta, key: number), isWhole: false, choice: 0, to: workspace)
    }

    /// An item that is complete: what has come of it is not said again.
    mutating func whole(_ item: JSONValue, _ number: Int64, _ workspace: Workspace) throws(PluginFailure) {
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
