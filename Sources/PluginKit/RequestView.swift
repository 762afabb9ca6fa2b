package import PluginABI

/// One request as `begin` gets it. Everything is borrowed: valid until `begin` returns.
public struct RequestView {
    private let request: UnsafePointer<kimi_request>

    package init(_ request: UnsafePointer<kimi_request>) {
        self.request = request
    }

    /// The canonical request: OpenAI Chat shape plus docs/canonical-request.md.
    public var json: UnsafeRawBufferPointer { request.pointee.json.buffer }
    /// The upstream's name of the model; it is in `json` too.
    public var model: UnsafeRawBufferPointer { request.pointee.model.buffer }
    /// For logs: the client's `x-request-id`.
    public var exchangeID: UnsafeRawBufferPointer { request.pointee.exchange_id.buffer }
    /// What the client speaks, such as `openai.chat`.
    public var dialect: UnsafeRawBufferPointer { request.pointee.dialect.buffer }
    /// The same for all turns of one conversation; empty if unknown.
    public var conversation: UnsafeRawBufferPointer { request.pointee.conversation.buffer }
    /// Which try of the client's request this is, from 1.
    public var attempt: UInt64 { request.pointee.attempt }
    /// When the host gives up, in unix milliseconds; 0 = never.
    public var deadlineMilliseconds: UInt64 { request.pointee.deadline_ms }
    /// Does the client want a stream?
    public var wantsStream: Bool { request.pointee.flags & KIMI_REQUEST_STREAM.rawValue != 0 }
    /// Does the client's own dialect go up and down as it is, with events for the log only?
    public var isNative: Bool { request.pointee.flags & KIMI_REQUEST_NATIVE.rawValue != 0 }
}
