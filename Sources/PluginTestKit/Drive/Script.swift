import CanonicalModel
import JSONSchema
package import PluginABI
import PluginHost

/// A frame that owns its bytes.
package struct Frame: Equatable, Sendable {
    package var kind: UInt32
    package var flags: UInt32 = 0
    package var name: [UInt8] = []
    package var data: [UInt8] = []

    package init(_ kind: kimi_frame_kind, _ data: [UInt8] = [], name: [UInt8] = [], flags: UInt32 = 0) {
        (self.kind, self.data, self.name, self.flags) = (kind.rawValue, data, name, flags)
    }
}

/// Everything that an exchange is driven with. A value, so that checks can change one thing at a time.
struct Script: Sendable {
    var name: String
    var config: ConfigNode?
    var request: RequestInput
    /// Providers: answers to the steps before SEND, in order, and the head of the answer to SEND.
    var sideAnswers: [Answer] = []
    var head = Answer()
    /// Providers: the body, batch by batch.
    var frames: [[Frame]] = []
    /// Transforms: the events from below, batch by batch.
    var events: [[Event]] = []
    var why = KIMI_WHY_END
    /// Ends the exchange with `cancelReason` after so many calls on it.
    var endsAfterCalls: Int?
    var cancelReason = KIMI_WHY_CANCELLED
    /// Transforms: flush(TIMEOUT) before these batches.
    var timeouts: Set<Int> = []
    /// Feeds without content between the batches.
    var hasEmptyFeeds = false
    /// Is the input itself in order? Otherwise the output cannot be asked to be.
    var checksOrder = true

    init(name: String, request: RequestInput) {
        self.name = name
        self.request = request
    }

    /// The script of a transcript, each frame or event in a batch of its own.
    init(_ transcript: Transcript, framing: PluginManifest.Frames) {
        self.init(name: transcript.name, request: transcript.request)
        config = transcript.config
        why = transcript.why
        events = transcript.eventsIn.map { [$0] }
        for step in transcript.steps {
            if step.expected.kind == KIMI_STEP_SEND {
                head = step.answer
                frames = Framing.frames(step.answer, framing, isStream: transcript.request.isStream).map { [$0] }
            } else {
                sideAnswers.append(step.answer)
            }
        }
    }

    var pieceCount: Int { frames.count + events.count }
}

/// Cuts an answer's body as the host does (docs/plugins/manifest.md, `frames`).
enum Framing {
    static func frames(_ answer: Answer, _ framing: PluginManifest.Frames, isStream: Bool) -> [Frame] {
        let last = KIMI_FRAME_F_LAST.rawValue
        if answer.status >= 400 {
            return [Frame(KIMI_FRAME_BODY, answer.body, flags: last | KIMI_FRAME_F_ERROR.rawValue)]
        }
        let type = answer.header("content-type") ?? ""
        switch framing {
        case .raw: return answer.body.isEmpty ? [] : [Frame(KIMI_FRAME_RAW, answer.body)]
        case .json: return [Frame(KIMI_FRAME_BODY, answer.body, flags: last)]
        case .ndjson: return lines(answer.body).filter { !$0.isEmpty }.map { Frame(KIMI_FRAME_LINE, $0) }
        case .sse:
            let isDocument = type.hasPrefix("application/json") || type.hasPrefix("text/html")
            guard type.hasPrefix("text/event-stream") || isStream && !isDocument else {
                return [Frame(KIMI_FRAME_BODY, answer.body, flags: last)]
            }
            return serverSentEvents(answer.body)
        }
    }

    /// Lines ended by LF, CR LF or CR.
    private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var line: [UInt8] = []
        var isAfterReturn = false
        for byte in bytes {
            defer { isAfterReturn = byte == 0x0D }
            if byte == 0x0A, isAfterReturn { continue }
            if byte == 0x0A || byte == 0x0D {
                lines.append(line)
                line = []
            } else {
                line.append(byte)
            }
        }
        if !line.isEmpty { lines.append(line) }
        return lines
    }

    private static func serverSentEvents(_ bytes: [UInt8]) -> [Frame] {
        var frames: [Frame] = []
        var name: [UInt8] = []
        var data: [[UInt8]] = []
        for line in lines(bytes) + [[]] {
            if line.isEmpty {
                if !data.isEmpty {
                    frames.append(Frame(KIMI_FRAME_SSE, Array(data.joined(separator: [0x0A])), name: name))
                }
                (name, data) = ([], [])
            } else if let value = value(line, "data") {
                data.append(value)
            } else if let value = value(line, "event") {
                name = value
            }
        }
        return frames
    }

    private static func value(_ line: [UInt8], _ field: String) -> [UInt8]? {
        guard line.starts(with: field.utf8) else { return nil }
        var rest = line.dropFirst(field.utf8.count)
        if rest.isEmpty { return [] }
        guard rest.first == 0x3A else { return nil }
        rest = rest.dropFirst()
        return Array(rest.first == 0x20 ? rest.dropFirst() : rest)
    }
}
