internal import WireJSON

/// `thinkingConfig`: how much a model thinks, a budget of tokens up to Gemini 2.5, a level from Gemini 3 on.
struct ThinkingConfig {
    /// The member's value; nil: the model's own default.
    private(set) var json: [UInt8]?

    private enum Wish {
        case none
        case off
        case automatic
        case budget(Int64)
        case effort(String)
    }

    /// The request's own words come before the configured ones.
    init(_ root: JSONSpan, _ model: ModelName, configured: [UInt8]?, _ losses: inout RequestLosses) {
        if let verbatim = Self.verbatim(root) {
            json = Self.camelCased(verbatim)
            return
        }
        let wish = Self.wish(root, &losses)
        if case .none = wish {
            json = configured
            return
        }
        if let generation = model.generation, generation < 2.5 {
            losses.drop("reasoning_effort or thinking, which \(model.shortName) does not have")
            return
        }
        let isLevel = (model.generation ?? 0) >= 3
        let value =
            isLevel
            ? Self.level(wish, model).map { "\"thinkingLevel\":\"\($0)\"" }
            : Self.budget(wish, model).map { "\"thinkingBudget\":\($0)" }
        var isShown = true
        if case .off = wish { isShown = false }
        let members = [value, isShown ? #""includeThoughts":true"# : nil].compactMap { $0 }
        if !members.isEmpty { json = Array("{\(members.joined(separator: ","))}".utf8) }
    }

    // MARK: Reading

    /// Gemini's own object: as the seed project's clients and those of Google's chat API send it.
    private static func verbatim(_ root: JSONSpan) -> JSONSpan? {
        let google = root["google"] ?? root["extra_body"]?["google"]
        let found = root.given("thinking_config") ?? root.given("thinkingConfig") ?? google?.given("thinking_config")
        return found.flatMap { $0.kind == .object ? $0 : nil }
    }

    private static func camelCased(_ object: JSONSpan) -> [UInt8] {
        let out = ByteWriter()
        out.append("{")
        for (key, value) in object.members {
            if out.count > 1 { out.append(",") }
            let name = key.string ?? ""
            out.appendJSONString(names[name] ?? name)
            out.append(":")
            out.append(bytes: value.raw)
        }
        out.append("}")
        return out.bytes
    }

    private static let names = [
        "include_thoughts": "includeThoughts", "thinking_budget": "thinkingBudget", "thinking_level": "thinkingLevel",
    ]

    private static func wish(_ root: JSONSpan, _ losses: inout RequestLosses) -> Wish {
        // Anthropic's adaptive thinking says how much by the effort beside it.
        let effort = root.given("reasoning_effort")?.word?.lowercased()
        if let thinking = root.given("thinking"), let type = thinking["type"]?.string {
            switch type {
            case "disabled": return .off
            case "enabled":
                if let budget = thinking["budget_tokens"]?.integer { return .budget(budget) }
                return effort.map(Wish.effort) ?? .automatic
            case "adaptive": return effort.map(Wish.effort) ?? .automatic
            default: losses.drop("thinking (\(String(type.prefix(48))))")
            }
        }
        guard let effort else { return .none }
        return effort == "none" ? .off : .effort(effort)
    }

    // MARK: Gemini 3

    /// Nil: the model's default.
    private static func level(_ wish: Wish, _ model: ModelName) -> String? {
        let isFlash = model.shortName.contains("flash")
        let lowest = isFlash ? "MINIMAL" : "LOW"
        // The first Gemini 3 Pro has no middle.
        let middle = model.generation == 3 && !isFlash ? "HIGH" : "MEDIUM"
        switch wish {
        case .none, .automatic: return nil
        case .off: return lowest
        case .budget(let tokens):
            if tokens < 0 { return nil }
            return tokens == 0 ? lowest : tokens <= 2048 ? "LOW" : tokens <= 8192 ? middle : "HIGH"
        case .effort(let word):
            switch word {
            case "minimal": return lowest
            case "low": return "LOW"
            case "medium": return middle
            default: return "HIGH"
            }
        }
    }

    // MARK: Gemini 2.5

    private static func budget(_ wish: Wish, _ model: ModelName) -> Int64? {
        let range = range(model)
        switch wish {
        case .none: return nil
        case .automatic: return -1
        case .off: return model.shortName.contains("pro") ? range.lowerBound : 0
        case .budget(let tokens):
            if tokens < 0 { return -1 }
            if tokens == 0 { return budget(.off, model) }
            return max(range.lowerBound, min(tokens, range.upperBound))
        case .effort(let word):
            switch word {
            case "minimal", "low": return max(1024, range.lowerBound)
            case "medium": return 8192
            default: return 24_576
            }
        }
    }

    private static func range(_ model: ModelName) -> ClosedRange<Int64> {
        if model.shortName.contains("pro") { return 128...32_768 }
        return model.shortName.contains("lite") ? 512...24_576 : 1...24_576
    }
}
