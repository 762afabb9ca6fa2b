public import PluginABI

/// A provider: it knows one kind of upstream. One object per configured instance, used by many threads at once.
///
/// To write one:
///
/// 1. A class that conforms to this protocol. `init` reads the config, which the host has checked against the
///    manifest's JSON Schema, so only what a schema cannot say needs a check. Keep what is immutable.
/// 2. A class that conforms to ``ProviderExchange``: one attempt of one request. It reads what it needs in
///    `begin` (the request is borrowed), describes the upstream request in `next`, and turns the answer's
///    frames into canonical events in `feed`.
/// 3. An entry file, alone in its target, linked only into the shared library:
///
///    ```swift
///    @c @implementation
///    public func kimi_plugin_entry_v1(
///        _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
///    ) -> kimi_status {
///        PluginExport.provider(MyProvider.self, manifest: MyProvider.manifest, handshake: handshake, error: error)
///    }
///    ```
///
/// 4. A manifest: a `StaticString` of JSON with id, name, version, `provides`, `config_schema`, `hosts`.
///
/// Rules: no I/O, no threads, no waiting, no global state. Errors are ``PluginFailure``, a sentence each.
/// Nothing that a call hands over (a view, sink, plan or slice) may be kept after it.
///
/// ```swift
/// public final class EchoProvider: ProviderPlugin {
///     public init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure) {}
///     public func begin(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange { EchoExchange() }
/// }
///
/// final class EchoExchange: ProviderExchange {
///     func next(_ plan: Plan) throws(PluginFailure) { try plan.localReply() }
///     func feed(_ frames: UnsafeBufferPointer<kimi_frame>, to sink: Sink) throws(PluginFailure) -> Bool {
///         try sink.emit(kimi_event(KIMI_EVENT_START))
///         var text = kimi_event(KIMI_EVENT_TEXT)
///         text.a = kimi_bytes(literal: "Hello.")
///         try sink.emit(text)
///         var finish = kimi_event(KIMI_EVENT_FINISH)
///         finish.a = kimi_bytes(literal: "stop")
///         try sink.emit(finish)
///         return true
///     }
///     func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure) {}
/// }
/// ```
public protocol ProviderPlugin: AnyObject, Sendable {
    /// Makes an instance. `config` is JSON, borrowed; the context may be kept.
    init(config: UnsafeRawBufferPointer, context: PluginContext) throws(PluginFailure)

    /// Starts an attempt. The view is borrowed. Any thread.
    func begin(_ request: RequestView) throws(PluginFailure) -> any ProviderExchange
}

/// One attempt of one request at an upstream. One call at a time, on changing threads; released at the end.
public protocol ProviderExchange: AnyObject {
    /// Describes exactly one step: fields, then the step.
    func next(_ plan: Plan) throws(PluginFailure)

    /// A step came back. For SEND this is the response's head: answer `KIMI_OK`, or `KIMI_WHOLE` to get the
    /// body in one piece.
    func result(_ result: kimi_result) throws(PluginFailure) -> kimi_status_code

    /// All that one network read brought. True: the reply is complete, further bytes are not wanted.
    func feed(_ frames: UnsafeBufferPointer<kimi_frame>, to sink: Sink) throws(PluginFailure) -> Bool

    /// The body is over: emit what is left, or fail if the reply is incomplete.
    func flush(_ why: kimi_why, to sink: Sink) throws(PluginFailure)
}

extension ProviderExchange {
    /// Takes any head as it is: for exchanges that need nothing from it.
    public func result(_ result: kimi_result) throws(PluginFailure) -> kimi_status_code { KIMI_OK }
}
