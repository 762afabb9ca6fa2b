package import CanonicalModel
import PluginABI
package import WireJSON

/// Errors in Anthropic's shape: `{"type":"error","error":{"type","message"},"request_id"}`.
package enum MessagesErrors {
    /// The code of requests that want a conversation to be held for them.
    static let noThreads = "thread_unsupported_request"

    /// The status to send; Anthropic has its own for overload and for used-up amounts.
    package static func httpStatus(of error: ExchangeError) -> Int {
        switch error.category {
        case KIMI_CAT_OVERLOADED where error.httpStatus == 503: 529
        case KIMI_CAT_QUOTA where error.httpStatus == 429: 402
        default: error.httpStatus
        }
    }

    /// Appends the error object.
    package static func write(_ error: ExchangeError, requestID: String, to out: ByteWriter) {
        out.append(#"{"type":"error","error":{"type":""#)
        out.append(type(error))
        out.append(#"","message":"#)
        out.appendJSONString(message(error))
        if error.code == noThreads {
            out.append(#","details":{"error_code":"#)
            out.appendJSONString(noThreads)
            out.append("}")
        }
        out.append(#"},"request_id":"#)
        out.appendJSONString(requestID)
        out.append("}")
    }

    /// Appends the error as an event of a stream; it is the stream's last.
    package static func writeEvent(_ error: ExchangeError, requestID: String, to out: ByteWriter) {
        out.append("event: error\ndata: ")
        write(error, requestID: requestID, to: out)
        out.append("\n\n")
    }

    /// Coding agents shorten their history when they read these words.
    private static func message(_ error: ExchangeError) -> String {
        let words = "prompt is too long"
        guard error.category == KIMI_CAT_CONTEXT_LENGTH, !error.message.contains(words) else { return error.message }
        return "\(words): \(error.message)"
    }

    private static func type(_ error: ExchangeError) -> StaticString {
        switch httpStatus(of: error) {
        case 401: "authentication_error"
        case 402: "billing_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 408, 504: "timeout_error"
        case 413: "request_too_large"
        case 429: "rate_limit_error"
        case 400..<500: "invalid_request_error"
        case 529: "overloaded_error"
        default: error.category == KIMI_CAT_TIMEOUT ? "timeout_error" : "api_error"
        }
    }
}

/// What keeps a stream awake while nothing is said.
package enum MessagesKeepAlive {
    package static let bytes: StaticString = "event: ping\ndata: {\"type\":\"ping\"}\n\n"
}
