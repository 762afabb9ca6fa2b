/// How to reach one upstream that speaks the OpenAI API.
public struct OpenAIOptions: Sendable {
    /// A request header.
    public struct Header: Sendable, Equatable {
        let name: String
        let value: String
        let isSecret: Bool

        /// A header; the value of a secret one appears in no log.
        public init(_ name: String, _ value: String, isSecret: Bool = false) {
            self.name = name
            self.value = value
            self.isSecret = isSecret
        }
    }

    /// Which API canonical requests go to.
    public enum API: String, Sendable {
        case chat, responses
    }

    /// As configured; without a path it means `/v1`.
    public var baseURL: String
    /// Besides content type and accept, in this order.
    public var headers: [Header]
    /// An RFC 7396 merge patch for requests to chat and responses, as JSON text.
    public var bodyPatch: String
    /// The same for requests to completions and embeddings.
    public var otherPatch = "{}"
    /// A further one that comes last, after all that this code changes.
    public var extraBody: [UInt8]?
    /// Which server it is.
    public var flavour: Flavour
    /// Azure's `api-version`.
    public var apiVersion: String?
    /// Azure's deployment; nil = the model's name is the deployment's.
    public var deployment: String?
    /// See ``API``.
    public var api = API.chat
    /// Chat and Responses clients are served natively; nil = if the flavour is genuine.
    public var native: Bool?
    /// A refusal because of a broken tool call that brings the model's text becomes that text (Groq).
    public var recoversFailedGeneration = true
    /// What a Responses upstream is asked for.
    public var responses = ResponsesOptions()
    /// Behind the names of models that have no `:` in them, such as `:nitro`.
    public var modelSuffix: String?
    /// Thoughts go down with all that OpenRouter says of them.
    public var keepsReasoningDetails = false

    /// What the upstream takes of requests whose clients speak another dialect.
    public var canonical: CanonicalOptions

    /// Options for an upstream at that address, `flavour` and `canonical` as suit it.
    public init(baseURL: String, headers: [Header] = [], bodyPatch: String = "{}") {
        self.baseURL = baseURL
        flavour = .suited(to: baseURL)
        canonical = flavour.canonical
        self.headers = headers
        self.bodyPatch = bodyPatch
    }

    /// Adds `Authorization: Bearer …` as a secret; an empty key adds nothing.
    public mutating func authorize(bearer key: String) {
        guard !key.isEmpty else { return }
        headers.append(Header("Authorization", "Bearer \(key)", isSecret: true))
    }

    /// Gives a header its value, in place of one of that name in whatever case; nil takes it out.
    public mutating func setHeader(_ name: String, _ value: String?) {
        let lower = name.lowercased()
        headers.removeAll { $0.name.lowercased() == lower }
        // A configured header may be a credential, such as a gateway's key.
        if let value { headers.append(Header(name, value, isSecret: true)) }
    }
}

/// What a canonical request asks a Responses upstream for.
public struct ResponsesOptions: Sendable {
    /// `reasoning.summary`; nil = `auto` where the client wants to see thinking, else none.
    public var summary: String?
    /// Thoughts come sealed, so that they can be sent back; nil = unless the model's name says that it has none.
    public var wantsEncryptedReasoning: Bool?

    /// The defaults.
    public init() {}
}
