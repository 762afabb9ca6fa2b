package import CanonicalModel
import PluginABI
package import WireJSON

/// Errors in OpenAI's shape: `{"error":{"message","type","param","code"}}`.
package enum ChatErrors {
    /// Appends the error object.
    package static func write(_ error: ExchangeError, to out: ByteWriter) {
        out.append(#"{"error":{"message":"#)
        out.appendJSONString(error.message)
        out.append(#","type":"#)
        out.appendJSONString(type(error))
        out.append(#","param":"#)
        write(error.param, to: out)
        out.append(#","code":"#)
        write(error.code ?? defaultCode(error), to: out)
        out.append("}}")
    }

    private static func write(_ text: String?, to out: ByteWriter) {
        if let text { out.appendJSONString(text) } else { out.append("null") }
    }

    private static func type(_ error: ExchangeError) -> String {
        switch error.httpStatus {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 429: "rate_limit_error"
        case 400..<500: "invalid_request_error"
        default:
            error.category == KIMI_CAT_INTERNAL || error.category == KIMI_CAT_CONFIG ? "server_error" : "upstream_error"
        }
    }

    private static func defaultCode(_ error: ExchangeError) -> String? {
        switch error.category {
        case KIMI_CAT_AUTH: "invalid_api_key"
        case KIMI_CAT_RATE_LIMITED: "rate_limit_exceeded"
        case KIMI_CAT_QUOTA: "insufficient_quota"
        case KIMI_CAT_OVERLOADED: "overloaded"
        case KIMI_CAT_CONTEXT_LENGTH: "context_length_exceeded"
        case KIMI_CAT_CONTENT_FILTER: "content_filter"
        case KIMI_CAT_TIMEOUT: "timeout"
        case KIMI_CAT_NETWORK: "upstream_unreachable"
        case KIMI_CAT_PROTOCOL: "upstream_invalid_response"
        default: nil
        }
    }
}
