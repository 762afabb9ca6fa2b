internal import PluginKit
internal import WireJSON

/// One request as it goes up.
struct UpstreamCall {
    enum Body {
        /// The exchange's own request.
        case unchanged
        /// A merge patch on it.
        case patch([UInt8])
        /// The same, in a writer that goes back to the pool.
        case pooled(ByteWriter)
        /// In its place.
        case whole([UInt8])
    }

    let url: String
    let isStream: Bool
    /// Given up when it is sent, as it may be as long as the request.
    var body: Body
    /// What the request lost, until it is told: only the reply has a place for it.
    var losses: CanonicalLosses?
    /// The answer's bytes go down as they are; events are for the log, and nothing unknown fails.
    var isNative = false

    init(url: String, isStream: Bool, body: Body, losses: CanonicalLosses? = nil, isNative: Bool = false) {
        self.url = url
        self.isStream = isStream
        self.body = body
        self.losses = losses
        self.isNative = isNative
    }

    /// Describes the body, once.
    mutating func writeBody(_ plan: Plan, _ pool: PatchPool) throws(PluginFailure) {
        let body = self.body
        self.body = .unchanged
        switch body {
        case .unchanged: break
        case .patch(let patch):
            try patch.withUnsafeBytesTyped { patch throws(PluginFailure) in try plan.bodyPatch(patch) }
        case .pooled(let writer):
            defer { pool.give(writer) }
            try writer.withBytes { patch throws(PluginFailure) in try plan.bodyPatch(patch) }
        case .whole(let bytes):
            try bytes.withUnsafeBytesTyped { bytes throws(PluginFailure) in try plan.body(bytes) }
        }
    }
}

/// From the JSON of an answer to canonical events, in the order of rule S11.
protocol ReplyDecoder {
    /// Nothing is missing.
    var isFinished: Bool { get }
    /// An ERROR event was made: nothing may follow.
    var hasFailed: Bool { get }
    var hasContent: Bool { get }
    /// What upstreams sent that no event could carry any more, for one line in the log.
    var lateBytes: Int { get }

    /// Decodes one event of a stream; `name` is the SSE event's, often empty.
    mutating func event(
        _ root: JSONValue, name: UnsafeRawBufferPointer, frame: UnsafeRawBufferPointer, to workspace: Workspace
    ) throws(PluginFailure)
    /// Decodes a whole body.
    mutating func body(_ root: JSONValue, frame: UnsafeRawBufferPointer, to workspace: Workspace) throws(PluginFailure)
    /// The stream is over without an error: finishes what the upstream left open. Fails if nothing came.
    mutating func complete(to workspace: Workspace) throws(PluginFailure)
}
