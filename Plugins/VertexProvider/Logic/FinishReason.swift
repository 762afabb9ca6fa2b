internal import PluginABI

/// What the upstream's word for the end of an answer means.
enum FinishReason {
    case canonical(StaticString)
    /// The model failed; what it made is not an answer.
    case failure

    init(_ word: String, hasCalls: Bool) {
        switch word {
        case "MAX_TOKENS": self = .canonical("length")
        case "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "LANGUAGE", "JAILBREAK":
            self = .canonical("content_filter")
        case "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
            "MISSING_THOUGHT_SIGNATURE", "NO_IMAGE", "IMAGE_OTHER":
            self = .failure
        default: self = .canonical(hasCalls ? "tool_calls" : "stop")
        }
    }
}
