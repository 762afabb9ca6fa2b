public import PluginABI

/// A transform: it knows a model's quirks, and edits requests on their way up and events on their way down.
/// One object per configured instance, used by many threads at once; the rules are those of ``ProviderPlugin``.
public protocol TransformPlugin: AnyObject, Sendable {
    /// Which events its exchanges want: bit `1 << type` for each `kimi_event_type`. Others pass it by, in order.
    static var eventMask: UInt32 { get }

    /// Makes an instance. `config` is JSON, borrowed; the context may be kept.
    init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure)

    /// Starts an attempt. `changed`: the editor was used. No exchange: no part in the response.
    func begin(
        _ request: RequestView, _ editor: RequestEditor
    ) throws(PluginFailure) -> (changed: Bool, exchange: (any TransformExchange)?)
}

/// A transform's part in one response. One call at a time, on changing threads; released at the end.
public protocol TransformExchange: AnyObject {
    /// Wanted events, in order; what shall go on, changed or not, is emitted.
    func feed(_ events: UnsafeBufferPointer<kimi_event>, to sink: Sink) throws(PluginFailure)

    /// The stream is over, or (`KIMI_WHY_TIMEOUT`) something was held too long: emit what was held.
    func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure)
}
