package import CanonicalModel
import PluginABI
package import WireJSON

/// Errors and keep-alives of the Responses API.
package enum ResponsesErrors {
    /// A comment, which every reader of server-sent events skips.
    package static let keepAlive: StaticString = ": keep-alive\n\n"

    /// The body of an error before anything was sent: OpenAI's shape, as for Chat. The id is in `x-request-id` only.
    package static func write(_ error: ExchangeError, requestID: String, to out: ByteWriter) {
        ChatErrors.write(error, to: out)
    }

    /// `,"code":...,"message":...,"param":...` of an `error` event.
    static func writeEvent(_ error: ExchangeError, to out: ByteWriter) {
        out.append(#","code":"#)
        out.appendJSONString(error.code ?? code(error))
        out.append(#","message":"#)
        out.appendJSONString(error.message)
        out.append(#","param":"#)
        if let param = error.param { out.appendJSONString(param) } else { out.append("null") }
    }

    /// The `error` of a failed response.
    static func writeFailure(_ error: ExchangeError, to out: ByteWriter) {
        out.append(#"{"code":"#)
        out.appendJSONString(code(error))
        out.append(#","message":"#)
        out.appendJSONString(message(error))
        out.append("}")
    }

    /// The published codes, and two that Codex acts upon: it compacts a conversation that is too long, and does not
    /// try again when the quota is used up.
    private static func code(_ error: ExchangeError) -> String {
        switch error.category {
        case KIMI_CAT_CONTEXT_LENGTH: "context_length_exceeded"
        case KIMI_CAT_QUOTA: "insufficient_quota"
        case KIMI_CAT_RATE_LIMITED: "rate_limit_exceeded"
        case KIMI_CAT_BAD_REQUEST, KIMI_CAT_CONTENT_FILTER: "invalid_prompt"
        default: "server_error"
        }
    }

    /// Codex reads from the message how long it shall wait.
    private static func message(_ error: ExchangeError) -> String {
        guard error.category == KIMI_CAT_RATE_LIMITED, let wait = error.retryAfterMs else { return error.message }
        let seconds = (wait + 999) / 1_000
        return "\(error.message) (try again in \(seconds)s)"
    }
}
