package import CanonicalModel
package import PluginABI

/// What an exchange does with an attempt, wherever its plugins run: ``PluginAttempt`` answers at once,
/// ``IsolatedAttempt`` may answer later.
package protocol AttemptCalls: AnyObject {
    /// Nil: every call is answered at once.
    var isolated: IsolatedAttempt? { get }
    /// What the provider works with: the request after the transforms that have begun.
    var request: PluginRequest { get }
    var framing: PluginFraming { get }
    var delivered: Int { get }
    var hasSubstance: Bool { get }
    var isEmpty: Bool { get }
    var brought: Int { get }
    var contentBytes: Int { get }
    var isHolding: Bool { get }
    /// The provider's next step; nil: it is not known yet.
    func plan() throws(ExchangeError) -> PlannedStep?
    func body(_ planned: PlannedRequest) throws(ExchangeError) -> [UInt8]?
    func forgetRequest()
    /// Hands a step's result over. True: the provider wants the body whole; nil: that is not known yet.
    func answer(_ result: kimi_result) throws(ExchangeError) -> Bool?
    /// True: the provider says that the reply is done.
    func feed(_ frames: UnsafeBufferPointer<kimi_frame>) throws(ExchangeError) -> Bool
    func releaseHeld() throws(ExchangeError)
    /// The reply is over. False: what is held comes later.
    func finish(_ why: kimi_why) throws(ExchangeError) -> Bool
    func end(_ why: kimi_why)
}

extension IsolatedAttempt: AttemptCalls {
    package var isolated: IsolatedAttempt? { self }
}

extension PluginAttempt: AttemptCalls {
    package var isolated: IsolatedAttempt? { nil }
    package func plan() throws(ExchangeError) -> PlannedStep? { try next() }
    package func answer(_ result: kimi_result) throws(ExchangeError) -> Bool? { try self.result(result) }

    package func finish(_ why: kimi_why) throws(ExchangeError) -> Bool {
        try flush(why)
        return true
    }
}

extension ProviderInstance {
    /// Do its calls go to another process?
    package var isIsolated: Bool { remote != nil }
}

extension TransformInstance {
    package var isIsolated: Bool { remote != nil }
}
