import CanonicalModel
import Dialects
import PluginABI

/// Stands between the plugins and the encoder of a streamed reply that may be continued elsewhere: knows the text that
/// the client has, and makes one reply of what several attempts bring. Event loop only.
final class ReplyRelay: EventReceiver {
    /// Why a reply cannot be continued.
    enum Obstacle: String {
        case call = "a tool call had begun"
        case part = "it had a part that is no text"
        case refusal = "it was a refusal"
        case choices = "it had several choices"
        case finished = "it had finished"
        case size = "it was too long"
    }

    let encoder: any ResponseEncoder
    /// The ERROR event of the attempt under way: the encoder, which may have to go on, never sees it.
    private(set) var failure: ExchangeError?
    /// The reply's text as the client has it, whole characters.
    private(set) var text: [UInt8] = []
    private(set) var obstacle: Obstacle?
    /// Times that it was continued.
    private(set) var resumptions = 0

    /// The beginning of a character whose rest is still to come.
    private var cut: [UInt8] = []
    private var overlap = TextOverlap()
    private var usage = UsageSum()

    init(_ encoder: any ResponseEncoder) {
        self.encoder = encoder
    }

    /// Another attempt goes on with the reply; what came of the one before and has not left is forgotten. Returns the
    /// text for it to go on with.
    func resume() -> [UInt8] {
        resumptions += 1
        failure = nil
        cut = []
        usage.nextAttempt()
        overlap = TextOverlap(after: text)
        return Array(text.dropLast(TextOverlap.spaceBytes(text)))
    }

    func receive(_ events: UnsafeBufferPointer<CanonicalEvent>) -> kimi_status {
        for event in events {
            guard failure == nil else { return kimi_status(KIMI_STOP) }
            let status = take(event)
            guard status == kimi_status(KIMI_OK) else { return status }
        }
        return kimi_status(failure == nil ? KIMI_OK : KIMI_STOP)
    }

    private var isContinuing: Bool { resumptions > 0 }

    private func take(_ event: CanonicalEvent) -> kimi_status {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_ERROR:
            failure = ExchangeError(event)
            return kimi_status(KIMI_STOP)
        case KIMI_EVENT_START: return isContinuing ? kimi_status(KIMI_OK) : pass(event)
        case KIMI_EVENT_TEXT: return text(event)
        // The client has thoughts already, and those of another model have no place behind them.
        case KIMI_EVENT_REASONING: return isContinuing ? kimi_status(KIMI_OK) : inChoice(event)
        case KIMI_EVENT_USAGE:
            var event = event
            usage.take(&event)
            return pass(event)
        case KIMI_EVENT_TOOL_BEGIN: return inChoice(event, .call)
        case KIMI_EVENT_PART: return inChoice(event, .part)
        case KIMI_EVENT_FINISH: return inChoice(event, .finished)
        case KIMI_EVENT_JSON: return member(event)
        default: return inChoice(event)
        }
    }

    private func member(_ event: CanonicalEvent) -> kimi_status {
        let name = event.b.text
        guard event.i0 != Int64(KIMI_SCOPE_RESPONSE.rawValue) else {
            return isContinuing ? kimi_status(KIMI_OK) : pass(event)
        }
        if isContinuing, name.hasPrefix("reasoning") { return kimi_status(KIMI_OK) }
        return inChoice(event, name == "refusal" && event.a.text != "null" ? .refusal : nil)
    }

    /// Anything but text; what was held of the text goes first.
    private func inChoice(_ event: CanonicalEvent, _ obstacle: Obstacle? = nil) -> kimi_status {
        if event.choice != 0 {
            self.obstacle = self.obstacle ?? .choices
            if isContinuing { return kimi_status(KIMI_OK) }
        } else if isContinuing {
            let status = pass(overlap.flush(), of: event.choice)
            guard status == kimi_status(KIMI_OK) else { return status }
        }
        self.obstacle = self.obstacle ?? obstacle
        return pass(event)
    }

    private func text(_ event: CanonicalEvent) -> kimi_status {
        guard event.choice == 0 else { return inChoice(event) }
        if isContinuing { return pass(overlap.take(event.a.buffer), of: 0) }
        return pass(Array(event.a.buffer), of: 0)
    }

    /// Whole characters go on; a cut one waits, so that the reply can be continued between two.
    private func pass(_ bytes: [UInt8], of choice: UInt32) -> kimi_status {
        guard !bytes.isEmpty else { return kimi_status(KIMI_OK) }
        var bytes = cut + bytes
        let left = bytes.withUnsafeBytes { TextTail.cutBytes($0) }
        cut = Array(bytes.suffix(left))
        bytes.removeLast(left)
        guard !bytes.isEmpty else { return kimi_status(KIMI_OK) }
        if text.count + bytes.count <= ResumeLimits.maxTextBytes {
            text += bytes
        } else {
            obstacle = obstacle ?? .size
        }
        return bytes.withUnsafeBytes { bytes in
            var event = kimi_event()
            event.type = KIMI_EVENT_TEXT.rawValue
            event.choice = choice
            event.a = kimi_bytes(bytes)
            return pass(event)
        }
    }

    private func pass(_ event: CanonicalEvent) -> kimi_status {
        withUnsafePointer(to: event) { encoder.receive(UnsafeBufferPointer(start: $0, count: 1)) }
    }
}

/// What several attempts at one reply used, as far as their upstreams said.
struct UsageSum {
    private var before: [Int64]?
    private var latest: [Int64]?

    /// Counts of an attempt grow, so its newest stand for all.
    mutating func nextAttempt() {
        if let latest { before = Self.sum(before, latest) }
        latest = nil
    }

    /// Makes the event tell of all attempts together.
    mutating func take(_ event: inout CanonicalEvent) {
        let said = [event.i0, event.i1, event.i2, event.i3]
        latest = zip(latest ?? [-1, -1, -1, -1], said).map { $1 >= 0 ? $1 : $0 }
        guard let before else { return }
        let sum = Self.sum(before, latest ?? said)
        (event.i0, event.i1, event.i2, event.i3) = (sum[0], sum[1], sum[2], sum[3])
        // The upstream's own object tells of its attempt only.
        event.a = kimi_bytes(ptr: nil, len: 0)
    }

    private static func sum(_ left: [Int64]?, _ right: [Int64]) -> [Int64] {
        guard let left else { return right }
        return zip(left, right).map { left, right in
            guard left >= 0, right >= 0 else { return max(left, right) }
            return left.addingReportingOverflow(right).overflow ? .max : left + right
        }
    }
}
