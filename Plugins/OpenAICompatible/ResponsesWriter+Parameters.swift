internal import WireJSON

/// Tools and all other members.
extension ResponsesWriter {
    mutating func tools() {
        guard let list = root["tools"], list.kind == .array else { return }
        let start = out.count
        name("tools")
        out.append("[")
        var tools = ItemList(out)
        var count = 0
        for tool in list.elements {
            if let function = tool["function"], function.kind == .object {
                tools.next()
                self.function(function)
            } else if let custom = tool["custom"], custom.kind == .object {
                tools.next()
                self.custom(custom)
            } else if isResponses, let native = tool["native"], native.kind == .object {
                tools.next()
                out.append(bytes: native.raw)
            } else {
                losses.add(.nativeTool, type: tool["native"]?["type"] ?? tool["type"])
                continue
            }
            count += 1
            if tool["cache_control"]?.present != nil { losses.add(.toolCache) }
        }
        out.append("]")
        guard count > 0 else { return out.truncate(to: start) }
        toolChoice()
        copy("parallel_tool_calls", from: root)
    }

    private func function(_ function: JSONSpan) {
        out.append(#"{"type":"function""#)
        copy("name", from: function)
        copy("description", from: function)
        name("parameters")
        if let parameters = function["parameters"]?.present {
            out.append(bytes: parameters.raw)
        } else {
            out.append(#"{"type":"object","properties":{}}"#)
        }
        name("strict")
        // Where Chat's default is false, this API's is true.
        out.append(function["strict"]?.bool == true ? "true}" : "false}")
    }

    private func custom(_ custom: JSONSpan) {
        out.append(#"{"type":"custom""#)
        copy("name", from: custom)
        copy("description", from: custom)
        if let format = custom["format"], let grammar = format["grammar"], grammar.kind == .object {
            name("format")
            out.append(#"{"type":"grammar""#)
            copy("definition", from: grammar)
            copy("syntax", from: grammar)
            out.append("}")
        } else {
            copy("format", from: custom)
        }
        out.append("}")
    }

    private mutating func toolChoice() {
        guard let choice = root["tool_choice"]?.present else { return }
        if choice.kind == .string { return copy("tool_choice", choice) }
        for kind in ["function", "custom"] as [StaticString] {
            guard let named = choice[kind]?["name"], named.kind == .string else { continue }
            name("tool_choice")
            out.append(#"{"type":""#)
            out.append(kind)
            out.append("\"")
            copy("name", named)
            return out.append("}")
        }
        losses.add(.toolChoice)
    }

    // MARK: Parameters

    mutating func parameters(_ model: UnsafeRawBufferPointer) {
        if let bound = root["max_completion_tokens"]?.present ?? root["max_tokens"]?.present {
            copy("max_output_tokens", bound)
        }
        text()
        reasoning()
        include(model)
        name("store")
        if let store = root["store"]?.present { out.append(bytes: store.raw) } else { out.append("false") }
        for (key, value) in root.members where value.kind != .null { member(key, value) }
    }

    private mutating func member(_ key: JSONSpan, _ value: JSONSpan) {
        if Self.kept.contains(where: { key.matches($0) }) {
            if key.matches("metadata"), value.members.contains(where: { $0.value.kind != .string }) {
                return losses.add(.metadata)
            }
            if key.matches("top_logprobs"), root["logprobs"]?.bool != true { return }
            out.append(",")
            out.append(bytes: key.raw)
            out.append(":")
            out.append(bytes: value.raw)
        } else if !Self.written.contains(where: { key.matches($0) }), !saysNothing(key, value) {
            if key.matches("anthropic_beta") { return losses.add(.beta) }
            if key.matches("cache_control") { return losses.add(.requestCache) }
            losses.add(member: key, "the Responses API does not have it")
        }
    }

    /// Values that ask for what happens anyway.
    private func saysNothing(_ key: JSONSpan, _ value: JSONSpan) -> Bool {
        if key.matches("n") { return value.raw.elementsEqual("1".utf8) }
        if key.matches("presence_penalty") || key.matches("frequency_penalty") {
            return Double(String(decoding: value.raw, as: UTF8.self)) == 0
        }
        return false
    }

    /// Both APIs have them.
    private static let kept: [StaticString] = [
        "temperature", "top_p", "metadata", "user", "service_tier", "prompt_cache_key", "prompt_cache_retention",
        "prompt_cache_options", "safety_identifier", "top_logprobs", "context_management", "truncation",
    ]

    /// What is written elsewhere, or decides what is.
    private static let written: [StaticString] = [
        "model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "max_tokens",
        "max_completion_tokens", "response_format", "verbosity", "reasoning_effort", "thinking", "store", "logprobs",
        "include", "reasoning",
    ]

    private func text() {
        let format = root["response_format"]?.present
        let verbosity = root["verbosity"]?.present
        guard format != nil || verbosity != nil else { return }
        name("text")
        out.append("{")
        if let format {
            out.append(#""format":"#)
            self.format(format)
        }
        if let verbosity {
            out.append(format == nil ? #""verbosity":"# : #","verbosity":"#)
            out.append(bytes: verbosity.raw)
        }
        out.append("}")
    }

    private func format(_ format: JSONSpan) {
        guard let schema = format["json_schema"], schema.kind == .object else { return out.append(bytes: format.raw) }
        out.append(#"{"type":"json_schema""#)
        for (key, value) in schema.members where value.kind != .null {
            out.append(",")
            out.append(bytes: key.raw)
            out.append(":")
            out.append(bytes: value.raw)
        }
        out.append("}")
    }

    private mutating func reasoning() {
        let thinking = root["thinking"].flatMap { $0.kind == .object ? $0 : nil }
        let isOn = thinking.map { $0["type"]?.matches("disabled") != true } ?? false
        let own = root["reasoning"].flatMap { $0.kind == .object ? $0 : nil }
        let effort = root["reasoning_effort"]?.present
        let budget = effort == nil && isOn ? thinking.flatMap(ThinkingBudget.effort) : nil
        let summary = options.responses.summary ?? (isOn ? "auto" : "none")
        var members = ItemList(out)
        guard effort != nil || budget != nil || summary != "none" || own != nil else { return }
        name("reasoning")
        out.append("{")
        if let effort {
            members.next()
            out.append(#""effort":"#)
            out.append(bytes: effort.raw)
        } else if let budget {
            members.next()
            out.append(#""effort":""#)
            out.append(budget)
            out.append("\"")
        }
        if summary != "none", own?["summary"] == nil {
            members.next()
            out.append(#""summary":"#)
            out.appendJSONString(summary)
        }
        if let own {
            for (key, value) in own.members where !key.matches("effort") || (effort == nil && budget == nil) {
                members.next()
                out.append(bytes: key.raw)
                out.append(":")
                out.append(bytes: value.raw)
            }
        }
        out.append("}")
    }

    private func include(_ model: UnsafeRawBufferPointer) {
        var entries: [StaticString] = []
        if options.responses.wantsEncryptedReasoning ?? Self.mayReason(model) {
            entries.append("reasoning.encrypted_content")
        }
        if root["logprobs"]?.bool == true { entries.append("message.output_text.logprobs") }
        guard !entries.isEmpty else { return }
        name("include")
        var separator: StaticString = "[\""
        for entry in entries {
            out.append(separator)
            out.append(entry)
            separator = "\",\""
        }
        out.append("\"]")
    }

    /// Models without reasoning refuse to be asked for it.
    private static func mayReason(_ model: UnsafeRawBufferPointer) -> Bool {
        let name = String(decoding: model, as: UTF8.self).lowercased()
        return !["gpt-3", "gpt-4", "chatgpt-4", "gpt-5-chat"].contains { name.hasPrefix($0) }
    }
}
