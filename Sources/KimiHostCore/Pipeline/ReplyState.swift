import CanonicalModel

/// What has gone to the client, and what may still go. A value; the exchange carries the actions out.
struct ReplyState {
    private enum Phase { case nothing, awake, streaming, over }

    /// What to do with the client.
    enum Action: Equatable {
        case none
        /// A whole response with an error's status and body.
        case errorResponse
        /// The stream's error event, then the stream's end.
        case errorEvent
    }

    private var phase = Phase.nothing

    var isOver: Bool { phase == .over }
    /// Status and headers of a stream have gone.
    var hasHead: Bool { phase == .streaming || phase == .awake }
    /// Bytes of an answer have gone: no other attempt can take its place.
    var hasContent: Bool { phase == .streaming }
    /// Nothing but the head and keep-alives has gone.
    var isAwakeOnly: Bool { phase == .awake }

    /// A keep-alive is due. True when the head must go first.
    mutating func awakened() -> Bool {
        guard phase == .nothing else { return false }
        phase = .awake
        return true
    }

    /// Bytes of a stream are ready. True when the head must go first.
    mutating func streamed() -> Bool {
        guard phase == .nothing || phase == .awake else { return false }
        defer { phase = .streaming }
        return phase == .nothing
    }

    /// The reply is complete. False when it was over before.
    mutating func completed() -> Bool {
        defer { phase = .over }
        return phase != .over
    }

    mutating func failed() -> Action {
        defer { phase = .over }
        switch phase {
        case .nothing: return .errorResponse
        case .awake, .streaming: return .errorEvent
        case .over: return .none
        }
    }
}
