package import CanonicalModel
package import PluginABI
package import PluginHost
package import Upstream

/// Cuts one response body as its provider wants it. A value: bytes in, frames out, no I/O.
package struct BodyFraming {
    /// Bytes of an error's body that a provider gets to see.
    package static let maxErrorBytes = 1 << 20

    private enum Mode {
        case raw
        case sse(SSEFramer)
        case lines(LineFramer)
        case whole([UInt8], isError: Bool, isCut: Bool)
    }

    private var mode: Mode
    private let maxWholeBytes: Int

    /// Decides by status, the provider's wish, the plan and the response's content type. A body that is gathered whole
    /// and is longer than `maxWholeBytes` fails.
    package init(
        framing: PluginFraming, head: UpstreamHead, isStream: Bool, wantsWhole: Bool, maxWholeBytes: Int
    ) {
        self.maxWholeBytes = maxWholeBytes
        if head.status >= 400 {
            mode = .whole([], isError: true, isCut: false)
        } else if wantsWhole {
            mode = .whole([], isError: false, isCut: false)
        } else {
            mode = Self.mode(framing, head, isStream)
        }
    }

    private static func mode(_ framing: PluginFraming, _ head: UpstreamHead, _ isStream: Bool) -> Mode {
        switch framing {
        case .raw: return .raw
        case .json: return .whole([], isError: false, isCut: false)
        case .ndjson: return .lines(LineFramer())
        case .sse:
            // Some servers answer a streaming request with a plain JSON body, and some label a stream wrongly.
            let isDocument = head.hasMediaType("application/json") || head.hasMediaType("text/html")
            let isEvents = head.hasMediaType("text/event-stream") || (isStream && !isDocument)
            return isEvents ? .sse(SSEFramer()) : .whole([], isError: false, isCut: false)
        }
    }

    /// Is this the body of a refusal?
    package var isErrorBody: Bool {
        if case .whole(_, true, _) = mode { return true }
        return false
    }

    /// Is this a stream of server-sent events, whatever its label says?
    package var isEvents: Bool {
        if case .sse = mode { return true }
        return false
    }

    /// Is it as long as it may get? Then `finish` at once.
    package var isCut: Bool {
        if case .whole(_, _, true) = mode { return true }
        return false
    }

    /// Takes what has come for all that will come.
    package mutating func cut() {
        if case .whole(let bytes, let isError, _) = mode { mode = .whole(bytes, isError: isError, isCut: true) }
    }

    /// Takes the next bytes; `body` is called at most once, with frames that are valid during the call.
    package mutating func push(
        _ chunk: [UInt8], _ body: (UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) -> Void
    ) throws(ExchangeError) {
        switch mode {
        case .raw:
            try Self.single(KIMI_FRAME_RAW, 0, chunk, body)
        case .sse(var framer):
            mode = .raw  // Keeps the framer's storage unique while it grows.
            let fits = try framer.push(chunk, body)
            mode = .sse(framer)
            guard fits else { throw Self.tooLong(SSEFramer.maxEventBytes) }
        case .lines(var framer):
            mode = .raw
            let fits = try framer.push(chunk, body)
            mode = .lines(framer)
            guard fits else { throw Self.tooLong(LineFramer.maxLineBytes) }
        case .whole(var bytes, let isError, var isCut):
            mode = .raw
            try gather(chunk, &bytes, isError, &isCut)
            mode = .whole(bytes, isError: isError, isCut: isCut)
        }
    }

    /// The body is over: the last frame, if this framing has one.
    package mutating func finish(
        _ body: (UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) -> Void
    ) throws(ExchangeError) {
        switch mode {
        case .whole(let bytes, let isError, let isCut):
            var flags = KIMI_FRAME_F_LAST.rawValue
            if isError { flags |= KIMI_FRAME_F_ERROR.rawValue }
            if isCut { flags |= KIMI_FRAME_F_CUT.rawValue }
            try Self.single(KIMI_FRAME_BODY, flags, bytes, body)
        case .lines(var framer): try framer.finish(body)
        case .raw, .sse: break  // An event without its blank line is not one, by the standard.
        }
    }

    private func gather(
        _ chunk: [UInt8], _ bytes: inout [UInt8], _ isError: Bool, _ isCut: inout Bool
    ) throws(ExchangeError) {
        let room = (isError ? Self.maxErrorBytes : maxWholeBytes) - bytes.count
        if chunk.count <= room {
            if bytes.isEmpty { bytes = chunk } else { bytes.append(contentsOf: chunk) }
        } else if isError {
            bytes.append(contentsOf: chunk.prefix(room))
            isCut = true
        } else {
            throw Self.tooLong(maxWholeBytes)
        }
    }

    private static func single(
        _ kind: kimi_frame_kind, _ flags: UInt32, _ bytes: [UInt8],
        _ body: (UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) -> Void
    ) throws(ExchangeError) {
        try bytes.withBytes { bytes throws(ExchangeError) in
            var frame = kimi_frame()
            frame.kind = kind.rawValue
            frame.flags = flags
            frame.data = kimi_bytes(bytes)
            try withUnsafePointer(to: frame) { pointer throws(ExchangeError) in
                try body(UnsafeBufferPointer(start: pointer, count: 1))
            }
        }
    }

    private static func tooLong(_ limit: Int) -> ExchangeError {
        ExchangeError(
            KIMI_CAT_PROTOCOL, "the upstream sent a single event or body of more than \(limit) bytes",
            code: "upstream_too_large")
    }
}
