internal import OpenAICompatible
internal import WireJSON

/// What a conversation has in it that was on another route before, and the upstream refuses: such a request is written
/// anew, which leaves it out.
enum ForeignThoughts {
    /// Looks through a request of the Messages API. Claude checks signatures; other makers' models do not.
    static func stand(in root: JSONSpan, isClaude: Bool) -> Bool {
        guard let messages = root["messages"], messages.kind == .array else { return false }
        var lacksThought = false
        for message in messages.elements where message["role"]?.matches("assistant") == true {
            lacksThought = false
            guard let content = message["content"], content.kind == .array else { continue }
            var isFirst = true
            var beginsWithThought = false
            for block in content.elements {
                if RouteMark.stands(inBlock: block) || (isClaude && isUnsigned(block)) { return true }
                let type = block["type"]
                if isFirst {
                    beginsWithThought = type?.matches("thinking") == true || type?.matches("redacted_thinking") == true
                }
                isFirst = false
                if type?.matches("tool_use") == true { lacksThought = !beginsWithThought }
            }
        }
        return isClaude && lacksThought && root["thinking"]?["type"]?.matches("enabled") == true
    }

    private static func isUnsigned(_ block: JSONSpan) -> Bool {
        guard block["type"]?.matches("thinking") == true else { return false }
        return block["signature"].map { $0.inner.isEmpty } ?? true
    }
}
