/// What an upstream takes of a canonical request (docs/openai-compatible.md): used for clients of other dialects.
public struct CanonicalOptions: Sendable, Equatable {
    /// What becomes of a document that the request names by URL.
    public enum DocumentURL: Sendable {
        /// A text part that names it.
        case text
        /// `file_data` with the URL, which some gateways fetch.
        case fileData
        /// It stays as `file_url`.
        case keep
    }

    /// What becomes of Anthropic's `thinking`.
    public enum Thinking: Sendable {
        /// `{"type": "enabled" or "disabled"}`.
        case type
        /// `reasoning_effort`.
        case effort
        /// The same, and `none` for disabled thinking.
        case effortOrNone
        /// `chat_template_kwargs` with `thinking` and `enable_thinking`, which the templates of Kimi, Qwen, GLM and
        /// DeepSeek read.
        case template
        /// OpenRouter's `reasoning` object; `reasoning_effort` goes into it too.
        case reasoning
        /// As it is.
        case keep
    }

    /// How the bound of the answer's length is called.
    public enum MaxTokens: Sendable {
        /// As the client calls it.
        case keep
        /// `max_completion_tokens`.
        case completion
        /// `max_tokens`.
        case plain
    }

    /// Messages and their parts keep `cache_control`.
    public var keepsCacheControl = false
    /// Assistant messages keep `reasoning_content`, and tool calls what belongs to a thought.
    public var keepsReasoning = true
    /// Role `developer` stays; otherwise it is `system`.
    public var keepsDeveloper = false
    /// See ``DocumentURL``.
    public var documentURL = DocumentURL.text
    /// See ``Thinking``.
    public var thinking = Thinking.type
    /// See ``MaxTokens``.
    public var maxTokens = MaxTokens.keep
    /// `top_k` stays.
    public var keepsTopK = true
    /// Models that take no other samplers than their own (Kimi K2.5 and later) get none.
    public var pinsSampling = false
    /// `tool_choice` is a word: a named tool becomes `required`, and only that tool is offered.
    public var choosesToolsByWord = false
    /// Thoughts of assistant messages go up as OpenRouter's `reasoning_details`.
    public var makesReasoningDetails = false
    /// Requests of chat clients are adapted too: roles, thinking, bounds and samplers, nothing else.
    public var adaptsChat = false

    /// For servers that resemble OpenAI's.
    public static let compatible = CanonicalOptions()

    /// For OpenAI itself, which refuses what it does not know.
    public static let openAI: CanonicalOptions = {
        var options = CanonicalOptions()
        options.keepsReasoning = false
        options.keepsDeveloper = true
        options.thinking = .effort
        options.maxTokens = .completion
        options.keepsTopK = false
        return options
    }()

    /// The options that fit an address (``Flavour/suited(to:)``).
    public static func suited(to url: String) -> CanonicalOptions {
        Flavour.suited(to: url).canonical
    }
}
