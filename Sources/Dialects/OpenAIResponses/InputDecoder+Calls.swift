import CanonicalModel
import WireJSON

/// Calls of tools that the client runs, and what came of them.
extension InputDecoder {
    /// False if the item is no call.
    mutating func addCall(_ item: Fields, _ type: JSONSpan) throws(ExchangeError) -> Bool {
        if type.matches("function_call") {
            let name = try upstreamName(item)
            guard let arguments = item.value("arguments") else { throw item.missing("arguments", "a string") }
            try add(item, name) { out in
                // Some clients send the object itself.
                if arguments.kind == .string { out.append(arguments) } else { out.appendJSONString(arguments.raw) }
            }
        } else if type.matches("custom_tool_call") {
            let name = try upstreamName(item)
            let input = try item.required("input")
            try add(item, name) { out in
                out.append(#""{\"input\":"#)
                out.appendJSONEscaped(input.raw)
                out.append(#"}""#)
            }
        } else if type.matches("local_shell_call") {
            if let id = try item.string("id")?.string { shellCalls[id] = try item.string("call_id") }
            try addStructured(item, "local_shell", "action")
        } else if type.matches("shell_call") {
            try addStructured(item, "shell", "action")
        } else if type.matches("apply_patch_call") {
            try addStructured(item, "apply_patch", "operation")
        } else if type.matches("tool_search_call"), try item.string("execution")?.matches("client") ?? true {
            try addStructured(item, "tool_search", "arguments")
        } else {
            return false
        }
        return true
    }

    private func upstreamName(_ item: Fields) throws(ExchangeError) -> String {
        let namespace = try item.string("namespace")?.string
        return table.upstreamName(try item.required("name").string ?? "", namespace: namespace)
    }

    private mutating func addStructured(_ item: Fields, _ name: String, _ member: StaticString) throws(ExchangeError) {
        guard let value = item.value(member) else { throw item.missing(member, "an object") }
        guard value.kind == .object else { throw .wrong(item.place.path(member), "an object", value.kind) }
        let isExec = value["type"]?.matches("exec") ?? false
        try add(item, name) { out in
            guard isExec else { return out.appendJSONString(value.raw) }
            let json = ByteWriter(capacity: value.raw.count)
            json.append("{")
            var members = MemberWriter(json)
            for (key, value) in value.members where !key.matches("type") { members.copy(key: key, value) }
            json.append("}")
            json.withBytes { out.appendJSONString($0) }
        }
    }

    /// `write` writes the arguments, a JSON string.
    private mutating func add(
        _ item: Fields, _ name: String, _ write: (ByteWriter) -> Void
    ) throws(ExchangeError) {
        let id = try callID(item)
        var draft = takeDraft()
        draft.addCall { out in
            out.append(#"{"id":"#)
            out.append(id)
            out.append(#","type":"function","function":{"name":"#)
            out.appendJSONString(name)
            out.append(#","arguments":"#)
            write(out)
            out.append("}")
        }
        self.draft = draft
    }

    private func callID(_ item: Fields) throws(ExchangeError) -> JSONSpan {
        if let id = try item.string("call_id") { return id }
        guard let id = try item.string("id") else { throw item.missing("call_id", "a string") }
        return shellCalls[id.string ?? ""] ?? id
    }

    // MARK: Outputs

    /// False if the item is no output.
    mutating func addOutput(_ item: Fields, _ type: JSONSpan) throws(ExchangeError) -> Bool {
        if type.matches("function_call_output") || type.matches("custom_tool_call_output")
            || type.matches("local_shell_call_output")
        {
            try addPlainOutput(item)
        } else if type.matches("shell_call_output") {
            guard let output = item.value("output") else { throw item.missing("output", "an array") }
            try add(item, isError: false) { out in
                if output.kind == .string { out.append(output) } else { out.appendJSONString(output.raw) }
            }
        } else if type.matches("apply_patch_call_output") {
            let status = try item.string("status")
            let output = try item.string("output")
            try add(item, isError: status?.matches("failed") ?? false) { out in
                if let text = output ?? status { out.append(text) } else { out.append(#""""#) }
            }
        } else if type.matches("tool_search_output"), try item.string("execution")?.matches("client") ?? true {
            let tools = try item.array("tools")
            try add(item, isError: false) { out in
                if let tools { out.appendJSONString(tools.raw) } else { out.append(#""[]""#) }
            }
        } else {
            return false
        }
        return true
    }

    private mutating func addPlainOutput(_ item: Fields) throws(ExchangeError) {
        guard let output = item.value("output") else { throw item.missing("output", "a string or an array of parts") }
        // Early Codex reported failures as an object.
        if output.kind == .object, let content = output["content"], content.kind == .string {
            return try add(item, isError: output["success"]?.bool == false) { $0.append(content) }
        }
        let content = ByteWriter(capacity: output.raw.count + 64)
        try PartWriter.content(output, "output", item.place, to: content)
        try add(item, isError: false) { $0.append(content) }
    }

    private mutating func add(
        _ item: Fields, isError: Bool, _ write: (ByteWriter) -> Void
    ) throws(ExchangeError) {
        let id = try callID(item)
        flush()
        let out = messages.next()
        out.append(#"{"role":"tool","tool_call_id":"#)
        out.append(id)
        out.append(#","content":"#)
        write(out)
        if isError { out.append(#","is_error":true"#) }
        out.append("}")
    }
}
