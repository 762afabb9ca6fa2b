internal import WireJSON

/// The request's members besides messages and tools.
extension CanonicalAdapter {
    mutating func parameters(_ root: JSONSpan) {
        if let value = root["thinking"] { thinking(value, root) }
        remove("anthropic_beta", of: root, .beta)
        remove("cache_control", of: root, .requestCache)
        if !options.keepsTopK { remove("top_k", of: root, .topK) }
        if let metadata = root["metadata"], metadata.kind == .object,
            metadata.members.contains(where: { $0.value.kind != .string })
        {
            remove("metadata", of: root, .metadata)
        }
        if options.renamesMaxTokens { renameMaxTokens(root) }
    }

    private mutating func remove(_ name: StaticString, of root: JSONSpan, _ loss: CanonicalLoss) {
        guard let value = root[name] else { return }
        delete(name)
        if value.kind != .null { losses.add(loss) }
    }

    /// If both are given, the newer name stands already.
    private func renameMaxTokens(_ root: JSONSpan) {
        guard let value = root["max_tokens"], value.kind != .null else { return }
        delete("max_tokens")
        guard root["max_completion_tokens"].map({ $0.kind == .null }) ?? true else { return }
        begin("max_completion_tokens")
        patch.append(bytes: value.raw)
    }

    private mutating func thinking(_ value: JSONSpan, _ root: JSONSpan) {
        guard value.kind == .object, let type = value["type"], type.kind == .string else { return }
        switch options.thinking {
        case .type: narrow(value, type)
        case .effort: effort(value, root)
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

    private mutating func effort(_ thinking: JSONSpan, _ root: JSONSpan) {
        delete("thinking")
        if let effort = root["reasoning_effort"], effort.kind != .null { return }
        guard thinking["type"]?.matches("disabled") == false, let budget = thinking["budget_tokens"],
            [.int, .uint].contains(budget.kind)
        else {
            return losses.add(.thinking)
        }
        begin("reasoning_effort")
        // What is no Int64 is huge.
        switch Int64(String(decoding: budget.raw, as: UTF8.self)) ?? .max {
        case ...2048: patch.append(#""low""#)
        case ...8192: patch.append(#""medium""#)
        default: patch.append(#""high""#)
        }
    }
}
