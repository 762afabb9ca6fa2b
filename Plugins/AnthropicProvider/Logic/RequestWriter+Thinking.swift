internal import WireJSON

/// How the model shall think.
struct Thinking {
    /// What the answer needs besides the budget.
    static let room: Int64 = 1024
    /// Smaller budgets are refused.
    static let leastBudget: Int64 = 1024

    /// The member `thinking`; nil leaves it out.
    var json: [UInt8]?
    /// `output_config.effort`.
    var effort: String?
    var budget: Int64 = 0
    var isOn = false

    init(_ json: String? = nil, effort: String? = nil, budget: Int64 = 0, isOn: Bool = false) {
        self.json = json.map { Array($0.utf8) }
        (self.effort, self.budget, self.isOn) = (effort, budget, isOn)
    }
}

/// `thinking`, `reasoning_effort` and OpenRouter's `reasoning`.
extension RequestWriter {
    /// `limit`: the max_tokens of the request.
    mutating func thinking(_ limit: Int64, isForced: Bool) -> Thinking {
        let effort = self.effort()
        var isVague = false
        if let own = root.some("thinking"), own.kind == .object {
            // Moonshot's form says no more than that there be thinking.
            isVague = own["type"]?.matches("enabled") == true && own.some("budget_tokens") == nil
            if !isVague { return verbatim(own, effort) }
        }
        // Anthropic's clients say effort apart from thinking.
        if isOwnDialect, !isVague { return Thinking(effort: effort) }
        guard let effort = effort ?? (isVague ? "medium" : nil) else { return Thinking() }
        return derived(effort, limit, isForced: isForced)
    }

    private mutating func effort() -> String? {
        let value = root.text("reasoning_effort") ?? root.some("reasoning")?.text("effort")
        if let reasoning = root.some("reasoning"), reasoning.members.contains(where: { !$0.key.matches("effort") }) {
            losses.add("reasoning", "of its members only effort has an equivalent")
        }
        guard let effort = value?.string?.lowercased() else { return nil }
        if isOwnDialect || Self.efforts[effort] != nil || effort == "none" { return effort }
        losses.add("reasoning_effort", "it must be none, minimal, low, medium, high, xhigh or max")
        return nil
    }

    private mutating func verbatim(_ own: JSONSpan, _ effort: String?) -> Thinking {
        if turns.lacksThought, traits.isClaude, own["type"]?.matches("enabled") == true {
            losses.add("thinking", "the call before was made without a signed thought, so none may follow")
            return Thinking(effort: isOwnDialect ? effort : nil)
        }
        var thinking = Thinking(budget: own["budget_tokens"]?.integer.map { min($0, 1 << 30) } ?? 0)
        thinking.json = Array(own.raw)
        thinking.isOn = own["type"]?.matches("enabled") == true || own["type"]?.matches("adaptive") == true
        if let effort, isOwnDialect || traits.takesEffort { thinking.effort = isOwnDialect ? effort : word(effort) }
        return thinking
    }

    private mutating func derived(_ effort: String, _ limit: Int64, isForced: Bool) -> Thinking {
        if effort == "none" { return off() }
        switch options.thinking {
        case .off: break
        case .budget: return budget(effort, limit, isForced: isForced)
        case .adaptive: return adaptive(effort, isForced: isForced)
        case .auto:
            switch traits.thinking {
            case .budget: return budget(effort, limit, isForced: isForced)
            case .adaptive: return adaptive(effort, isForced: isForced)
            case .none: break
            }
        }
        losses.add("reasoning_effort", "the model does not think, or shall not")
        return Thinking()
    }

    private mutating func off() -> Thinking {
        switch traits.thinkingOff {
        case .absent: return Thinking()
        case .disabled: return Thinking(#"{"type":"disabled"}"#)
        case .betweenTools: return Thinking(#"{"type":"between_tools"}"#)
        case .never:
            losses.add("reasoning_effort", "the model cannot but think; it does with low effort", .adjusted)
            return Thinking(effort: "low")
        }
    }

    private mutating func adaptive(_ effort: String, isForced: Bool) -> Thinking {
        if isForced {
            losses.add("reasoning_effort", "a forced call leaves no room for thoughts; effort alone went up", .adjusted)
            return Thinking(effort: word(effort))
        }
        let json = traits.hidesThoughts ? #"{"type":"adaptive","display":"summarized"}"# : #"{"type":"adaptive"}"#
        return Thinking(json, effort: word(effort), isOn: true)
    }

    private mutating func budget(_ effort: String, _ limit: Int64, isForced: Bool) -> Thinking {
        if isForced {
            losses.add("reasoning_effort", "a forced call leaves no room for thoughts")
            return Thinking()
        }
        if turns.lacksThought, traits.isClaude {
            losses.add("reasoning_effort", "the call before was made without a signed thought, so none may follow")
            return Thinking()
        }
        let budget = min(Self.efforts[effort] ?? 8192, limit - Thinking.room)
        guard budget >= Thinking.leastBudget else {
            losses.add("reasoning_effort", "max_tokens leaves no room for thoughts")
            return Thinking()
        }
        return Thinking(#"{"type":"enabled","budget_tokens":\#(budget)}"#, budget: budget, isOn: true)
    }

    /// The model's word for an effort.
    private func word(_ effort: String) -> String {
        switch effort {
        case "minimal": "low"
        case "xhigh": traits.takesExtraHighEffort ? "xhigh" : "high"
        case "max": traits.takesMaximalEffort ? "max" : "high"
        default: effort
        }
    }

    /// Tokens for thoughts.
    private static let efforts: [String: Int64] = [
        "minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 49_152,
    ]
}
