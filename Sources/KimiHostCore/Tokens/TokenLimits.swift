/// Bounds on what is kept of tokens, and on how often they are fetched. Times in milliseconds.
package enum TokenLimits {
    /// Token keys of one plugin instance; the one that was not used for longest makes room.
    package static let maxKeys = 64
    /// Requests that wait for one token.
    package static let maxWaiters = 10_000
    /// After a failed fetch: before the next one, doubled with each further failure.
    package static let firstPause: UInt64 = 1_000
    /// And at most; an endpoint that asks for more time gets up to `maxAskedPause`.
    package static let maxPause: UInt64 = 60_000
    package static let maxAskedPause: UInt64 = 300_000
    /// A token is refreshed a fifth of its life before its end, but no earlier than this.
    package static let maxRefreshMargin: UInt64 = 300_000
    /// No refresh sooner than this after a grant, or half the token's life if that is shorter.
    package static let minRefreshPause: UInt64 = 10_000
    /// A token is not used any more so long before its end, or a tenth of its life if that is shorter: it has a way to go.
    package static let maxLeeway: UInt64 = 10_000
    /// Between two tokens that were dropped because an upstream refused them: one that refuses every token must not
    /// make the host ask for one with each request.
    package static let forgetPause: UInt64 = 10_000
    /// A fetch ends itself in time; an exchange that waits for one gives up so long after that.
    static let waitSlackMs = 5_000
}
