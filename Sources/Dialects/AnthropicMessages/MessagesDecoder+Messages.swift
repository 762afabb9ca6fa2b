import CanonicalModel
import WireJSON

/// `system` and `messages`.
extension MessagesDecoder {
    mutating func messages() throws(ExchangeError) {
        let list = try member("messages", of: root)
        try array(list)
        guard list.hasElements else { throw problem(list, "is empty: send at least one message") }
        out.append(#","messages":["#)
        try system()
        for message in list.elements { try self.message(message) }
        out.append("]")
    }

    /// An empty system prompt says nothing and is left out.
    private mutating func system() throws(ExchangeError) {
        guard let system = root.some("system") else { return }
        switch system.kind {
        case .string: if system.inner.isEmpty { return }
        case .array: if !system.hasElements { return }
        default: throw wrong(system, "a string or an array of text blocks")
        }
        begin("system")
        blockPattern = "system[*]"
        try content(of: system)
        blockPattern = "messages[*].content[*]"
        out.append("}")
    }

    private mutating func message(_ message: JSONSpan) throws(ExchangeError) {
        try object(message)
        let role = try string("role", of: message)
        let content = try member("content", of: message)
        guard [.string, .array].contains(content.kind) else {
            throw wrong(content, "a string or an array of content blocks")
        }
        dropUnknown(message, "messages[*]", known: ["role", "content", "cache_control"])
        if role.matches("user") {
            try user(message, content)
        } else if role.matches("assistant") {
            try assistant(message, content)
        } else if role.matches("system") {
            begin("system")
            try self.content(of: content)
            try end(message)
        } else {
            throw problem(role, #"must be "user", "assistant" or "system", it is \#(role.text)"#)
        }
    }

    /// Results of tools come first, each as a message of its own; then what else the user says, in order.
    private mutating func user(_ message: JSONSpan, _ content: JSONSpan) throws(ExchangeError) {
        guard content.kind == .array else { return try plain("user", message, content) }
        var others: [JSONSpan] = []
        var hasResults = false
        for block in content.elements {
            switch try kind(of: block) {
            case .toolResult:
                try toolResult(block)
                hasResults = true
            case .toolUse: throw problem(block, "a tool_use block belongs in a message of the assistant")
            default: others.append(block)
            }
        }
        if hasResults, others.isEmpty { return }
        begin("user")
        try parts(others)
        try end(message)
    }

    private mutating func toolResult(_ block: JSONSpan) throws(ExchangeError) {
        let id = try string("tool_use_id", of: block)
        begin("tool", firstMember: "tool_call_id")
        ToolCallID.writeOriginal(id, to: out)
        write("content")
        if let content = block.some("content") { try self.content(of: content) } else { out.append(#""""#) }
        if try optionalBool("is_error", of: block) == true { out.append(#","is_error":true"#) }
        try end(block)
        dropUnknown(
            block, blockPattern,
            known: ["type", "tool_use_id", "content", "is_error", "cache_control"])
    }

    private mutating func assistant(_ message: JSONSpan, _ content: JSONSpan) throws(ExchangeError) {
        guard content.kind == .array else { return try plain("assistant", message, content) }
        var said = AssistantBlocks()
        for block in content.elements {
            switch try kind(of: block) {
            case .thinking, .redactedThinking: said.thinking.append(block)
            case .toolUse: said.calls.append(block)
            case .toolResult: throw problem(block, "a tool_result block belongs in a message of the user")
            default: said.others.append(block)
            }
        }
        begin("assistant")
        if said.others.isEmpty, !said.calls.isEmpty { out.append("null") } else { try parts(said.others) }
        try thinking(said.thinking)
        try calls(said.calls)
        try end(message)
    }

    private mutating func plain(
        _ role: StaticString, _ message: JSONSpan, _ content: JSONSpan
    ) throws(ExchangeError) {
        begin(role)
        out.append(bytes: content.raw)
        try end(message)
    }

    /// `{"role":…,"content":`
    private mutating func begin(_ role: StaticString, firstMember: StaticString = "content") {
        if messageCount > 0 { out.append(",") }
        messageCount += 1
        out.append(#"{"role":""#)
        out.append(role)
        out.append("\"")
        write(firstMember)
    }

    private func end(_ owner: JSONSpan) throws(ExchangeError) {
        try cacheControl(owner)
        out.append("}")
    }
}

/// A message of the assistant, sorted.
private struct AssistantBlocks {
    var thinking: [JSONSpan] = []
    var calls: [JSONSpan] = []
    var others: [JSONSpan] = []
}
