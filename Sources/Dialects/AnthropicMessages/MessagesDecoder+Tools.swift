import CanonicalModel
import WireJSON

/// `tools` and `tool_choice`.
extension MessagesDecoder {
    mutating func tools() throws(ExchangeError) {
        guard let tools = try optionalArray("tools", of: root), tools.hasElements else { return }
        let start = out.count
        write("tools")
        for (number, tool) in tools.elements.enumerated() {
            try object(tool)
            let before = out.count
            out.append(toolCount == 0 ? "[" : ",")
            if try self.tool(tool, number) { toolCount += 1 } else { out.truncate(to: before) }
        }
        if toolCount == 0 { out.truncate(to: start) } else { out.append("]") }
    }

    /// False if the tool was left out.
    private mutating func tool(_ tool: JSONSpan, _ number: Int) throws(ExchangeError) -> Bool {
        if let type = try optionalString("type", of: tool), !type.matches("custom") {
            return try hosted(tool, type, number)
        }
        let name = try string("name", of: tool)
        guard !name.inner.isEmpty else { throw problem(name, "must not be empty") }
        let schema = try member("input_schema", of: tool)
        try object(schema)
        out.append(#"{"type":"function","function":{"name":"#)
        out.append(bytes: name.raw)
        write("description", try optionalString("description", of: tool))
        write("parameters", schema)
        if let strict = try optionalBool("strict", of: tool) {
            out.append(strict ? #","strict":true"# : #","strict":false"#)
        }
        out.append("}")
        try cacheControl(tool)
        out.append("}")
        dropUnknown(
            tool, "tools[*]", known: ["type", "name", "input_schema", "description", "strict", "cache_control"])
        return true
    }

    private mutating func hosted(_ tool: JSONSpan, _ type: JSONSpan, _ number: Int) throws(ExchangeError) -> Bool {
        let label = type.text
        let name = try optionalString("name", of: tool)
        switch options.hostedTools {
        case .pass:
            writeNative(tool)
            return true
        case .strip:
            if let name = name?.string { stripped.append(name) }
            dropped.add("tools[\(number)]", "the hosted tool \(label) has no equivalent as a function")
            return false
        case .refuse:
            throw problem(
                tool,
                "the hosted tool \(name?.text ?? "") of type \(label) cannot be used with this model: "
                    + "leave it out, or offer a tool with an input_schema")
        }
    }

    func writeChoice(_ text: StaticString) {
        write("tool_choice")
        out.append(text)
    }

    mutating func toolChoice() throws(ExchangeError) {
        guard let choice = try optionalObject("tool_choice", of: root) else { return }
        let type = try string("type", of: choice)
        if !stripped.isEmpty, try isPointless(choice, type) {
            return dropped.add("tool_choice", "the tool it asks for was left out")
        }
        if type.matches("auto") {
            writeChoice(#""auto""#)
        } else if type.matches("any") {
            writeChoice(#""required""#)
        } else if type.matches("none") {
            writeChoice(#""none""#)
        } else if type.matches("tool") {
            writeChoice(#"{"type":"function","function":{"name":"#)
            out.append(bytes: try string("name", of: choice).raw)
            out.append("}}")
        } else {
            throw problem(type, #"must be "auto", "any", "tool" or "none", it is \#(type.text)"#)
        }
        if let isDisabled = try optionalBool("disable_parallel_tool_use", of: choice) {
            out.append(isDisabled ? #","parallel_tool_calls":false"# : #","parallel_tool_calls":true"#)
        }
        dropUnknown(choice, "tool_choice", known: ["type", "name", "disable_parallel_tool_use"])
    }

    /// Does the choice ask for tools that were left out?
    private func isPointless(_ choice: JSONSpan, _ type: JSONSpan) throws(ExchangeError) -> Bool {
        if toolCount == 0 { return true }
        guard type.matches("tool") else { return false }
        return stripped.contains(try string("name", of: choice).string ?? "")
    }
}
