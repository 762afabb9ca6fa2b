internal import PluginABI
internal import PluginKit
internal import WireJSON

/// One attempt at an OpenAI upstream.
final class OpenAIExchange: ProviderExchange {
    private let upstream: OpenAIUpstream
    private var call: UpstreamCall
    private var decoder: any ReplyDecoder
    private var httpStatus: UInt32 = 0
    private var retryAfterMs: Int64 = -1
    /// The reply is complete: what still comes is not looked at.
    private var isDone = false
    /// An event or a body has come.
    private var hasHeard = false
    /// Of a native answer: events make no sense any more, so none are made.
    private var isDeaf = false

    init(_ upstream: OpenAIUpstream, _ call: UpstreamCall, decoder: any ReplyDecoder) {
        self.upstream = upstream
        self.call = call
        self.decoder = decoder
    }

    func next(_ plan: Plan) throws(PluginFailure) {
        try plan.url(call.url)
        try plan.header("Content-Type", "application/json")
        try plan.header("Accept", call.isStream ? "text/event-stream" : "application/json")
        for header in upstream.options.headers {
            if header.isSecret {
                try plan.secretHeader(header.name, header.value)
            } else {
                try plan.header(header.name, header.value)
            }
        }
        try call.writeBody(plan, upstream.patches)
        try plan.send(stream: call.isStream)
    }

    /// The body is framed as a stream only if it is one: upstreams answer errors, and streams that they do not
    /// support, with one JSON body.
    func result(_ result: kimi_result) throws(PluginFailure) -> kimi_status_code {
        httpStatus = result.http_status
        if httpStatus >= 400 {
            retryAfterMs = RetryAfter.milliseconds(result, now: upstream.context.unixMilliseconds)
        }
        switch MediaType.of(result.header("content-type")) {
        case .eventStream: return KIMI_OK
        case .json, .html: return KIMI_WHOLE
        case .other: return call.isStream ? KIMI_OK : KIMI_WHOLE
        }
    }

    func feed(_ frames: UnsafeBufferPointer<kimi_frame>, to sink: Sink) throws(PluginFailure) -> Bool {
        tellLosses(sink)
        let workspace = upstream.pool.take()
        defer { upstream.pool.give(workspace) }
        do throws(PluginFailure) {
            for frame in frames where !isDone && !isDeaf {
                if workspace.isFull { try workspace.emit(to: sink) }
                try take(frame, workspace)
            }
        } catch  where call.isNative && error != .stopped {
            listenNoMore(error)
        } catch {
            // What came before the fault belongs to the client.
            try workspace.emit(to: sink)
            throw error
        }
        try workspace.emit(to: sink)
        if isDone { reportLateBytes() }
        return isDone
    }

    func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure) {
        tellLosses(sink)
        guard !isDone, why == KIMI_WHY_END || why == KIMI_WHY_TRUNCATED else { return }
        isDone = true
        if !decoder.isFinished, why == KIMI_WHY_TRUNCATED || mustFinish { throw Self.incomplete(why, decoder) }
        guard !isDeaf, decoder.isFinished else { return }
        let workspace = upstream.pool.take()
        defer { upstream.pool.give(workspace) }
        try decoder.complete(to: workspace)
        try workspace.emit(to: sink)
        reportLateBytes()
    }

    /// A native answer of nothing but what is unknown may be whole for all one knows.
    private var mustFinish: Bool { !call.isNative || !hasHeard || decoder.hasContent && !isDeaf }

    private func listenNoMore(_ error: PluginFailure) {
        isDeaf = true
        upstream.context.log(KIMI_LOG_INFO, "The log does not understand this answer: \(error.message)")
    }

    /// Neither a finish_reason nor `[DONE]` came: nothing says that the answer is whole.
    private static func incomplete(_ why: kimi_why, _ decoder: any ReplyDecoder) -> PluginFailure {
        if why == KIMI_WHY_TRUNCATED {
            return PluginFailure(
                KIMI_E_UPSTREAM, KIMI_CAT_NETWORK, "The upstream's connection broke in the middle of the answer.")
        }
        return .protocolError(
            decoder.hasContent
                ? "The upstream ended its answer without finish_reason and without [DONE]."
                : "The upstream ended the stream without an answer.")
    }

    // MARK: Frames

    private func take(_ frame: kimi_frame, _ workspace: Workspace) throws(PluginFailure) {
        let data = frame.data.buffer.trimmed
        hasHeard = true
        if frame.flags & KIMI_FRAME_F_ERROR.rawValue != 0 {
            isDone = true
            var error = UpstreamError(
                body: data, httpStatus: httpStatus, retryAfterMs: retryAfterMs, now: upstream.context.unixMilliseconds,
                workspace: workspace)
            let recovers = upstream.options.recoversFailedGeneration && !call.isNative
            if !recovers || !error.recover(to: workspace) { error.add(to: workspace) }
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
        if data.matches("[DONE]") {
            isDone = true
            return try decoder.complete(to: workspace)
        }
        let root: JSONValue
        do {
            root = try workspace.parse(data)
        } catch {
            throw .protocolError("The upstream sent an event that is not JSON (\(error.message)): \(Excerpt.of(data))")
        }
        try decoder.event(root, name: name, frame: data, to: workspace)
        // Bytes behind a native answer's error go down too.
        if call.isNative { isDeaf = decoder.hasFailed } else { isDone = decoder.hasFailed }
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
        let root: JSONValue
        do {
            root = try workspace.parse(data)
        } catch {
            throw .protocolError(
                "The upstream answered \(httpStatus) with a body that is not JSON (\(error.message)): \(Excerpt.of(data))"
            )
        }
        try decoder.body(root, frame: data, to: workspace)
    }

    private func tellLosses(_ sink: Sink) {
        call.losses?.tell(upstream.context.notes, sink)
        call.losses = nil
    }

    private func reportLateBytes() {
        let count = decoder.lateBytes
        guard count > 0 else { return }
        upstream.context.log(
            KIMI_LOG_WARNING,
            "The upstream sent \(count) bytes of an answer after it had ended that part; they are lost.")
    }
}

/// What a body is, from its content type.
package enum MediaType {
    case eventStream, json, html, other

    /// From the header's value; nil if there is none.
    package static func of(_ header: UnsafeRawBufferPointer?) -> MediaType {
        guard let type = header else { return .other }
        if type.containsIgnoringCase("event-stream") { return .eventStream }
        if type.containsIgnoringCase("html") { return .html }
        return type.containsIgnoringCase("json") && !type.containsIgnoringCase("ndjson") ? .json : .other
    }
}
