internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Thinking, which upstreams put in one, two or three places at once: `reasoning_content`, `reasoning` and
/// `reasoning_details`. The first of them that has text is used.
enum Reasoning {
    /// True if there was something in it.
    static func add(_ parts: DeltaParts, choice: UInt32, to workspace: Workspace) -> Bool {
        var isSaid = false
        for value in [parts.reasoningContent, parts.reasoning] {
            guard !isSaid, let text = value?.stringBytes, !text.isEmpty else { continue }
            workspace.add(KIMI_EVENT_REASONING, choice: choice, text)
            isSaid = true
        }
        if let details = parts.details {
            isSaid = add(details: details, isSaid: isSaid, choice: choice, to: workspace) || isSaid
        }
        return isSaid
    }

    private static func add(details: JSONValue, isSaid: Bool, choice: UInt32, to workspace: Workspace) -> Bool {
        var mute = 0
        var used = false
        for detail in details.elements {
            let text = text(of: detail)
            let signature = detail["signature"]?.stringBytes
            if text == nil, signature == nil {
                mute += 1
                continue
            }
            var event = kimi_event(KIMI_EVENT_REASONING, choice: choice)
            if !isSaid, let text { event.a = kimi_bytes(text) }
            if let signature { event.b = kimi_bytes(signature) }
            guard event.a.len > 0 || event.b.len > 0 else { continue }
            workspace.add(event)
            used = true
        }
        if mute > 0 { addMute(details, choice: choice, to: workspace) }
        return used || mute > 0
    }

    private static func text(of detail: JSONValue) -> UnsafeRawBufferPointer? {
        detail["text"]?.stringBytes ?? detail["summary"]?.stringBytes
    }

    /// Details without text, such as encrypted ones, ride along as they are.
    private static func addMute(_ details: JSONValue, choice: UInt32, to workspace: Workspace) {
        let name: StaticString = "reasoning_details"
        let start = workspace.text.count
        var separator: StaticString = "["
        for detail in details.elements where text(of: detail) == nil && detail["signature"]?.stringBytes == nil {
            workspace.text.append(separator)
            separator = ","
            detail.write(to: workspace.text)
        }
        workspace.text.append("]")
        workspace.add(.member(kimi_bytes(literal: name).buffer, of: KIMI_SCOPE_MESSAGE, choice: choice))
        workspace.attach(.a, from: start)
    }
}
