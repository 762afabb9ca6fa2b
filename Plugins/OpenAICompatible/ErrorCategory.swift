internal import PluginABI

/// From an upstream's words and its HTTP status to the category that the host's policies know.
enum ErrorCategory {
    static func of(code: String, type: String, message: String, httpStatus: UInt32) -> kimi_category {
        if let known = words[code.lowercased()] ?? words[type.lowercased()] { return known }
        let byStatus =
            of(httpStatus: httpStatus) ?? vague[type.lowercased()] ?? vague[code.lowercased()] ?? KIMI_CAT_UPSTREAM
        // Few upstreams have a code for it, and it is what fallbacks to larger models ask for.
        let mayBeLength = byStatus == KIMI_CAT_BAD_REQUEST || (byStatus == KIMI_CAT_UPSTREAM && httpStatus == 0)
        // Anthropic's way to say that the account is empty.
        if mayBeLength, message.contains("credit balance is too low") { return KIMI_CAT_QUOTA }
        return mayBeLength && saysContextLength(message) ? KIMI_CAT_CONTEXT_LENGTH : byStatus
    }

    static func of(httpStatus: UInt32) -> kimi_category? {
        switch httpStatus {
        case 401: KIMI_CAT_AUTH
        case 402: KIMI_CAT_QUOTA
        case 403: KIMI_CAT_PERMISSION
        case 404: KIMI_CAT_NOT_FOUND
        case 408, 504: KIMI_CAT_TIMEOUT
        case 429: KIMI_CAT_RATE_LIMITED
        case 503, 529: KIMI_CAT_OVERLOADED
        case 400...499: KIMI_CAT_BAD_REQUEST
        case 500...599: KIMI_CAT_UPSTREAM
        default: nil
        }
    }

    private static func saysContextLength(_ message: String) -> Bool {
        let text = message.lowercased()
        return [
            "context length", "context window", "context_length", "maximum context", "prompt is too long",
            "too many tokens", "model token limit", "input is too long", "exceeds the model's max",
            "available context size", "exceed context limit",
            "exceeded model token limit", "maximum sequence length", "reduce the length",
        ].contains { text.contains($0) }
    }

    /// Words that say more than a status does.
    private static let words: [String: kimi_category] = [
        "context_length_exceeded": KIMI_CAT_CONTEXT_LENGTH, "context_window_exceeded": KIMI_CAT_CONTEXT_LENGTH,
        "insufficient_quota": KIMI_CAT_QUOTA, "exceeded_current_quota_error": KIMI_CAT_QUOTA,
        "billing_hard_limit_reached": KIMI_CAT_QUOTA, "billing_not_active": KIMI_CAT_QUOTA,
        "billing_error": KIMI_CAT_QUOTA, "insufficient_credits": KIMI_CAT_QUOTA,
        "rate_limit_exceeded": KIMI_CAT_RATE_LIMITED, "rate_limit_error": KIMI_CAT_RATE_LIMITED,
        "rate_limit_reached_error": KIMI_CAT_RATE_LIMITED, "resource_exhausted": KIMI_CAT_RATE_LIMITED,
        "too_many_requests": KIMI_CAT_RATE_LIMITED,
        "engine_overloaded_error": KIMI_CAT_OVERLOADED, "overloaded_error": KIMI_CAT_OVERLOADED,
        "overloaded": KIMI_CAT_OVERLOADED, "unavailable": KIMI_CAT_OVERLOADED,
        "service_unavailable": KIMI_CAT_OVERLOADED,
        "model_not_found": KIMI_CAT_NOT_FOUND, "not_found_error": KIMI_CAT_NOT_FOUND,
        "resource_not_found_error": KIMI_CAT_NOT_FOUND, "not_found": KIMI_CAT_NOT_FOUND,
        "responsibleaipolicyviolation": KIMI_CAT_CONTENT_FILTER, "moderation_blocked": KIMI_CAT_CONTENT_FILTER,
        "cyber_policy": KIMI_CAT_CONTENT_FILTER,
        "exceed_context_size_error": KIMI_CAT_CONTEXT_LENGTH, "request_too_large": KIMI_CAT_CONTEXT_LENGTH,
        "deploymentnotfound": KIMI_CAT_NOT_FOUND, "operationnotsupported": KIMI_CAT_BAD_REQUEST,
        "tool_use_failed": KIMI_CAT_UPSTREAM, "access_terminated_error": KIMI_CAT_PERMISSION,
        "content_filter": KIMI_CAT_CONTENT_FILTER, "content_policy_violation": KIMI_CAT_CONTENT_FILTER,
        "invalid_api_key": KIMI_CAT_AUTH, "authentication_error": KIMI_CAT_AUTH,
        "invalid_authentication_error": KIMI_CAT_AUTH, "incorrect_api_key_error": KIMI_CAT_AUTH,
        "unauthenticated": KIMI_CAT_AUTH,
        "permission_error": KIMI_CAT_PERMISSION, "permission_denied": KIMI_CAT_PERMISSION,
        "permission_denied_error": KIMI_CAT_PERMISSION,
        "timeout": KIMI_CAT_TIMEOUT, "timeout_error": KIMI_CAT_TIMEOUT, "deadline_exceeded": KIMI_CAT_TIMEOUT,
    ]

    /// Words that count only where there is no status: upstreams use them for everything.
    private static let vague: [String: kimi_category] = [
        "invalid_request_error": KIMI_CAT_BAD_REQUEST, "invalid_argument": KIMI_CAT_BAD_REQUEST,
        "badrequesterror": KIMI_CAT_BAD_REQUEST, "internalservererror": KIMI_CAT_UPSTREAM,
        "notfounderror": KIMI_CAT_NOT_FOUND, "server_error": KIMI_CAT_UPSTREAM, "api_error": KIMI_CAT_UPSTREAM,
    ]
}
