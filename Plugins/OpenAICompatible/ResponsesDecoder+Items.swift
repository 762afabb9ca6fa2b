internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Events of one item.
extension ResponsesDecoder {
    mutating func item(
        _ root: JSONValue, _ type: UnsafeRawBufferPointer, _ workspace: Workspace
    ) throws(PluginFailure) {
        let number = root["output_index"]?.int ?? 0
        let delta = root["delta"]?.stringBytes
        if type.matches("response.output_text.delta") {
            start(root, to: workspace)
            if let delta { text(delta, number, workspace) }
            logprobs(root["logprobs"], workspace)
        } else if type.matches("response.function_call_arguments.delta") {
            start(root, to: workspace)
            try arguments(delta, number, workspace)
        } else if type.matches("response.output_item.added") {
            start(root, to: workspace)
            if let item = root["item"], item.hasType("function_call") { try added(item, number, workspace) }
        } else if type.matches("response.output_item.done") {
            start(root, to: workspace)
            if let item = root["item"], item.isObject { try whole(item, number, workspace) }
        } else if type.matches("response.reasoning_summary_text.delta") || type.matches("response.reasoning_text.delta")
        {
            start(root, to: workspace)
            if let delta { reasoning(delta, part: root["summary_index"]?.int ?? 0, number, workspace) }
        } else if type.matches("response.refusal.delta") {
            start(root, to: workspace)
            if let delta { refusal(delta, number, workspace) }
        } else if type.matches("response.output_text.annotation.added") {
            start(root, to: workspace)
            if let annotation = root["annotation"] { self.annotation(annotation, workspace) }
        }
    }

    mutating func seen(_ number: Int64, _ change: (inout Seen) -> Void) {
        let key = items[number] != nil || items.count < Self.maxItems ? number : Int64(Self.maxItems)
        change(&items[key, default: Seen()])
    }

    mutating func text(_ text: UnsafeRawBufferPointer, _ number: Int64, _ workspace: Workspace) {
        guard !text.isEmpty else { return }
        hasContent = true
        seen(number) { $0.hasText = true }
        workspace.add(KIMI_EVENT_TEXT, choice: 0, text)
    }

    mutating func refusal(_ text: UnsafeRawBufferPointer, _ number: Int64, _ workspace: Workspace) {
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
    mutating func reasoning(
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

    func logprobs(_ list: JSONValue?, _ workspace: Workspace) {
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
    func annotation(_ annotation: JSONValue, _ workspace: Workspace) {
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
}
