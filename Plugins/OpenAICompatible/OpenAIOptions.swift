/// How to reach one upstream that speaks the OpenAI chat API.
public struct OpenAIOptions: Sendable {
    /// A request header.
    public struct Header: Sendable {
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

    /// As configured; without a path it means `/v1`.
    public var baseURL: String
    /// Besides content type and accept, in this order.
    public var headers: [Header]
    /// An RFC 7396 merge patch for every request, as JSON text.
    public var bodyPatch: String

    /// What the upstream takes of requests whose clients speak another dialect.
    public var canonical: CanonicalOptions

    /// Options for an upstream at that address, `canonical` as suits it.
    public init(baseURL: String, headers: [Header] = [], bodyPatch: String = "{}") {
        self.baseURL = baseURL
        canonical = .suited(to: baseURL)
        self.headers = headers
        self.bodyPatch = bodyPatch
    }

    /// Adds `Authorization: Bearer …` as a secret; an empty key adds nothing.
    public mutating func authorize(bearer key: String) {
        guard !key.isEmpty else { return }
        headers.append(Header("Authorization", "Bearer \(key)", isSecret: true))
    }
}
