internal import PluginKit
internal import WireJSON

/// `messages` and `system`.
extension RequestWriter {
    mutating func messages() throws(PluginFailure) {
        guard let list = root["messages"], list.kind == .array else {
            throw .unsupported("messages: must be a list.")
        }
        name("messages")
        out.append("[")
        for message in list.elements { try self.message(message) }
        settleSystem(before: nil)
        turns.finish()
        if turns.isEmpty { try systemAlone() }
        out.append("]")
        guard !system.isEmpty else { return }
        name("system")
        out.append("[")
        out.append(bytes: system.out.unsafeBytes)
        out.append("]")
    }

    /// The API wants a turn of the user at least; Chat is content with a system message.
    private mutating func systemAlone() throws(PluginFailure) {
        guard !system.isEmpty else { throw .unsupported("messages: there is nothing in them; say something.") }
        losses.add("messages[*]", "a system message alone went up as the user's", .adjusted)
        turns.begin(.user)
        turns.block().take(system)
        turns.finish()
    }

    private mutating func message(_ message: JSONSpan) throws(PluginFailure) {
        guard let role = message["role"] else { throw .unsupported("\(place(message)).role: is missing.") }
        switch role.string {
        case "system", "developer": return try systemMessage(message)
        case "user":
            settleSystem(before: .user)
            turns.begin(.user)
            try content(message, .user, turns.block())
        case "tool":
            settleSystem(before: .user)
            turns.begin(.user)
            try toolResult(message)
        case "assistant":
            settleSystem(before: .assistant)
            turns.begin(.assistant)
            try assistant(message)
        default:
            throw .unsupported(
                "\(place(role)): the upstream knows system, developer, user, assistant and tool, nothing else.")
        }
        noteMembers(message)
    }

    // MARK: System

    private mutating func systemMessage(_ message: JSONSpan) throws(PluginFailure) {
        noteMembers(message)
        guard !turns.isEmpty else { return try content(message, .system, system) }
        let mayStay = options.keepsSystemInPlace && traits.takesSystemTurns && turns.role == .user
        if mayStay { return try content(message, .system, waitingSystem) }
        noteMoved()
        try content(message, .system, system)
    }

    /// A system message may stand behind a user turn only, and before one of the assistant or nothing.
    private mutating func settleSystem(before role: TurnWriter.Role?) {
        guard !waitingSystem.isEmpty else { return }
        if role != .user { return turns.system(waitingSystem) }
        noteMoved()
        system.take(waitingSystem)
    }

    private mutating func noteMoved() {
        losses.add("messages[*] (system)", "it may not stand there upstream, and went to the top", .adjusted)
    }

    // MARK: Tool results

    private mutating func toolResult(_ message: JSONSpan) throws(PluginFailure) {
        guard let id = message.text("tool_call_id") else {
            throw .unsupported("\(place(message)).tool_call_id: is missing or empty; name the call that was answered.")
        }
        let inner = BlockList()
        if let text = message.some("content"), text.kind != .string { try content(message, .tool, inner) }
        let out = turns.result()
        out.append(#"{"type":"tool_result","tool_use_id":"#)
        ToolID.write(id, to: out)
        if let text = message.text("content") {
            out.append(#","content":"#)
            out.append(bytes: text.raw)
        } else if !inner.isEmpty {
            out.append(#","content":["#)
            out.append(bytes: inner.out.unsafeBytes)
            out.append("]")
        }
        if message["is_error"]?.bool == true { out.append(#","is_error":true"#) }
        rider("cache_control", of: message, to: out)
        out.append("}")
    }

    /// A member that rides along as it is.
    func rider(_ name: StaticString, of value: JSONSpan, to out: ByteWriter) {
        guard let member = value.some(name) else { return }
        out.append(",\"")
        out.append(name)
        out.append("\":")
        out.append(bytes: member.raw)
    }

    // MARK: What is left

    private mutating func noteMembers(_ message: JSONSpan) {
        let known: [StaticString] = [
            "role", "content", "tool_calls", "tool_call_id", "is_error", "cache_control", "refusal",
            "thinking_blocks", "reasoning_content", "reasoning", "reasoning_details",
        ]
        for (key, value) in message.members where !value.saysNothing {
            if key.matches("cache_control"), message["content"]?.kind != .string,
                message["role"]?.matches("tool") != true
            {
                losses.add("messages[*].cache_control", "beside a list of parts it has no place; put it on a part")
            }
            if known.contains(where: { key.matches($0) }) { continue }
            // The name of a tool's result is that of its call.
            if key.matches("name"), message["role"]?.matches("tool") == true { continue }
            losses.add("messages[*].", member: key.decoded, "the upstream has no such member")
        }
    }
}
