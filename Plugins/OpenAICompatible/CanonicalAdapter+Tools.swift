internal import WireJSON

/// `tools` and `tool_choice`.
extension CanonicalAdapter {
    mutating func tools(_ root: JSONSpan) {
        guard let list = root["tools"], list.kind == .array else { return }
        let start = begin("tools")
        var copy = CanonicalCopy(of: list, to: patch)
        var cut = CanonicalCut()
        var hasKept = false
        for tool in list.elements {
            if tool["type"]?.matches("native") == true {
                leaveOut(tool)
                cut.remove(copy.range(tool), in: &copy)
            } else {
                hasKept = true
                cut.keep(copy.range(tool), in: &copy)
                self.tool(tool, &copy)
            }
        }
        cut.finish(in: &copy)
        if !copy.finish() { return patch.truncate(to: start) }
        if !hasKept {
            patch.truncate(to: start)
            delete("tools")
        }
        toolChoice(root, hasTools: hasKept)
    }

    private mutating func leaveOut(_ tool: JSONSpan) {
        let native = tool["native"]
        losses.add(.nativeTool, type: native?["type"])
        if let name = native?["name"], name.kind == .string { removedTools.append(name.decoded) }
    }

    private mutating func tool(_ tool: JSONSpan, _ copy: inout CanonicalCopy) {
        var cut = CanonicalCut()
        for (key, value) in tool.members {
            let range = copy.range(key, value)
            if key.matches("cache_control") {
                if value.kind != .null { losses.add(.toolCache) }
                cut.remove(range, in: &copy)
            } else {
                cut.keep(range, in: &copy)
            }
        }
        cut.finish(in: &copy)
    }

    /// Chat refuses a choice among no tools, and the choice of one that is not there.
    private mutating func toolChoice(_ root: JSONSpan, hasTools: Bool) {
        let choice = root["tool_choice"]
        let name = choice?["function"]?["name"]
        let isPointless = !hasTools || name.map { removedTools.contains($0.decoded) } ?? false
        if !hasTools, root["parallel_tool_calls"] != nil { delete("parallel_tool_calls") }
        guard isPointless, let choice else { return }
        delete("tool_choice")
        // "auto" and "none" among no tools say nothing.
        if choice.kind == .object || choice.matches("required") { losses.add(.toolChoice) }
    }
}
