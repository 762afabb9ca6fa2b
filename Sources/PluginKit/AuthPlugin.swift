public import PluginABI

/// A provider that fetches tokens as well: its library offers `kimi.auth/1`, which its manifest has to list in
/// `provides`. ``PluginExport`` finds the conformance by itself.
///
/// An exchange of the provider asks for a token with ``Plan/token(_:id:)``. The host looks into its cache; if there is
/// none, or it is about to expire, it asks this instance for a machine and steps it. However many requests wait,
/// there is one machine at a time for each key.
///
/// ```swift
/// extension MyProvider: AuthPlugin {
///     public func authenticate(_ key: UnsafeRawBufferPointer) throws(PluginFailure) -> any AuthExchange {
///         TokenFetch(config)
///     }
/// }
///
/// final class TokenFetch: AuthExchange {
///     func next(_ plan: Plan) throws(PluginFailure) {
///         if let token { return try plan.grant(token: token, expiresAtMs: expiry) }
///         try plan.url("https://auth.example.com/token")
///         try plan.http()
///     }
///     func result(_ result: kimi_result) throws(PluginFailure) { … }
/// }
/// ```
public protocol AuthPlugin: ProviderPlugin {
    /// Starts fetching the token filed under `key`, the text that an exchange gave to ``Plan/token(_:id:)``; borrowed.
    /// Any thread.
    func authenticate(_ key: UnsafeRawBufferPointer) throws(PluginFailure) -> any AuthExchange
}

/// One fetch of one token. One call at a time, on changing threads; released at the end.
public protocol AuthExchange: AnyObject {
    /// Describes exactly one step: HTTP, SIGN or WAIT, and GRANT as the last.
    func next(_ plan: Plan) throws(PluginFailure)

    /// A step came back. A `status` below 0 says that the host could not do it; then the body is a sentence.
    func result(_ result: kimi_result) throws(PluginFailure)
}
