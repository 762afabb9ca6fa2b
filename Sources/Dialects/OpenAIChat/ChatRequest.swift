package import CanonicalModel
package import WireJSON

/// What the host reads of an OpenAI Chat request. The request's own bytes stay as they are: they are the canonical
/// form.
package struct ChatRequest: Sendable {
    package let model: String
    package let wantsStream: Bool
    /// `stream_options.include_usage`.
    package let wantsUsage: Bool
    package let choices: Int
    /// Which conversation it belongs to.
    package let conversation: ConversationHint

    /// Checks and reads a body. `parser` is free again when this returns.
    package init(_ body: UnsafeRawBufferPointer, parser: JSONParser) throws(ExchangeError) {
        let root: JSONValue
        do {
            root = try parser.parse(body)
        } catch {
            throw .badRequest("the body is not valid JSON: \(error.message)", code: "invalid_json")
        }
        guard root.kind == .object else {
            throw .badRequest("the body must be a JSON object, it is \(root.kind.article)")
        }
        let check = FieldCheck(root: root)
        self.model = try check.model()
        try check.messages()
        self.wantsStream = try check.bool("stream") ?? false
        self.wantsUsage = try check.includeUsage()
        self.choices = try check.choices()
        try check.optionals()
        self.conversation = ConversationHint(root)
    }
}

/// Reads fields of a request and names the one that is wrong.
private struct FieldCheck {
    let root: JSONValue

    func model() throws(ExchangeError) -> String {
        guard let value = root["model"] else {
            throw .badRequest("'model' is missing: name one of the models that GET /v1/models lists", param: "model")
        }
        guard let model = value.string, !model.isEmpty else {
            throw .badRequest("'model' must be a non-empty string, it is \(value.kind.article)", param: "model")
        }
        return model
    }

    func messages() throws(ExchangeError) {
        guard let messages = root["messages"] else {
            throw .badRequest("'messages' is missing: send the conversation as an array of messages", param: "messages")
        }
        guard messages.kind == .array else {
            throw .badRequest("'messages' must be an array, it is \(messages.kind.article)", param: "messages")
        }
        var index = 0
        var problem: ExchangeError?
        messages.forEachElement { message in
            if problem == nil { problem = Self.problem(message, index) }
            index += 1
        }
        if let problem { throw problem }
        guard index > 0 else {
            throw .badRequest("'messages' is empty: send at least one message", param: "messages")
        }
    }

    private static func problem(_ message: JSONValue, _ index: Int) -> ExchangeError? {
        let place = "messages[\(index)]"
        guard message.kind == .object else {
            return .badRequest("'\(place)' must be an object, it is \(message.kind.article)", param: place)
        }
        guard let role = message["role"], role.kind == .string else {
            return .badRequest("'\(place).role' must be a string such as \"user\"", param: "\(place).role")
        }
        if let content = message["content"], ![.string, .array, .null].contains(content.kind) {
            return .badRequest(
                "'\(place).content' must be a string, an array of parts or null, it is \(content.kind.article)",
                param: "\(place).content")
        }
        if let calls = message["tool_calls"], ![.array, .null].contains(calls.kind) {
            return .badRequest(
                "'\(place).tool_calls' must be an array, it is \(calls.kind.article)", param: "\(place).tool_calls")
        }
        return nil
    }

    func bool(_ name: StaticString) throws(ExchangeError) -> Bool? {
        guard let value = root[name], value.kind != .null else { return nil }
        guard let bool = value.bool else { throw wrong(name, "true or false", value) }
        return bool
    }

    func includeUsage() throws(ExchangeError) -> Bool {
        guard let options = root["stream_options"], options.kind != .null else { return false }
        guard options.kind == .object else { throw wrong("stream_options", "an object", options) }
        guard let value = options["include_usage"], value.kind != .null else { return false }
        guard let bool = value.bool else {
            throw .badRequest(
                "'stream_options.include_usage' must be true or false, it is \(value.kind.article)",
                param: "stream_options.include_usage")
        }
        return bool
    }

    func choices() throws(ExchangeError) -> Int {
        guard let value = root["n"], value.kind != .null else { return 1 }
        guard let n = value.int, n >= 1, n <= Int64(EventGate.maxChoices) else {
            throw .badRequest("'n' must be a whole number from 1 to \(EventGate.maxChoices)", param: "n")
        }
        return Int(n)
    }

    func optionals() throws(ExchangeError) {
        try array("tools")
        for name: StaticString in ["temperature", "top_p", "presence_penalty", "frequency_penalty"] { try number(name) }
        for name: StaticString in ["max_tokens", "max_completion_tokens", "seed"] { try integer(name) }
    }

    private func array(_ name: StaticString) throws(ExchangeError) {
        guard let value = root[name], value.kind != .null, value.kind != .array else { return }
        throw wrong(name, "an array", value)
    }

    private func number(_ name: StaticString) throws(ExchangeError) {
        guard let value = root[name], value.kind != .null else { return }
        guard [.int, .uint, .double].contains(value.kind) else { throw wrong(name, "a number", value) }
    }

    private func integer(_ name: StaticString) throws(ExchangeError) {
        guard let value = root[name], value.kind != .null else { return }
        guard [.int, .uint].contains(value.kind) else { throw wrong(name, "a whole number", value) }
    }

    private func wrong(_ name: StaticString, _ wanted: String, _ value: JSONValue) -> ExchangeError {
        .badRequest("'\(name)' must be \(wanted), it is \(value.kind.article)", param: "\(name)")
    }
}

extension JSONKind {
    /// The kind with its article, for sentences.
    var article: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .uint, .double: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
