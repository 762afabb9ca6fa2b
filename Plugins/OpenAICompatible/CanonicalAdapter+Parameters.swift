internal import WireJSON

/// The request's members besides messages and tools.
extension CanonicalAdapter {
    mutating func parameters(_ root: JSONSpan) {
        if let value = root["thinking"] {
            thinking(value, root)
        } else if isForeign, options.thinking == .reasoning {
            reasoning(nil, root)
        }
        switch options.maxTokens {
        case .keep: break
        case .completion: rename("max_tokens", to: "max_completion_tokens", root)
        case .plain: rename("max_completion_tokens", to: "max_tokens", root)
        }
        if options.pinsSampling, PinnedSamplers.has(model) { removeSamplers(root) }
        guard isForeign else { return }
        remove("anthropic_beta", of: root, .beta)
        remove("cache_control", of: root, .requestCache)
        if !options.keepsTopK { remove("top_k", of: root, .topK) }
        if let metadata = root["metadata"], metadata.kind == .object,
            metadata.members.contains(where: { $0.value.kind != .string })
        {
            remove("metadata", of: root, .metadata)
        }
    }

    private mutating func removeSamplers(_ root: JSONSpan) {
        remove("temperature", of: root, .temperature)
        remove("top_p", of: root, .topP)
        remove("n", of: root, .choices)
        remove("presence_penalty", of: root, .presencePenalty)
        remove("frequency_penalty", of: root, .frequencyPenalty)
    }

    private mutating func remove(_ name: StaticString, of root: JSONSpan, _ loss: CanonicalLoss) {
        guard let value = root[name] else { return }
        delete(name)
        if value.kind != .null { losses.add(loss) }
    }

    /// If both are given, the one that stays is there already.
    private func rename(_ old: StaticString, to new: StaticString, _ root: JSONSpan) {
        guard let value = root[old], value.kind != .null else { return }
        delete(old)
        guard root[new].map({ $0.kind == .null }) ?? true else { return }
        begin(new)
        patch.append(bytes: value.raw)
    }

    private mutating func thinking(_ value: JSONSpan, _ root: JSONSpan) {
        guard value.kind == .object, let type = value["type"], type.kind == .string else { return }
        switch options.thinking {
        // Chat clients that say it mean it so.
        case .type: if isForeign { narrow(value, type) }
        case .effort: effort(value, root, none: false)
        case .effortOrNone: effort(value, root, none: true)
        case .template: template(value, type, root)
        case .reasoning: reasoning(value, root)
        case .keep: break
        }
    }

    /// Merge patches go into objects, so what is not to stay is named.
    private mutating func narrow(_ thinking: JSONSpan, _ type: JSONSpan) {
        // Where nothing says how much, thinking is on or off.
        let isAdaptive = type.matches("adaptive")
        var isMore = false
        var isLost = false
        let start = begin("thinking")
        patch.append("{")
        if isAdaptive { patch.append(#""type":"enabled""#) }
        for (key, member) in thinking.members where !key.matches("type") {
            if isMore || isAdaptive { patch.append(",") }
            patch.append(bytes: key.raw)
            patch.append(":null")
            isMore = true
            if member.kind != .null { isLost = true }
        }
        patch.append("}")
        if !isMore, !isAdaptive { patch.truncate(to: start) }
        if isLost { losses.add(.thinking) }
    }

    private mutating func effort(_ thinking: JSONSpan, _ root: JSONSpan, none: Bool) {
        delete("thinking")
        if let effort = root["reasoning_effort"], effort.kind != .null { return }
        if none, thinking["type"]?.matches("disabled") == true {
            begin("reasoning_effort")
            return patch.append(#""none""#)
        }
        guard thinking["type"]?.matches("disabled") == false, let effort = ThinkingBudget.effort(thinking) else {
            return losses.add(.thinking)
        }
        begin("reasoning_effort")
        patch.append("\"")
        patch.append(effort)
        patch.append("\"")
    }

    /// A switch for the model's template; names that the client's own arguments have stay.
    private mutating func template(_ thinking: JSONSpan, _ type: JSONSpan, _ root: JSONSpan) {
        delete("thinking")
        let isOn = !type.matches("disabled")
        if isOn, thinking["budget_tokens"].map({ $0.kind != .null }) ?? false { losses.add(.thinking) }
        let own = root["chat_template_kwargs"]
        let names: [StaticString] = ["thinking", "enable_thinking"]
        let missing = names.filter { own?[$0] == nil }
        guard !missing.isEmpty else { return }
        begin("chat_template_kwargs")
        var separator: StaticString = "{\""
        for name in missing {
            patch.append(separator)
            separator = ",\""
            patch.append(name)
            patch.append(isOn ? "\":true" : "\":false")
        }
        patch.append("}")
    }

    /// OpenRouter's object: a budget, else an effort, else a switch. The client's own object stays.
    private mutating func reasoning(_ thinking: JSONSpan?, _ root: JSONSpan) {
        if thinking != nil { delete("thinking") }
        if let own = root["reasoning"], own.kind != .null { return }
        let effort = root["reasoning_effort"].flatMap { $0.kind == .string ? $0 : nil }
        let isOff = thinking?["type"]?.matches("disabled") ?? false
        let budget = isOff ? nil : thinking.flatMap(ThinkingBudget.tokens)
        guard thinking != nil || effort != nil else { return }
        if effort != nil { delete("reasoning_effort") }
        begin("reasoning")
        if isOff {
            patch.append(#"{"enabled":false}"#)
        } else if let budget {
            patch.append(#"{"max_tokens":"#)
            patch.append(bytes: budget.raw)
            patch.append("}")
        } else if let effort {
            patch.append(#"{"effort":"#)
            patch.append(bytes: effort.raw)
            patch.append("}")
        } else {
            patch.append(#"{"enabled":true}"#)
        }
    }
}

/// `thinking.budget_tokens`.
enum ThinkingBudget {
    /// The number; nil if there is none.
    static func tokens(_ thinking: JSONSpan) -> JSONSpan? {
        thinking["budget_tokens"].flatMap { [.int, .uint].contains($0.kind) ? $0 : nil }
    }

    /// The effort that is like it; nil without a budget.
    static func effort(_ thinking: JSONSpan) -> StaticString? {
        guard let budget = tokens(thinking) else { return nil }
        // What is no Int64 is huge.
        switch Int64(String(decoding: budget.raw, as: UTF8.self)) ?? .max {
        case ...2048: return "low"
        case ...8192: return "medium"
        default: return "high"
        }
    }
}

/// Kimi models from K2.5 on refuse samplers other than their own.
enum PinnedSamplers {
    static func has(_ model: UnsafeRawBufferPointer) -> Bool {
        let name = String(decoding: model, as: UTF8.self).lowercased()
        guard name.hasPrefix("kimi-k") else { return false }
        let version = name.dropFirst(6).prefix { $0 == "." || $0.isASCII && $0.isNumber }
        return (Double(version) ?? 0) >= 2.5
    }
}
