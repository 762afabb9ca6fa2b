internal import PluginKit
internal import WireJSON

/// `tools` and `tool_choice`.
extension RequestWriter {
    struct Choice {
        enum Mode { case absent, auto, any, tool, none }

        var mode = Mode.absent
        /// The tool's name, a JSON string.
        var name: JSONSpan?
        /// The only tools that are allowed, if the request says so.
        var allowed: Set<[UInt8]>?

        /// Must the model call a tool?
        var isForced: Bool { mode == .any || mode == .tool }
    }

    mutating func toolChoice() throws(PluginFailure) -> Choice {
        guard let choice = root.some("tool_choice") else { return Choice() }
        switch choice.string ?? choice["type"]?.string {
        case "auto": return Choice(mode: .auto)
        case "none": return Choice(mode: .none)
        case "required", "any": return Choice(mode: .any)
        case "function", "custom", "tool":
            let name = choice["function"]?.text("name") ?? choice["custom"]?.text("name") ?? choice.text("name")
            guard let name else { throw .unsupported("tool_choice: names no function.") }
            return Choice(mode: .tool, name: name)
        case "allowed_tools": return allowedTools(choice.some("allowed_tools") ?? choice)
        default: throw .unsupported("tool_choice: must be auto, none, required, or name a function.")
        }
    }

    private func allowedTools(_ choice: JSONSpan) -> Choice {
        var names: Set<[UInt8]> = []
        if let tools = choice["tools"] {
            for tool in tools.elements {
                if let name = tool["function"]?.text("name") ?? tool.text("name") { names.insert(name.decoded) }
            }
        }
        return Choice(mode: choice["mode"]?.matches("required") == true ? .any : .auto, allowed: names)
    }

    mutating func tools(_ choice: Choice) throws(PluginFailure) {
        let list = BlockList()
        if let tools = root.some("tools") {
            for tool in tools.elements { try self.tool(tool, choice, list) }
        }
        let isSequential = root["parallel_tool_calls"]?.bool == false
        // Without tools the API takes neither.
        guard !list.isEmpty else {
            if choice.isForced { throw .unsupported("tool_choice: forces a call, and there are no tools.") }
            return
        }
        name("tools")
        out.append("[")
        out.append(bytes: list.out.unsafeBytes)
        out.append("]")
        write(choice, isSequential)
    }

    private func write(_ choice: Choice, _ isSequential: Bool) {
        if choice.mode == .absent, !isSequential { return }
        name("tool_choice")
        out.append(#"{"type":""#)
        switch choice.mode {
        case .absent, .auto: out.append("auto")
        case .any: out.append("any")
        case .none: out.append("none")
        case .tool: out.append("tool")
        }
        out.append("\"")
        if let name = choice.name {
            out.append(#","name":"#)
            out.append(bytes: name.raw)
        }
        if isSequential, choice.mode != .none { out.append(#","disable_parallel_tool_use":true"#) }
        out.append("}")
    }

    // MARK: One tool

    private mutating func tool(_ tool: JSONSpan, _ choice: Choice, _ list: BlockList) throws(PluginFailure) {
        guard tool.kind == .object else { throw .unsupported("\(place(tool)): must be an object.") }
        if tool["type"]?.matches("native") == true {
            if let native = tool.some("native") { list.next().append(bytes: native.raw) }
            return
        }
        guard tool["type"] == nil || tool["type"]?.matches("function") == true else { return other(tool, list) }
        guard let function = tool.some("function") else { return other(tool, list) }
        guard let name = function.text("name") else { throw .unsupported("\(place(tool)).function.name: is missing.") }
        if let allowed = choice.allowed, !allowed.contains(name.decoded) { return }
        let out = list.next()
        out.append(#"{"name":"#)
        out.append(bytes: name.raw)
        if let text = function.text("description") {
            out.append(#","description":"#)
            out.append(bytes: text.raw)
        }
        out.append(#","input_schema":"#)
        schema(function.some("parameters"), to: out)
        strict(function, to: out)
        rider("cache_control", of: tool, to: out)
        out.append("}")
    }

    /// The API wants `"type": "object"`, which Chat lets one leave out.
    private func schema(_ schema: JSONSpan?, to out: ByteWriter) {
        guard let schema, schema.kind == .object else { return out.append(#"{"type":"object","properties":{}}"#) }
        if schema["type"] != nil { return out.append(bytes: schema.raw) }
        out.append(#"{"type":"object""#)
        for (key, value) in schema.members {
            out.append(",")
            out.append(bytes: key.raw)
            out.append(":")
            out.append(bytes: value.raw)
        }
        out.append("}")
    }

    private mutating func strict(_ function: JSONSpan, to out: ByteWriter) {
        guard function["strict"]?.bool == true else { return }
        if traits.takesSchemas {
            out.append(#","strict":true"#)
        } else {
            losses.add("tools[*].function.strict", "the model has no strict tools")
        }
    }

    /// The API's own tools, from a client that knows where it talks to, go up as they are.
    private mutating func other(_ tool: JSONSpan, _ list: BlockList) {
        if tool.text("name") != nil || tool.some("input_schema") != nil || tool.text("mcp_server_name") != nil {
            list.next().append(bytes: tool.raw)
        } else {
            losses.add("tools[*].type ", member: tool["type"]?.decoded ?? [], "the upstream has no tools of this type")
        }
    }
}
