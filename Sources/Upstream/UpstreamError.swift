internal import CCurl

/// Why a transfer failed.
package struct UpstreamError: Error, Sendable {
    package enum Kind: Sendable {
        case invalidRequest, resolve, connect, tls, proxy, timeout, interrupted, protocolViolation, tooLarge, other
    }

    package let kind: Kind
    /// libcurl's number, for the log.
    package let code: Int
    /// One sentence, with libcurl's own words.
    package let message: String

    package init(kind: Kind, code: Int, message: String) {
        self.kind = kind
        self.code = code
        self.message = message
    }

    /// No dynamic text: fit for a metric's label.
    package var shortDescription: String {
        switch kind {
        case .invalidRequest: "invalid_request"
        case .resolve: "resolve"
        case .connect: "connect"
        case .tls: "tls"
        case .proxy: "proxy"
        case .timeout: "timeout"
        case .interrupted: "interrupted"
        case .protocolViolation: "protocol"
        case .tooLarge: "too_large"
        case .other: "other"
        }
    }

    init(_ code: CURLcode, detail: String) {
        // libcurl files an answer that does not begin with "HTTP/" under "unsupported protocol".
        self.kind = detail.contains("HTTP/0.9") ? .protocolViolation : Self.kind(code)
        self.code = Int(code.rawValue)
        let words = String(cString: curl_easy_strerror(code))
        self.message = detail.isEmpty ? words : "\(words): \(detail)"
    }

    private static func kind(_ code: CURLcode) -> Kind {
        switch code {
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_FUNCTION_ARGUMENT: .invalidRequest
        case CURLE_COULDNT_RESOLVE_HOST: .resolve
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY: .proxy
        case CURLE_COULDNT_CONNECT: .connect
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_NOTFOUND:
            .tls
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING, CURLE_HTTP2_STREAM:
            .interrupted
        case CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2, CURLE_BAD_CONTENT_ENCODING, CURLE_HTTP3: .protocolViolation
        default: .other
        }
    }
}
