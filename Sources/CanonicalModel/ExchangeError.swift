package import PluginABI

/// Why an exchange failed, in neutral terms; each dialect renders it in its own shape.
package struct ExchangeError: Error, Sendable {
    /// For retry and fallback policies.
    package var category: kimi_category
    /// The status a client gets when nothing was sent yet.
    package var httpStatus: Int
    /// One sentence for the client: what is wrong and, where there is one, the cure. No secrets.
    package var message: String
    /// The request field at fault, such as `messages[2].role`.
    package var param: String?
    /// A short machine-readable word, such as `model_not_found`, or the upstream's own.
    package var code: String?
    /// Milliseconds after which a retry may succeed.
    package var retryAfterMs: Int?

    package init(
        _ category: kimi_category, _ message: String, httpStatus: Int? = nil, param: String? = nil,
        code: String? = nil, retryAfterMs: Int? = nil
    ) {
        self.category = category
        self.httpStatus = httpStatus ?? Self.defaultStatus(category)
        self.message = message
        self.param = param
        self.code = code
        self.retryAfterMs = retryAfterMs.map { min(max($0, 0), Self.longestRetryMs) }
    }

    /// A month: what asks for more is not waited for anyway.
    private static let longestRetryMs = 30 * 86_400_000

    /// An ERROR event as an error. A status that is no HTTP error status is replaced by the category's own.
    package init(_ event: CanonicalEvent) {
        let category = kimi_category(UInt32(clamping: event.i0))
        let status = (400...599).contains(event.i1) ? Int(event.i1) : nil
        let message = event.a.len > 0 ? event.a.text : "the upstream reported an error without a message"
        self.init(
            category, message, httpStatus: status, code: event.b.len > 0 ? event.b.text : nil,
            retryAfterMs: event.i2 >= 0 ? Int(event.i2) : nil)
    }

    /// The client sent something wrong; `param` names the field.
    package static func badRequest(_ message: String, param: String? = nil, code: String? = nil) -> ExchangeError {
        ExchangeError(KIMI_CAT_BAD_REQUEST, message, param: param, code: code)
    }

    private static func defaultStatus(_ category: kimi_category) -> Int {
        switch category {
        case KIMI_CAT_BAD_REQUEST, KIMI_CAT_CONTEXT_LENGTH, KIMI_CAT_CONTENT_FILTER: 400
        case KIMI_CAT_AUTH: 401
        case KIMI_CAT_QUOTA, KIMI_CAT_RATE_LIMITED: 429
        case KIMI_CAT_PERMISSION: 403
        case KIMI_CAT_NOT_FOUND: 404
        case KIMI_CAT_OVERLOADED: 503
        case KIMI_CAT_TIMEOUT: 504
        case KIMI_CAT_UPSTREAM, KIMI_CAT_PROTOCOL, KIMI_CAT_NETWORK: 502
        default: 500
        }
    }
}
