package import WireJSON

/// What a request says about the conversation it belongs to: for plugins that remember something between its turns.
///
/// Everything is hashed with a key of this process, so no text, name or key of a client can be read from the outcome.
package struct ConversationHint: Sendable {
    /// Bytes of the first user message that count; beyond that its length does.
    static let openingBytes = 4096

    /// The client's own name for the conversation.
    private var name: String?
    /// Sessions, users and the first user message.
    private var rest = Hasher()

    /// The same without a key, for `stable`.
    private var open = StableHash()

    /// `root`: the body of an OpenAI Chat request.
    package init(_ root: JSONValue) {
        let metadata = root["metadata"]
        name = Self.text(root["conversation_id"]) ?? Self.text(metadata?["conversation_id"])
        let said = [
            root["prompt_cache_key"], root["session_id"], root["user"], root["safety_identifier"],
            metadata?["session_id"], metadata?["user_id"],
        ]
        for value in said {
            let text = Self.text(value)
            rest.combine(text)
            open.combine(text)
        }
        begin(root["messages"] ?? root["input"])
    }

    /// The conversation, as 16 hexadecimal digits.
    ///
    /// `name`: a name for it that came beside the body; it wins over one in the body. `session`: the same for a session
    /// that may span conversations. `client`: who asks, such as the client's key: nobody gets at the conversations of
    /// another.
    package func text(name: String?, session: String?, client: String?) -> String {
        var hash = Hasher()
        if let name = name ?? self.name {
            hash.combine(1)
            hash.combine(name)
        } else {
            hash = rest
            hash.combine(session)
        }
        hash.combine(client)
        let digits = String(UInt64(bitPattern: Int64(hash.finalize())), radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    /// The conversation as a number that is the same after a restart. It tells nothing of who asks; a text could be
    /// guessed from it, so it stays in the process.
    package func stable(name: String?, session: String?) -> UInt64 {
        guard let name = name ?? self.name else {
            var hash = open
            hash.combine(session)
            return hash.value
        }
        var hash = StableHash(seed: 1)
        hash.combine(name)
        return hash.value
    }

    /// Clients write one text now as a string and now as a list of parts, so only the text counts.
    private mutating func begin(_ messages: JSONValue?) {
        let first = messages?.elements.first { $0["role"]?.string == "user" } ?? messages?[index: 0]
        guard let content = first?["content"] ?? messages else { return }
        var length = 0
        // Gathered first: a hash of pieces would tell where one text was cut.
        var opening: [UInt8] = []
        if let text = content.stringBytes { Self.add(text, &opening, &length) }
        for part in content.elements {
            if let text = part["text"]?.stringBytes { Self.add(text, &opening, &length) }
        }
        opening.withUnsafeBytes { bytes in
            rest.combine(bytes: bytes)
            open.combine(bytes: bytes)
        }
        rest.combine(length)
        open.combine(UInt64(length))
    }

    private static func add(_ text: UnsafeRawBufferPointer, _ opening: inout [UInt8], _ length: inout Int) {
        opening.append(contentsOf: text.prefix(max(0, openingBytes - length)))
        length += text.count
    }

    private static func text(_ value: JSONValue?) -> String? {
        value?.string.flatMap { $0.isEmpty ? nil : $0 }
    }
}
