internal import PluginABI
internal import PluginKit
internal import WireJSON

/// One attempt at `generateContent` or `streamGenerateContent`.
final class GeminiExchange: ProviderExchange {
    private let url: String
    private let isStream: Bool
    private let headers: [(String, String)]
    /// Given up when it is sent.
    private var body: ByteWriter?
    /// What the request lost, until it is told: only the reply has a place for it.
    private var losses: RequestLosses?
    private var decoder: GeminiDecoder
    private let context: PluginContext
    private var httpStatus: UInt32 = 0
    private var retryAfterMs: UInt64?
    /// The reply is complete: what still comes is not looked at.
    private var isDone = false

    init(
        _ url: String, isStream: Bool, headers: [(String, String)], body: ByteWriter, losses: RequestLosses,
        decoder: GeminiDecoder, context: PluginContext
    ) {
        self.url = url
        self.isStream = isStream
        self.headers = headers
        self.body = body
        self.losses = losses
        self.decoder = decoder
        self.context = context
    }

    func next(_ plan: Plan) throws(PluginFailure) {
        try plan.url(url)
        try plan.header("Content-Type", "application/json")
        try plan.header("Accept", isStream ? "text/event-stream" : "application/json")
        for (name, value) in headers { try plan.header(name, value) }
        if let body {
            try body.withBytes { bytes throws(PluginFailure) in try plan.body(bytes) }
        }
        body = nil
        try plan.send(stream: isStream)
    }

    func result(_ result: kimi_result) throws(PluginFailure) -> kimi_status_code {
        httpStatus = result.http_status
        if httpStatus >= 400 { retryAfterMs = RetryAfter.milliseconds(result) }
        let type = String(
            decoding: result.header("content-type") ?? UnsafeRawBufferPointer(start: nil, count: 0), as: UTF8.self)
        let isEvents = type.lowercased().contains("event-stream") || (type.isEmpty && isStream)
        return isEvents ? KIMI_OK : KIMI_WHOLE
    }

    func feed(_ frames: UnsafeBufferPointer<kimi_frame>, to sink: Sink) throws(PluginFailure) -> Bool {
        tellLosses(sink)
        let batch = EventBatch()
        do throws(PluginFailure) {
            for frame in frames where !isDone { try take(frame, batch) }
        } catch {
            // What came before the fault belongs to the client.
            isDone = true
            try batch.emit(to: sink)
            throw error
        }
        try batch.emit(to: sink)
        return isDone
    }

    func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure) {
        tellLosses(sink)
        guard !isDone, why == KIMI_WHY_END || why == KIMI_WHY_TRUNCATED else { return }
        isDone = true
        guard decoder.isFinished else {
            if why == KIMI_WHY_TRUNCATED {
                throw PluginFailure(
                    KIMI_E_UPSTREAM, KIMI_CAT_NETWORK, "The connection to Vertex AI broke in the middle of the answer.")
            }
            throw .protocolError("Vertex AI ended its answer without finishReason.")
        }
        let batch = EventBatch()
        try decoder.complete(to: batch)
        try batch.emit(to: sink)
    }

    private func tellLosses(_ sink: Sink) {
        losses?.tell(context.notes, sink)
        losses = nil
    }

    // MARK: Frames

    private func take(_ frame: kimi_frame, _ batch: EventBatch) throws(PluginFailure) {
        let data = frame.data.buffer.trimmed
        if frame.flags & KIMI_FRAME_F_ERROR.rawValue != 0 {
            isDone = true
            return UpstreamError(body: data, httpStatus: httpStatus, retryAfterMs: retryAfterMs).add(
                to: batch, body: data)
        }
        switch kimi_frame_kind(rawValue: frame.kind) {
        case KIMI_FRAME_SSE, KIMI_FRAME_LINE:
            // Gemini has no end mark; gateways before it add OpenAI's.
            if !data.isEmpty, !data.matches("[DONE]") { try decode(data, batch) }
        case KIMI_FRAME_BODY:
            guard frame.flags & KIMI_FRAME_F_CUT.rawValue == 0 else {
                throw PluginFailure(
                    KIMI_E_LIMIT, KIMI_CAT_PROTOCOL,
                    "The answer of Vertex AI is longer than the host keeps; ask for a stream.")
            }
            isDone = true
            try decode(data, batch)
            guard decoder.hasFailed || decoder.isFinished else {
                throw .protocolError("The answer of Vertex AI has no finishReason: \(excerpt(data))")
            }
            try decoder.complete(to: batch)
        default: break  // By rule: unknown kinds are skipped.
        }
    }

    private func decode(_ data: UnsafeRawBufferPointer, _ batch: EventBatch) throws(PluginFailure) {
        guard String(validating: data, as: UTF8.self) != nil else {
            throw .protocolError("Vertex AI sent bytes that are not UTF-8.")
        }
        let outline: JSONOutline
        do throws(JSONError) {
            outline = try JSONOutline(data)
        } catch {
            throw .protocolError(
                "Vertex AI answered \(httpStatus) with what is not JSON (\(error.message)): \(excerpt(data))")
        }
        try decoder.chunk(outline.root, to: batch)
        withExtendedLifetime(outline) {}
        if decoder.hasFailed { isDone = true }
    }
}
