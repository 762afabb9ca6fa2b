package import CanonicalModel
package import NIOCore
import PluginABI

/// Which wait an exchange is in, and when it has lasted too long. A value; somebody else has the clock.
package struct ExchangeClock {
    private enum Wait { case planning, pause(NIODeadline), head, body, settling }

    /// An upstream that says no has this long to say why; then what has come of its words must do.
    static let errorBodyMs: Int64 = 10_000

    /// A reply is delivered; the upstream has this long to send its last bytes.
    static let settleMs: Int64 = 1_000

    private let timeouts: RouteTimeouts
    private let began: NIODeadline
    private var last: NIODeadline
    private var heldSince: NIODeadline?
    private var errorSince: NIODeadline?
    private var wait = Wait.planning
    /// Since when content is awaited; nil: it is not.
    private var tokensSince: NIODeadline?
    private var hasTokens = false
    private var pace: ExchangePace

    package init(timeouts: RouteTimeouts, now: NIODeadline = .now()) {
        self.timeouts = timeouts
        self.pace = ExchangePace(now)
        self.began = now
        self.last = now
    }

    /// A request went up; its head is awaited.
    package mutating func sent(_ now: NIODeadline = .now()) {
        last = now
        wait = .head
        pace.sent(now)
    }

    /// The plugin asked for a pause; it is not the upstream's.
    package mutating func waiting(_ milliseconds: Int, _ now: NIODeadline = .now()) {
        wait = .pause(now + .milliseconds(Int64(milliseconds)))
        last = now
        pace.awaits(now)
    }

    /// Something came of an upstream.
    package mutating func arrived(_ now: NIODeadline = .now()) {
        heard(now)
        pace.worksOn(now)
    }

    /// Something came, or the client took something.
    package mutating func heard(_ now: NIODeadline = .now()) {
        if case .settling = wait { return }
        last = now
        wait = .body
    }

    /// The head of a refusal came; its body is awaited.
    package mutating func gotErrorHead(_ now: NIODeadline = .now()) {
        errorSince = now
        tokensSince = nil
    }

    /// A streamed answer was asked for: from now on content must come.
    package mutating func awaitTokens(_ now: NIODeadline = .now()) {
        tokensSince = now
        hasTokens = false
        pace.awaitsContent(now)
    }

    /// Content came. Whatever else comes, such as keep-alives, does not count.
    package mutating func gotTokens(_ now: NIODeadline = .now()) {
        guard let since = tokensSince else { return }
        pace.gotContent(now, awaitedSince: since, isFirst: !hasTokens)
        tokensSince = now
        hasTokens = true
    }

    /// None can come: the client does not take what came before.
    package mutating func postponeTokens(_ now: NIODeadline) {
        if tokensSince != nil { tokensSince = now }
    }

    /// Another attempt begins, after so many milliseconds; nil: it begins now. The exchange's own time goes on.
    package mutating func turned(_ pause: Int?, _ now: NIODeadline = .now()) {
        (heldSince, errorSince, tokensSince, hasTokens) = (nil, nil, nil, false)
        last = now
        if pause == nil { pace.worksOn(now) } else { pace.awaits(now) }
        wait = pause.map { .pause(now + .milliseconds(Int64($0))) } ?? .planning
    }

    /// Microseconds that the host took for itself; nil: no upstream was asked.
    package func overhead(_ now: NIODeadline) -> Int? { pace.overhead(now) }

    /// What there is to tell of the attempt's content. It is told once.
    package mutating func takeContent() -> (firstChunk: Int?, gaps: ChunkGaps) { pace.takeContent() }

    /// Milliseconds that the exchange has left; nil: no limit.
    package func remainingMs(_ now: NIODeadline) -> Int64? {
        timeouts.total > 0 ? Int64(timeouts.total) - elapsedMs(now) : nil
    }

    /// True once, when that body is late.
    package mutating func isErrorBodyLate(_ now: NIODeadline) -> Bool {
        guard let since = errorSince, (now - since).nanoseconds / 1_000_000 > Self.errorBodyMs else { return false }
        errorSince = nil
        return true
    }

    /// Milliseconds since the exchange began.
    package func elapsedMs(_ now: NIODeadline = .now()) -> Int64 { (now - began).nanoseconds / 1_000_000 }

    /// Whether transforms hold everything that came since the client last got something.
    package mutating func held(_ isHeld: Bool, _ now: NIODeadline = .now()) {
        if !isHeld { heldSince = nil } else if heldSince == nil { heldSince = now }
    }

    /// Has it been held too long? True once per hold.
    package mutating func mustRelease(_ now: NIODeadline) -> Bool {
        guard timeouts.hold > 0, let since = heldSince,
            (now - since).nanoseconds / 1_000_000 > Int64(timeouts.hold)
        else { return false }
        heldSince = nil
        return true
    }

    /// The reply is delivered.
    package mutating func settling(_ now: NIODeadline = .now()) {
        last = now
        wait = .settling
    }

    /// The error of the wait that has lasted too long, or nil.
    package func overdue(_ now: NIODeadline) -> ExchangeError? {
        let waited = (now - last).nanoseconds / 1_000_000
        if case .settling = wait { return waited > Self.settleMs ? Self.error("settled") : nil }
        if timeouts.total > 0, elapsedMs(now) > Int64(timeouts.total) {
            return Self.error("the exchange took longer than \(timeouts.total) ms (timeouts.total)")
        }
        if let late = lateTokens(now) { return late }
        switch wait {
        case .settling: return nil
        case .pause(let until):
            // The timer ends the pause; that it did not within a second more would be our own mistake.
            return now > until + .milliseconds(Self.settleMs) ? Self.error("a pause did not end") : nil
        case .planning, .head:
            guard timeouts.head > 0, waited > Int64(timeouts.head) else { return nil }
            return Self.error("the upstream did not answer within \(timeouts.head) ms (timeouts.head)")
        case .body:
            guard timeouts.idle > 0, waited > Int64(timeouts.idle) else { return nil }
            return Self.error("nothing moved for \(timeouts.idle) ms (timeouts.idle)")
        }
    }

    private func lateTokens(_ now: NIODeadline) -> ExchangeError? {
        guard let tokensSince else { return nil }
        let limit = hasTokens ? timeouts.betweenTokens : timeouts.firstToken
        guard limit > 0, (now - tokensSince).nanoseconds / 1_000_000 > Int64(limit) else { return nil }
        return hasTokens
            ? Self.error("no content came for \(limit) ms (timeouts.between_tokens)")
            : Self.error("the upstream sent no content within \(limit) ms (timeouts.first_token)")
    }

    private static func error(_ message: String) -> ExchangeError {
        ExchangeError(KIMI_CAT_TIMEOUT, message, code: "timeout")
    }
}
