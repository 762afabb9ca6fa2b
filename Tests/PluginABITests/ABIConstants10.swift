import PluginABI

/// Every constant of ABI 1.0 with the number it must keep; the C compilers assert the same list.
enum ABIConstants10 {
    static let statusCode: [(String, Int, Int)] = [
        ("KIMI_OK", Int(KIMI_OK.rawValue), 0),
        ("KIMI_UNCHANGED", Int(KIMI_UNCHANGED.rawValue), 1),
        ("KIMI_STOP", Int(KIMI_STOP.rawValue), 2),
        ("KIMI_DONE", Int(KIMI_DONE.rawValue), 3),
        ("KIMI_WHOLE", Int(KIMI_WHOLE.rawValue), 4),
        ("KIMI_NONE", Int(KIMI_NONE.rawValue), 5),
        ("KIMI_E_ARG", Int(KIMI_E_ARG.rawValue), -1),
        ("KIMI_E_CONFIG", Int(KIMI_E_CONFIG.rawValue), -2),
        ("KIMI_E_STATE", Int(KIMI_E_STATE.rawValue), -3),
        ("KIMI_E_PROTOCOL", Int(KIMI_E_PROTOCOL.rawValue), -4),
        ("KIMI_E_UPSTREAM", Int(KIMI_E_UPSTREAM.rawValue), -5),
        ("KIMI_E_AUTH", Int(KIMI_E_AUTH.rawValue), -6),
        ("KIMI_E_LIMIT", Int(KIMI_E_LIMIT.rawValue), -7),
        ("KIMI_E_NOMEM", Int(KIMI_E_NOMEM.rawValue), -8),
        ("KIMI_E_UNSUPPORTED", Int(KIMI_E_UNSUPPORTED.rawValue), -9),
        ("KIMI_E_INTERNAL", Int(KIMI_E_INTERNAL.rawValue), -10),
        ("KIMI_E_CANCELLED", Int(KIMI_E_CANCELLED.rawValue), -11),
        ("KIMI_E_VERSION", Int(KIMI_E_VERSION.rawValue), -12),
    ]

    static let category: [(String, Int, Int)] = [
        ("KIMI_CAT_NONE", Int(KIMI_CAT_NONE.rawValue), 0),
        ("KIMI_CAT_AUTH", Int(KIMI_CAT_AUTH.rawValue), 1),
        ("KIMI_CAT_RATE_LIMITED", Int(KIMI_CAT_RATE_LIMITED.rawValue), 2),
        ("KIMI_CAT_OVERLOADED", Int(KIMI_CAT_OVERLOADED.rawValue), 3),
        ("KIMI_CAT_CONTEXT_LENGTH", Int(KIMI_CAT_CONTEXT_LENGTH.rawValue), 4),
        ("KIMI_CAT_CONTENT_FILTER", Int(KIMI_CAT_CONTENT_FILTER.rawValue), 5),
        ("KIMI_CAT_BAD_REQUEST", Int(KIMI_CAT_BAD_REQUEST.rawValue), 6),
        ("KIMI_CAT_UPSTREAM", Int(KIMI_CAT_UPSTREAM.rawValue), 7),
        ("KIMI_CAT_PROTOCOL", Int(KIMI_CAT_PROTOCOL.rawValue), 8),
        ("KIMI_CAT_CONFIG", Int(KIMI_CAT_CONFIG.rawValue), 9),
        ("KIMI_CAT_INTERNAL", Int(KIMI_CAT_INTERNAL.rawValue), 10),
        ("KIMI_CAT_NOT_FOUND", Int(KIMI_CAT_NOT_FOUND.rawValue), 11),
        ("KIMI_CAT_PERMISSION", Int(KIMI_CAT_PERMISSION.rawValue), 12),
        ("KIMI_CAT_QUOTA", Int(KIMI_CAT_QUOTA.rawValue), 13),
        ("KIMI_CAT_TIMEOUT", Int(KIMI_CAT_TIMEOUT.rawValue), 14),
        ("KIMI_CAT_NETWORK", Int(KIMI_CAT_NETWORK.rawValue), 15),
    ]

    static let level: [(String, Int, Int)] = [
        ("KIMI_LOG_TRACE", Int(KIMI_LOG_TRACE.rawValue), 0),
        ("KIMI_LOG_DEBUG", Int(KIMI_LOG_DEBUG.rawValue), 1),
        ("KIMI_LOG_INFO", Int(KIMI_LOG_INFO.rawValue), 2),
        ("KIMI_LOG_WARNING", Int(KIMI_LOG_WARNING.rawValue), 3),
        ("KIMI_LOG_ERROR", Int(KIMI_LOG_ERROR.rawValue), 4),
    ]

    static let why: [(String, Int, Int)] = [
        ("KIMI_WHY_END", Int(KIMI_WHY_END.rawValue), 1),
        ("KIMI_WHY_TRUNCATED", Int(KIMI_WHY_TRUNCATED.rawValue), 2),
        ("KIMI_WHY_CANCELLED", Int(KIMI_WHY_CANCELLED.rawValue), 3),
        ("KIMI_WHY_TIMEOUT", Int(KIMI_WHY_TIMEOUT.rawValue), 4),
        ("KIMI_WHY_FAILED", Int(KIMI_WHY_FAILED.rawValue), 5),
    ]

    static let frameKind: [(String, Int, Int)] = [
        ("KIMI_FRAME_RAW", Int(KIMI_FRAME_RAW.rawValue), 1),
        ("KIMI_FRAME_SSE", Int(KIMI_FRAME_SSE.rawValue), 2),
        ("KIMI_FRAME_LINE", Int(KIMI_FRAME_LINE.rawValue), 3),
        ("KIMI_FRAME_BODY", Int(KIMI_FRAME_BODY.rawValue), 4),
        ("KIMI_FRAME_TICK", Int(KIMI_FRAME_TICK.rawValue), 5),
    ]

    static let frameFlag: [(String, Int, Int)] = [
        ("KIMI_FRAME_F_LAST", Int(KIMI_FRAME_F_LAST.rawValue), 1),
        ("KIMI_FRAME_F_ERROR", Int(KIMI_FRAME_F_ERROR.rawValue), 2),
        ("KIMI_FRAME_F_CUT", Int(KIMI_FRAME_F_CUT.rawValue), 4),
    ]

    static let eventType: [(String, Int, Int)] = [
        ("KIMI_EVENT_START", Int(KIMI_EVENT_START.rawValue), 1),
        ("KIMI_EVENT_TEXT", Int(KIMI_EVENT_TEXT.rawValue), 2),
        ("KIMI_EVENT_REASONING", Int(KIMI_EVENT_REASONING.rawValue), 3),
        ("KIMI_EVENT_TOOL_BEGIN", Int(KIMI_EVENT_TOOL_BEGIN.rawValue), 4),
        ("KIMI_EVENT_TOOL_ARGS", Int(KIMI_EVENT_TOOL_ARGS.rawValue), 5),
        ("KIMI_EVENT_TOOL_END", Int(KIMI_EVENT_TOOL_END.rawValue), 6),
        ("KIMI_EVENT_PART", Int(KIMI_EVENT_PART.rawValue), 7),
        ("KIMI_EVENT_USAGE", Int(KIMI_EVENT_USAGE.rawValue), 8),
        ("KIMI_EVENT_FINISH", Int(KIMI_EVENT_FINISH.rawValue), 9),
        ("KIMI_EVENT_ERROR", Int(KIMI_EVENT_ERROR.rawValue), 10),
        ("KIMI_EVENT_JSON", Int(KIMI_EVENT_JSON.rawValue), 11),
    ]

    static let scope: [(String, Int, Int)] = [
        ("KIMI_SCOPE_RESPONSE", Int(KIMI_SCOPE_RESPONSE.rawValue), 0),
        ("KIMI_SCOPE_CHOICE", Int(KIMI_SCOPE_CHOICE.rawValue), 1),
        ("KIMI_SCOPE_MESSAGE", Int(KIMI_SCOPE_MESSAGE.rawValue), 2),
    ]

    static let requestFlag: [(String, Int, Int)] = [
        ("KIMI_REQUEST_STREAM", Int(KIMI_REQUEST_STREAM.rawValue), 1),
        ("KIMI_REQUEST_NATIVE", Int(KIMI_REQUEST_NATIVE.rawValue), 2),
    ]

    static let step: [(String, Int, Int)] = [
        ("KIMI_STEP_SEND", Int(KIMI_STEP_SEND.rawValue), 1),
        ("KIMI_STEP_TOKEN", Int(KIMI_STEP_TOKEN.rawValue), 2),
        ("KIMI_STEP_HTTP", Int(KIMI_STEP_HTTP.rawValue), 3),
        ("KIMI_STEP_SIGN", Int(KIMI_STEP_SIGN.rawValue), 4),
        ("KIMI_STEP_LOCAL_REPLY", Int(KIMI_STEP_LOCAL_REPLY.rawValue), 5),
        ("KIMI_STEP_WAIT", Int(KIMI_STEP_WAIT.rawValue), 6),
        ("KIMI_STEP_GRANT", Int(KIMI_STEP_GRANT.rawValue), 7),
    ]

    static let sendFlag: [(String, Int, Int)] = [
        ("KIMI_SEND_STREAM", Int(KIMI_SEND_STREAM.rawValue), 1),
        ("KIMI_SEND_NO_BODY", Int(KIMI_SEND_NO_BODY.rawValue), 2),
    ]

    static let field: [(String, Int, Int)] = [
        ("KIMI_FIELD_METHOD", Int(KIMI_FIELD_METHOD.rawValue), 1),
        ("KIMI_FIELD_URL", Int(KIMI_FIELD_URL.rawValue), 2),
        ("KIMI_FIELD_HEADER", Int(KIMI_FIELD_HEADER.rawValue), 3),
        ("KIMI_FIELD_BODY", Int(KIMI_FIELD_BODY.rawValue), 4),
        ("KIMI_FIELD_BODY_PATCH", Int(KIMI_FIELD_BODY_PATCH.rawValue), 5),
        ("KIMI_FIELD_TOKEN_KEY", Int(KIMI_FIELD_TOKEN_KEY.rawValue), 6),
        ("KIMI_FIELD_SIGN_ALG", Int(KIMI_FIELD_SIGN_ALG.rawValue), 7),
        ("KIMI_FIELD_SIGN_KEY", Int(KIMI_FIELD_SIGN_KEY.rawValue), 8),
        ("KIMI_FIELD_SIGN_DATA", Int(KIMI_FIELD_SIGN_DATA.rawValue), 9),
        ("KIMI_FIELD_TOKEN_VALUE", Int(KIMI_FIELD_TOKEN_VALUE.rawValue), 10),
        ("KIMI_FIELD_EXPIRES_AT", Int(KIMI_FIELD_EXPIRES_AT.rawValue), 11),
        ("KIMI_FIELD_REFRESH_AT", Int(KIMI_FIELD_REFRESH_AT.rawValue), 12),
        ("KIMI_FIELD_SECRET_HEADER", Int(KIMI_FIELD_SECRET_HEADER.rawValue), 13),
    ]

    static let put: [(String, Int, Int)] = [
        ("KIMI_PUT_REPLACE", Int(KIMI_PUT_REPLACE.rawValue), 1),
        ("KIMI_PUT_MERGE_PATCH", Int(KIMI_PUT_MERGE_PATCH.rawValue), 2),
    ]

    static let all =
        statusCode
        + category
        + level
        + why
        + frameKind
        + frameFlag
        + eventType
        + scope
        + requestFlag
        + step
        + sendFlag
        + field
        + put
}
