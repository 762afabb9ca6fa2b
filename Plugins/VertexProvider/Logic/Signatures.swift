internal import PluginABI
internal import PluginKit
internal import WireJSON

/// Thought signatures: opaque texts that Gemini wants back on the part that they came with.
///
/// How one survives the way through a client: Chat and Responses clients may keep it as Google's own chat API has it,
/// in `extra_content.google.thought_signature` of the call; Anthropic clients keep it in a thinking block's signature,
/// marked as ours; and the host's memory has it by the call's id for clients that keep nothing.
enum Signatures {
    /// What Gemini documents for calls whose signature is lost, or that it did not make.
    static let skipped = "skip_thought_signature_validator"
    /// Marks a thinking block's signature as one of Gemini's; a thought's own follows `thought:`, a call's `0:`.
    private static let mark = "gemini1:"
    /// Longer ones are not filed.
    private static let maxFiled = 64 << 10

    // MARK: In thinking blocks

    /// What a thinking block's signature says.
    struct Marked {
        /// The number of the call that it belongs to; nil: to the thought itself.
        let call: Int?
        let value: String
    }

    static func markThought(_ signature: String) -> String { mark + "thought:" + signature }
    static func markCall(_ index: Int, _ signature: String) -> String { "\(mark)\(index):" + signature }

    /// Nil for a signature that another upstream made.
    static func read(_ text: String) -> Marked? {
        guard text.hasPrefix(mark) else { return nil }
        let parts = text.dropFirst(mark.count).split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else { return nil }
        if parts[0] == "thought" { return Marked(call: nil, value: String(parts[1])) }
        return Int(parts[0]).map { Marked(call: $0, value: String(parts[1])) }
    }

    // MARK: As Google's chat API has them

    /// From `{"extra_content": {"google": {"thought_signature": "…"}}}` of a call or message.
    static func inExtraContent(_ object: JSONSpan) -> String? {
        object["extra_content"]?["google"]?["thought_signature"]?.word
    }

    // MARK: In the host's memory

    static func file(_ signature: String, call id: String, in store: KeyValueStore?) {
        guard let store, signature.utf8.count <= maxFiled, (1...200).contains(id.utf8.count) else { return }
        Array("call:\(id)".utf8).withUnsafeBytes { key in
            Array(signature.utf8).withUnsafeBytes { _ = store.put(key, $0) }
        }
    }

    static func filed(call id: String, in store: KeyValueStore?) -> String? {
        guard let store, (1...200).contains(id.utf8.count) else { return nil }
        let bytes = Array("call:\(id)".utf8).withUnsafeBytes { store.get($0, expecting: 2048) }
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}
