internal import PluginABI
internal import PluginKit
internal import WireJSON

/// `content`: a string, or an array of parts.
enum Content {
    /// True if there was something in it.
    static func add(_ content: JSONValue, choice: UInt32, to workspace: Workspace) -> Bool {
        if let text = content.stringBytes {
            workspace.add(KIMI_EVENT_TEXT, choice: choice, text)
            return !text.isEmpty
        }
        guard content.isArray else {
            workspace.add(kimi_event(KIMI_EVENT_PART, choice: choice))
            workspace.attach(.a, copyOf: content.json)
            return true
        }
        for part in content.elements { add(part: part, choice: choice, to: workspace) }
        return content.elementCount > 0
    }

    private static func add(part: JSONValue, choice: UInt32, to workspace: Workspace) {
        if let text = part.stringBytes {
            workspace.add(KIMI_EVENT_TEXT, choice: choice, text)
        } else if let thinking = part["thinking"], part.hasType("thinking") {
            addThinking(thinking, choice: choice, to: workspace)
        } else if let text = part["text"]?.stringBytes,
            part["type"] == nil || part.hasType("text") || part.hasType("output_text")
        {
            workspace.add(KIMI_EVENT_TEXT, choice: choice, text)
        } else if !part.isNull {
            workspace.add(kimi_event(KIMI_EVENT_PART, choice: choice))
            workspace.attach(.a, copyOf: part.json)
        }
    }

    /// Mistral's thinking part: a string, or parts with text.
    private static func addThinking(_ thinking: JSONValue, choice: UInt32, to workspace: Workspace) {
        if let text = thinking.stringBytes { workspace.add(KIMI_EVENT_REASONING, choice: choice, text) }
        for part in thinking.elements {
            if let text = part["text"]?.stringBytes { workspace.add(KIMI_EVENT_REASONING, choice: choice, text) }
        }
    }
}

extension JSONValue {
    /// Is this an object whose `type` is that word?
    func hasType(_ word: StaticString) -> Bool {
        self["type"]?.stringBytes?.matches(word) ?? false
    }
}
