import WireJSON

/// Who speaks a message.
enum HistoryRole {
    case system, user, assistant, tool
    /// Anything else, and what is no message.
    case other
}

/// Where the parts of a message are that the transform looks at. A member that is there twice counts as its last one.
struct HistoryMessage {
    var role = HistoryRole.other
    var content: Span?
    /// The array as a whole.
    var toolCalls: Span?
    /// Which of `History.calls` are its own.
    var calls = 0..<0
    var toolCallID: Span?
    var name: Span?
    var reasoningContent: Span?
    var reasoning: Span?
    var reasoningKey: Span?
    var reasoningDetails: Span?
    /// Where its last member ends: further ones come here.
    var end = 0
}

/// Where the parts of a call are.
struct HistoryCall {
    var id: Span?
    var name: Span?
    var arguments: Span?
    /// Behind its opening brace: further members come here. 0 if it is no object.
    var start = 0
}

/// The messages of a request, found in one pass.
struct History {
    /// The array; nil if there is none.
    private(set) var span: Span?
    private(set) var messages: [HistoryMessage] = []
    private(set) var calls: [HistoryCall] = []

    /// Reads the value at the cursor, which may be anything.
    mutating func read(_ cursor: inout JSONCursor) {
        cursor.skipSpace()
        let start = cursor.position
        guard cursor.enter(UInt8(ascii: "[")) else { return _ = cursor.value() }
        (messages, calls) = ([], [])
        var isFirst = true
        while cursor.nextElement(&isFirst) { messages.append(message(&cursor)) }
        span = cursor.isBroken ? nil : Span(range: start..<cursor.position)
    }

    private mutating func message(_ cursor: inout JSONCursor) -> HistoryMessage {
        var message = HistoryMessage()
        guard cursor.enter(UInt8(ascii: "{")) else {
            _ = cursor.value()
            return message
        }
        var isFirst = true
        while let key = cursor.nextKey(&isFirst) {
            take(key, &message, &cursor)
            message.end = cursor.position
        }
        return message
    }

    private mutating func take(_ key: Span, _ message: inout HistoryMessage, _ cursor: inout JSONCursor) {
        let name = cursor.bytes.slice(key.inner)
        if name.matches("tool_calls") { return takeCalls(&message, &cursor) }
        guard let value = cursor.value() else { return }
        if name.matches("role") {
            message.role = Self.role(cursor.bytes.slice(value.range))
        } else if name.matches("content") {
            message.content = value
        } else if name.matches("tool_call_id") {
            message.toolCallID = value
        } else if name.matches("name") {
            message.name = value
        } else if name.matches("reasoning_content") {
            message.reasoningContent = value
        } else if name.matches("reasoning") {
            (message.reasoning, message.reasoningKey) = (value, key)
        } else if name.matches("reasoning_details") {
            message.reasoningDetails = value
        }
    }

    private static func role(_ text: Bytes) -> HistoryRole {
        if text.matches("\"assistant\"") { return .assistant }
        if text.matches("\"tool\"") { return .tool }
        if text.matches("\"user\"") { return .user }
        return text.matches("\"system\"") || text.matches("\"developer\"") ? .system : .other
    }

    // MARK: - Calls

    private mutating func takeCalls(_ message: inout HistoryMessage, _ cursor: inout JSONCursor) {
        cursor.skipSpace()
        let start = cursor.position
        let first = calls.count
        if cursor.enter(UInt8(ascii: "[")) {
            var isFirst = true
            while cursor.nextElement(&isFirst) { calls.append(call(&cursor)) }
        } else {
            _ = cursor.value()
        }
        message.calls = first..<calls.count
        message.toolCalls = Span(range: start..<cursor.position)
    }

    private func call(_ cursor: inout JSONCursor) -> HistoryCall {
        var call = HistoryCall()
        guard cursor.enter(UInt8(ascii: "{")) else {
            _ = cursor.value()
            return call
        }
        call.start = cursor.position
        var isFirst = true
        while let key = cursor.nextKey(&isFirst) {
            let name = cursor.bytes.slice(key.inner)
            if name.matches("function"), cursor.enter(UInt8(ascii: "{")) {
                function(&call, &cursor)
            } else if let value = cursor.value(), name.matches("id") {
                call.id = value
            }
        }
        return call
    }

    private func function(_ call: inout HistoryCall, _ cursor: inout JSONCursor) {
        var isFirst = true
        while let key = cursor.nextKey(&isFirst) {
            guard let value = cursor.value() else { return }
            let name = cursor.bytes.slice(key.inner)
            if name.matches("name") { call.name = value }
            if name.matches("arguments") { call.arguments = value }
        }
    }
}
