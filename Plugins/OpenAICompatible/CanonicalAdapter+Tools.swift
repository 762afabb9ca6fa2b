internal import WireJSON

/// `tools` and `tool_choice`.
extension CanonicalAdapter {
    mutating func tools(_ root: JSONSpan) {
        guard let list = root["tools"], list.kind == .array else { return }
        let only = options.choosesToolsByWord ? Self.chosen(root) : nil
        guard isForeign || only != nil else { return }
        let start = begin("tools")
        var copy = CanonicalCopy(of: list, to: patch)
        var cut = CanonicalCut()
        var hasKept = false
        for tool in list.elements {
            if let only, let name = tool["function"]?["name"], name.kind == .string, name.decoded != only {
                // The choice of one tool says that no other is meant.
                cut.remove(copy.range(tool), in: &copy)
            } else if isForeign, tool["type"]?.matches("native") == true {
                leaveOut(tool)
                cut.remove(copy.range(tool), in: &copy)
            } else {
                hasKept = true
                cut.keep(copy.range(tool), in: &copy)
                if isForeign { self.tool(tool, &copy) }
            }
        }
        cut.finish(in: &copy)
        let isChanged = copy.finish()
        if !isChanged { patch.truncate(to: start) }
        if only != nil, hasKept {
            begin("tool_choice")
            return patch.append(#""required""#)
        }
        guard isChanged else { return }
        if !hasKept {
            patch.truncate(to: start)
            delete("tools")
        }
        toolChoice(root, hasTools: hasKept)
    }

    /// The one tool's name that must be called.
    private static func chosen(_ root: JSONSpan) -> [UInt8]? {
        guard let name = root["tool_choice"]?["function"]?["name"], name.kind == .string else { return nil }
        return name.decoded
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
