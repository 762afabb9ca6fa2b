package import CanonicalModel
package import PluginABI

/// What an attempt's error means for further attempts of its exchange.
package struct AttemptFailure: Sendable, Equatable {
    /// Whose fault it is.
    package enum Fault: Sendable, Equatable {
        /// The request's own: every route would say so.
        case request
        /// The route does not serve this kind of request; it is well all the same.
        case unserved
        /// The key's: refused, used up or asking too often.
        case key
        case route
    }

    package let fault: Fault
    /// May the same key of the same route do better a moment later?
    package let canRepeat: Bool
    package let retryAfterMs: Int?

    package init(_ fault: Fault, canRepeat: Bool, retryAfterMs: Int? = nil) {
        self.fault = fault
        self.canRepeat = canRepeat
        self.retryAfterMs = retryAfterMs
    }

    /// Errors of the host's own making that another try at the same place would only repeat, at the same cost.
    private static let lasting: Set<String> = ["timeout", "upstream_too_large", emptyAnswer]
    /// The code of an answer without content.
    package static let emptyAnswer = "empty_answer"

    package init(_ error: ExchangeError, isUnserved: Bool = false) {
        let isLasting = error.code.map(Self.lasting.contains) ?? false
        let retry = error.retryAfterMs
        switch error.category {
        case _ where isUnserved: self.init(.unserved, canRepeat: false)
        case KIMI_CAT_AUTH, KIMI_CAT_PERMISSION, KIMI_CAT_QUOTA: self.init(.key, canRepeat: false, retryAfterMs: retry)
        case KIMI_CAT_RATE_LIMITED: self.init(.key, canRepeat: true, retryAfterMs: retry)
        case KIMI_CAT_NETWORK, KIMI_CAT_UPSTREAM, KIMI_CAT_PROTOCOL, KIMI_CAT_OVERLOADED, KIMI_CAT_TIMEOUT:
            self.init(.route, canRepeat: !isLasting, retryAfterMs: retry)
        case KIMI_CAT_CONFIG, KIMI_CAT_INTERNAL: self.init(.route, canRepeat: false)
        default: self.init(.request, canRepeat: false)
        }
    }

    /// A category as logs and metrics name it.
    package static func word(_ category: kimi_category) -> String {
        switch category {
        case KIMI_CAT_AUTH: "auth"
        case KIMI_CAT_RATE_LIMITED: "rate_limited"
        case KIMI_CAT_OVERLOADED: "overloaded"
        case KIMI_CAT_CONTEXT_LENGTH: "context_length"
        case KIMI_CAT_CONTENT_FILTER: "content_filter"
        case KIMI_CAT_BAD_REQUEST: "bad_request"
        case KIMI_CAT_UPSTREAM: "upstream"
        case KIMI_CAT_PROTOCOL: "protocol"
        case KIMI_CAT_CONFIG: "config"
        case KIMI_CAT_NOT_FOUND: "not_found"
        case KIMI_CAT_PERMISSION: "permission"
        case KIMI_CAT_QUOTA: "quota"
        case KIMI_CAT_TIMEOUT: "timeout"
        case KIMI_CAT_NETWORK: "network"
        default: "internal"
        }
    }
}
