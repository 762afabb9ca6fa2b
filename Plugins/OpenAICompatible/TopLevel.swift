internal import WireJSON

/// The members of a chunk or body that have a meaning here.
struct TopLevel {
    var id: JSONValue?
    var model: JSONValue?
    var created: JSONValue?
    var choices: JSONValue?
    var usage: JSONValue?
    var error: JSONValue?
    var hasExtras = false

    init(_ root: JSONValue) {
        for (key, value) in root.members where !value.isNull {
            if key.matches("choices") {
                choices = value
            } else if key.matches("id") {
                id = value
            } else if key.matches("model") {
                model = value
            } else if key.matches("created") {
                created = value
            } else if key.matches("usage") {
                usage = value.isObject ? value : nil
            } else if key.matches("error") {
                error = value
            } else if !key.matches("object"), !key.matches("obfuscation") {
                hasExtras = true
            }
        }
    }

    /// Azure's first chunk tells of the prompt's filters, before there is an answer with an id and a model.
    var isPreamble: Bool {
        (choices?.elementCount ?? 0) == 0 && usage == nil && (id?.stringBytes?.isEmpty ?? true)
    }

    /// Answers that are errors in another API's words, such as `{"detail": …}`: only where nothing else speaks.
    func bareError(_ root: JSONValue) -> JSONValue? {
        guard choices == nil, id == nil, usage == nil else { return nil }
        return root["detail"] != nil || root["message"] != nil || root["errors"] != nil ? root : nil
    }

    static func isKnown(_ key: UnsafeRawBufferPointer) -> Bool {
        key.matches("choices") || key.matches("id") || key.matches("model") || key.matches("created")
            || key.matches("usage") || key.matches("error") || key.matches("object")
            // OpenAI's random padding of each chunk: it hides the length of this hop's packets, no other's.
            || key.matches("obfuscation")
    }
}

/// The members of a choice that have a meaning here.
struct ChoiceParts {
    var delta: JSONValue?
    var message: JSONValue?
    var finishReason: UnsafeRawBufferPointer?
    var usage: JSONValue?
    var error: JSONValue?
    var hasExtras = false

    /// Some upstreams end a stream with a `message` beside an empty or absent `delta`.
    func content(isWhole: Bool) -> JSONValue? {
        isWhole ? message ?? delta : delta ?? message
    }

    init(_ choice: JSONValue) {
        for (key, value) in choice.members where !value.isNull {
            if key.matches("delta") {
                delta = value
            } else if key.matches("finish_reason") {
                finishReason = value.stringBytes
            } else if key.matches("message") {
                message = value
            } else if key.matches("usage") {
                usage = value.isObject ? value : nil
            } else if key.matches("error") {
                error = value
            } else if !key.matches("index") {
                hasExtras = true
            }
        }
    }

    static func isKnown(_ key: UnsafeRawBufferPointer) -> Bool {
        key.matches("index") || key.matches("delta") || key.matches("finish_reason") || key.matches("message")
            || key.matches("usage") || key.matches("error")
    }
}

/// The members of a delta or message that have a meaning here.
struct DeltaParts {
    var content: JSONValue?
    var reasoningContent: JSONValue?
    var reasoning: JSONValue?
    var details: JSONValue?
    var toolCalls: JSONValue?
    var functionCall: JSONValue?
    var hasExtras = false

    init(_ delta: JSONValue) {
        for (key, value) in delta.members where !value.isNull {
            if key.matches("content") {
                content = value
            } else if key.matches("tool_calls") {
                toolCalls = value
            } else if key.matches("reasoning_content") {
                reasoningContent = value
            } else if key.matches("reasoning") {
                reasoning = value
            } else if key.matches("reasoning_details") {
                details = value
            } else if key.matches("function_call") {
                functionCall = value
            } else if !key.matches("role") {
                hasExtras = true
            }
        }
    }

    static func isKnown(_ key: UnsafeRawBufferPointer) -> Bool {
        key.matches("role") || key.matches("content") || key.matches("tool_calls") || key.matches("reasoning_content")
            || key.matches("reasoning") || key.matches("reasoning_details") || key.matches("function_call")
    }
}
