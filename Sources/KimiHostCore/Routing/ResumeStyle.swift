/// How an upstream is asked to go on with a reply that has broken off: the text so far is the last message, the
/// assistant's own, and this marks it as unfinished.
package enum ResumeStyle: String, Sendable, CaseIterable {
    /// Nothing marks it: the upstream goes on with a last message of the assistant by itself (Anthropic's older models,
    /// many of OpenRouter's).
    case assistant
    /// `"prefix": true` in the message (DeepSeek's beta API, Mistral).
    case prefix
    /// `"partial": true` in the message (Moonshot).
    case partial
    /// `"continue_final_message": true` and `"add_generation_prompt": false` in the request (vLLM, SGLang).
    case continueFinalMessage = "continue_final_message"
}

/// Bounds of continuing replies.
package enum ResumeLimits {
    /// Times that one reply is continued.
    package static let maxResumptions = 3
    /// Bytes of text up to which a reply is continued.
    package static let maxTextBytes = 1 << 20
    /// Bytes of text from which on an upstream that says all of it again is told from one that goes on.
    package static let minEchoBytes = 32
}
