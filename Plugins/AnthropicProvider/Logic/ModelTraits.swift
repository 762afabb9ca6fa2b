/// What a model takes, told by its name: Anthropic's models differ, and an upstream refuses what its model does not know.
/// docs/anthropic.md has the table.
struct ModelTraits: Equatable {
    enum Thinking {
        /// No thinking at all.
        case none
        /// `thinking.budget_tokens`.
        case budget
        /// `thinking.type` adaptive, and `output_config.effort`.
        case adaptive
    }

    /// How thinking is switched off.
    enum Off { case absent, disabled, betweenTools, never }

    /// False for models of other makers behind the same API: of those nothing is known.
    let isClaude: Bool
    private let family: String
    /// Major and minor version, as 405 for 4.5; 0 if the name has none.
    private let version: Int

    init(_ model: String) {
        let name = model.lowercased()
        guard let start = name.range(ofWord: "claude") else {
            (isClaude, family, version) = (false, "", 0)
            return
        }
        isClaude = true
        var family = ""
        var numbers: [Int] = []
        var isOver = false
        for word in name[start...].split(whereSeparator: { !$0.isLetter && !$0.isNumber }).dropFirst() {
            if ["opus", "sonnet", "haiku", "fable", "mythos", "instant"].contains(word) {
                family = String(word)
            } else if let number = Int(word), word.count <= 2, !isOver, numbers.count < 2 {
                numbers.append(number)
                continue
            }
            // A version's numbers stand side by side; others are dates and revisions.
            if !numbers.isEmpty { isOver = true }
        }
        self.family = family
        // The newest are taken for a name without a number, such as claude-mythos-preview.
        version =
            numbers.isEmpty ? (family == "mythos" ? 500 : 0) : numbers[0] * 100 + (numbers.count > 1 ? numbers[1] : 0)
    }

    /// What thinking the model has; names without a version are taken for new.
    var thinking: Thinking {
        guard isClaude else { return .budget }
        if version == 0 || version >= 406 { return .adaptive }
        return version >= 307 ? .budget : .none
    }

    var thinkingOff: Off {
        guard isClaude else { return .disabled }
        guard version >= 500 else { return .absent }
        if family == "fable" || family == "mythos" { return .never }
        guard version >= 505 else { return .disabled }
        return family == "opus" ? .never : family == "sonnet" ? .betweenTools : .disabled
    }

    /// Are a thought's texts left out unless asked for?
    var hidesThoughts: Bool { isClaude && (version == 0 || version >= 407) }

    /// `output_config.effort`, and its words besides low, medium and high.
    var takesEffort: Bool { isClaude && (version == 0 || version >= 406 || (family == "opus" && version == 405)) }
    var takesExtraHighEffort: Bool { version == 0 || version >= 407 }
    var takesMaximalEffort: Bool { version == 0 || version >= 406 }

    /// temperature, top_p and top_k.
    var takesSamplers: Bool { !isClaude || (version > 0 && version < 407) }
    /// temperature beside top_p.
    var takesBothSamplers: Bool { !isClaude || (version > 0 && version < 401) }

    /// `output_config.format`, and `strict` of tools.
    var takesSchemas: Bool { isClaude && (version == 0 || version >= 401) }

    /// Messages of role system behind a user turn.
    var takesSystemTurns: Bool {
        guard isClaude else { return false }
        return switch family {
        case "opus": version >= 408
        case "fable", "mythos": true
        default: version >= 505
        }
    }

    /// The max_tokens of requests without one.
    var defaultMaxTokens: Int64 {
        guard isClaude else { return 16_384 }
        switch version {
        case 0, 406...: return 128_000
        case 405: return 64_000
        case 307..<405: return 32_000
        case 305..<307: return 8_192
        default: return 4_096
        }
    }
}

extension String {
    /// Where that ASCII word begins.
    fileprivate func range(ofWord word: String) -> String.Index? {
        indices.first { self[$0...].hasPrefix(word) }
    }
}
