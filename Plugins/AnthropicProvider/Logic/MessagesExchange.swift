internal import OpenAICompatible
internal import PluginABI
internal import PluginKit
internal import WireJSON

/// One attempt at an upstream that speaks the Messages API.
final class MessagesExchange: ProviderExchange {
    private let upstream: MessagesUpstream
    private let url: String
    private let isStream: Bool
    /// Given up when it is sent, as it may be as long as the request.
    private var body: RequestBody?
    /// What the request lost, until it is told: only the reply has a place for it.
    private var losses: Losses?
    private var decoder: MessageDecoder
    private var httpStatus: UInt32 = 0
    private var retryAfterMs: Int64 = -1
    /// The reply is complete: what still comes is not looked at.
    private var isDone = false

    init(
        _ upstream: MessagesUpstream, _ url: String, isStream: Bool, _ body: RequestBody, losses: Losses,
        _ decoder: MessageDecoder
    ) {
        self.upstream = upstream
        self.url = url
        self.isStream = isStream
        self.body = body
        self.losses = losses
        self.decoder = decoder
    }

    func next(_ plan: Plan) throws(PluginFailure) {
        try plan.url(url)
        try plan.header("Content-Type", "application/json")
        try plan.header("Accept", isStream ? "text/event-stream" : "application/json")
        for header in upstream.options.headers {
            if header.isSecret {
                try plan.secretHeader(header.name, header.value)
            } else {
                try plan.header(header.name, header.value)
            }
        }
        if let betas = upstream.options.betaHeader(with: body?.betas ?? []) {
            try plan.header("anthropic-beta", betas)
        }
        switch body?.content {
        case .whole(let writer): try plan.body(writer.unsafeBytes)
        case .patch(let patch):
            try patch.withUnsafeBytesTyped { patch throws(PluginFailure) in try plan.bodyPatch(patch) }
        case .untouched, nil: break
        }
        body = nil
        try plan.send(stream: isStream)
    }

    /// The body is framed as a stream only if it is one: errors come as one JSON body.
    func result(_ result: kimi_result) throws(PluginFailure) -> kimi_status_code {
        httpStatus = result.http_status
        if httpStatus >= 400 {
            retryAfterMs = RetryAfter.milliseconds(result, now: upstream.context.unixMilliseconds)
        }
        switch MediaType.of(result.header("content-type")) {
        case .eventStream: return KIMI_OK
        case .json, .html: return KIMI_WHOLE
        case .other: return isStream ? KIMI_OK : KIMI_WHOLE
        }
    }

    func feed(_ frames: UnsafeBufferPointer<kimi_frame>, to sink: Sink) throws(PluginFailure) -> Bool {
        tellLosses(sink)
        let workspace = upstream.pool.take()
        defer { upstream.pool.give(workspace) }
        do throws(PluginFailure) {
            for frame in frames where !isDone {
                if workspace.isFull { try workspace.emit(to: sink) }
                try take(frame, workspace)
            }
        } catch {
            // What came before the fault belongs to the client.
            try workspace.emit(to: sink)
            throw error
        }
        try workspace.emit(to: sink)
        if isDone { tellReply(sink) }
        return isDone
    }

    func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure) {
        tellLosses(sink)
        guard !isDone, why == KIMI_WHY_END || why == KIMI_WHY_TRUNCATED else { return }
        isDone = true
        tellReply(sink)
        // A stop reason has come, and only message_stop is missing: the answer is whole.
        guard !decoder.isFinished else { return }
        if why == KIMI_WHY_TRUNCATED {
            throw PluginFailure(
                KIMI_E_UPSTREAM, KIMI_CAT_NETWORK, "The upstream's connection broke in the middle of the answer.")
        }
        throw .protocolError(
            decoder.isStarted
                ? "The upstream ended its answer without stop_reason and without message_stop."
                : "The upstream ended the stream without an answer.")
    }

    // MARK: Frames

    private func take(_ frame: kimi_frame, _ workspace: Workspace) throws(PluginFailure) {
        let data = frame.data.buffer.trimmed
        if frame.flags & KIMI_FRAME_F_ERROR.rawValue != 0 {
            isDone = true
            var error = UpstreamError(
                body: data, httpStatus: httpStatus, retryAfterMs: retryAfterMs,
                now: upstream.context.unixMilliseconds, workspace: workspace)
            error.add(to: workspace)
            return
        }
        switch kimi_frame_kind(rawValue: frame.kind) {
        case KIMI_FRAME_SSE, KIMI_FRAME_LINE: try takeEvent(frame.name.buffer, data, workspace)
        case KIMI_FRAME_BODY: try takeBody(data, isCut: frame.flags & KIMI_FRAME_F_CUT.rawValue != 0, workspace)
        default: break  // By rule: unknown kinds are skipped.
        }
    }

    private func takeEvent(
        _ name: UnsafeRawBufferPointer, _ data: UnsafeRawBufferPointer, _ workspace: Workspace
    ) throws(PluginFailure) {
        guard !data.isEmpty else { return }
        // Some upstreams end every stream as OpenAI does.
        if data.matches("[DONE]") {
            decoder.stop(workspace)
        } else {
            do {
                decoder.event(try workspace.parse(data), name: name, workspace)
            } catch {
                try unreadable("sent an event that is not JSON", error, data)
            }
        }
        isDone = decoder.isDone
    }

    private func takeBody(
        _ data: UnsafeRawBufferPointer, isCut: Bool, _ workspace: Workspace
    ) throws(PluginFailure) {
        isDone = true
        guard !isCut else {
            throw PluginFailure(
                KIMI_E_LIMIT, KIMI_CAT_PROTOCOL,
                "The upstream's answer is longer than the host keeps; ask for a stream.")
        }
        let isAnswer: Bool
        do {
            isAnswer = decoder.body(try workspace.parse(data), workspace)
        } catch {
            return try unreadable("answered \(httpStatus) with a body that is not JSON", error, data)
        }
        guard isAnswer || decoder.isNative else {
            throw .protocolError("The upstream answered \(httpStatus) with no message: \(Excerpt.of(data))")
        }
    }

    /// On the native route events serve the log only, and the client reads the bytes itself.
    private func unreadable(
        _ what: String, _ error: JSONError, _ data: UnsafeRawBufferPointer
    ) throws(PluginFailure) {
        let message = "The upstream \(what) (\(error.message)): \(Excerpt.of(data))"
        guard decoder.isNative else { throw .protocolError(message) }
        upstream.context.log(KIMI_LOG_WARNING, message)
    }

    // MARK: Notes

    private func tellLosses(_ sink: Sink) {
        losses?.tell(upstream.context.notes, sink)
        losses = nil
    }

    private func tellReply(_ sink: Sink) {
        decoder.losses.tell(upstream.context.notes, sink)
        guard decoder.lateBytes > 0 else { return }
        upstream.context.log(
            KIMI_LOG_WARNING,
            "The upstream sent \(decoder.lateBytes) bytes of an answer after it had ended that part; they are lost.")
    }
}
