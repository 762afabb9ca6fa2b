internal import PluginABI
internal import PluginKit
internal import WireJSON

/// What Vertex AI says went wrong: a `google.rpc.Status` in `error`, alone or in an array.
struct UpstreamError {
    private var message = ""
    /// The canonical code's name, such as RESOURCE_EXHAUSTED.
    private var status = ""
    private var httpStatus: UInt32
    private var retryAfterMs: Int64 = -1
    /// `ErrorInfo.reason`, such as BILLING_DISABLED.
    private var reason = ""

    /// From an event in the middle of a stream.
    init(_ error: JSONSpan) {
        httpStatus = 0
        read(error)
    }

    /// From the body of an answer with an error status.
    init(body: UnsafeRawBufferPointer, httpStatus: UInt32, retryAfterMs: UInt64?) {
        self.httpStatus = httpStatus
        self.retryAfterMs = retryAfterMs.map { Int64(clamping: $0) } ?? -1
        let body = body.trimmed
        let outline = try? JSONOutline(body)
        defer { withExtendedLifetime(outline) {} }
        if let root = outline?.root {
            let first = root.elements.first { _ in true } ?? root
            read(first.given("error") ?? first)
        }
        if message.isEmpty { message = "Vertex AI answered \(httpStatus): \(excerpt(body))" }
    }

    /// A fault of the model itself.
    init(reason: String, message: String) {
        httpStatus = 0
        status = reason
        self.message = message.isEmpty ? "The model ended with \(reason)." : "\(reason): \(message)"
    }

    private mutating func read(_ error: JSONSpan) {
        if error.kind == .string { return message = error.string ?? "" }
        message = error["message"]?.string ?? ""
        status = error["status"]?.string ?? error["code"]?.string ?? ""
        if httpStatus == 0, let code = error["code"]?.integer, (400...599).contains(code) {
            httpStatus = UInt32(clamping: code)
        }
        for detail in error["details"]?.elements ?? JSONSpanElements(none: error) {
            if let delay = detail["retryDelay"]?.string.flatMap(RetryAfter.duration) {
                retryAfterMs = Int64(clamping: delay)
            }
            if reason.isEmpty, let word = detail["reason"]?.word { reason = word }
        }
    }

    func add(to batch: EventBatch, body: UnsafeRawBufferPointer? = nil) {
        var event = kimi_event(KIMI_EVENT_ERROR)
        event.i0 = Int64(category.rawValue)
        event.i1 = Int64(httpStatus)
        event.i2 = retryAfterMs
        let text = message.isEmpty ? "Vertex AI reported an error without a message." : message
        let said = body.map { Array(excerpt($0).utf8) } ?? []
        batch.add(event, a: Array(text.utf8), b: Array(status.utf8), c: said)
    }

    // MARK: Category

    private var category: kimi_category {
        switch status {
        case "UNAUTHENTICATED": return KIMI_CAT_AUTH
        case "PERMISSION_DENIED": return isBilling ? KIMI_CAT_QUOTA : KIMI_CAT_PERMISSION
        case "NOT_FOUND": return KIMI_CAT_NOT_FOUND
        case "RESOURCE_EXHAUSTED": return isBilling ? KIMI_CAT_QUOTA : KIMI_CAT_RATE_LIMITED
        case "INVALID_ARGUMENT", "OUT_OF_RANGE": return isTooLong ? KIMI_CAT_CONTEXT_LENGTH : KIMI_CAT_BAD_REQUEST
        case "FAILED_PRECONDITION", "UNIMPLEMENTED": return KIMI_CAT_BAD_REQUEST
        case "UNAVAILABLE": return KIMI_CAT_OVERLOADED
        case "DEADLINE_EXCEEDED": return KIMI_CAT_TIMEOUT
        case "INTERNAL", "UNKNOWN", "DATA_LOSS", "ABORTED", "CANCELLED": return KIMI_CAT_UPSTREAM
        default: return byHTTP
        }
    }

    private var byHTTP: kimi_category {
        switch httpStatus {
        case 401: KIMI_CAT_AUTH
        case 402: KIMI_CAT_QUOTA
        case 403: KIMI_CAT_PERMISSION
        case 404: KIMI_CAT_NOT_FOUND
        case 408, 504: KIMI_CAT_TIMEOUT
        case 429: KIMI_CAT_RATE_LIMITED
        case 503: KIMI_CAT_OVERLOADED
        case 413: KIMI_CAT_CONTEXT_LENGTH
        case 400...499: isTooLong ? KIMI_CAT_CONTEXT_LENGTH : KIMI_CAT_BAD_REQUEST
        default: KIMI_CAT_UPSTREAM
        }
    }

    private var isBilling: Bool {
        reason.contains("BILLING") || message.lowercased().contains("billing")
    }

    private var isTooLong: Bool {
        let text = message.lowercased()
        return text.contains("exceeds the maximum number of tokens") || text.contains("input token count")
            || text.contains("context length") || text.contains("context window")
    }
}
