public import WireJSON

/// Signatures and sealed data that a provider of this host made for itself. A conversation that moves to another route
/// brings them along, and every other upstream refuses them.
public enum RouteMark {
    /// How they begin: what this package seals (`Sealed`), what the host seals for Responses clients, and what the
    /// vertex provider makes of Gemini's signatures.
    private static let marks: [StaticString] = ["kimi-host.", "gemini1:"]
    private static let quoted = Array("\"kimi-host.".utf8)
    /// What chat clients get of thoughts, and send back. OpenAI itself takes none of it.
    private static let members: [StaticString] = [
        "thinking_blocks", "reasoning_items", "reasoning_details", "reasoning_content", "tool_call_extras",
    ]
    private static let beginnings = [
        "\"thinking_blocks\"", "\"reasoning_", "\"tool_call_extras\"", "\"extra_content\"",
    ]
    .map { Array($0.utf8) }

    /// Is the value a string that begins with such a mark?
    public static func stands(in value: JSONSpan?) -> Bool {
        guard let value, value.kind == .string else { return false }
        let text = value.inner
        return marks.contains { mark in
            text.count >= mark.utf8CodeUnitCount
                && UnsafeRawBufferPointer(rebasing: text[..<mark.utf8CodeUnitCount]).matches(mark)
        }
    }

    /// Has a thinking block of Anthropic's API one, as its signature or its data?
    public static func stands(inBlock block: JSONSpan) -> Bool {
        stands(in: block["signature"])
            || (block["type"]?.matches("redacted_thinking") == true && stands(in: block["data"]))
    }

    /// Has one of a Responses request's reasoning items one? Reads the request whole only if the bytes look like it.
    static func stands(inResponsesRequest json: UnsafeRawBufferPointer) -> Bool {
        guard holds(quoted, json), let outline = try? JSONOutline(json) else { return false }
        defer { withExtendedLifetime(outline) {} }
        guard let input = outline.root["input"], input.kind == .array else { return false }
        for item in input.elements where stands(in: item["encrypted_content"]) { return true }
        return false
    }

    /// Is the key of an assistant message one of those by which thoughts come down?
    static func isThought(_ key: JSONSpan) -> Bool { members.contains { key.matches($0) } }

    /// Has one of a chat request's messages thoughts in it, or a call what Gemini wants back?
    static func thoughtsStand(inChatRequest json: UnsafeRawBufferPointer) -> Bool {
        guard beginnings.contains(where: { holds($0, json) }), let outline = try? JSONOutline(json) else {
            return false
        }
        defer { withExtendedLifetime(outline) {} }
        guard let messages = outline.root["messages"], messages.kind == .array else { return false }
        for message in messages.elements {
            for (key, value) in message.members {
                if isThought(key) { return true }
                guard key.matches("tool_calls"), value.kind == .array else { continue }
                for call in value.elements where call["extra_content"] != nil { return true }
            }
        }
        return false
    }

    /// Looks at every tenth byte or so (Horspool).
    private static func holds(_ words: [UInt8], _ text: UnsafeRawBufferPointer) -> Bool {
        let length = words.count
        var end = length - 1
        while end < text.count {
            let last = text[end]
            if last == words[length - 1],
                UnsafeRawBufferPointer(rebasing: text[(end - length + 1)...end]).elementsEqual(words)
            {
                return true
            }
            end += words.dropLast().lastIndex(of: last).map { length - 1 - $0 } ?? length
        }
        return false
    }
}
