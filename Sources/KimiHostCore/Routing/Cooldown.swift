/// How long what fails is left out of new attempts, in milliseconds.
package struct CooldownPolicy: Sendable, Equatable {
    /// Failures in a row after which a route is left out.
    package var failures: Int
    /// The first time; it doubles each time that a probe fails. 0: nothing is ever left out.
    package var firstMs: Int
    /// Nothing is left out for longer at once, whatever an upstream says.
    package var maxMs: Int

    package init(failures: Int = 3, firstMs: Int = 5_000, maxMs: Int = 60_000) {
        self.failures = failures
        self.firstMs = firstMs
        self.maxMs = max(firstMs, maxMs)
    }
}

/// Whether something that may fail is to be tried: warm, cold for a while, or half open, when one exchange probes it.
/// A value; somebody else has the clock. Times are milliseconds of a clock that does not go back.
package struct Cooldown: Sendable, Equatable {
    /// What a new attempt is told.
    package enum Claim: Sendable, Equatable {
        case yes
        /// The one attempt that tells whether it works again; its outcome must be told.
        case probe
        case no
    }

    private enum Phase: Equatable {
        case warm
        case cold(until: Int64)
        /// The probe has until then to report; then another one may be made.
        case probing(until: Int64)
    }

    private var phase = Phase.warm
    /// In a row, while warm.
    package private(set) var failures = 0
    /// Times that it went cold since it last worked.
    private var times = 0

    package init() {}

    /// Nothing has failed since it last worked.
    package var isSpotless: Bool { phase == .warm && failures == 0 }
    package var isWarm: Bool { phase == .warm }

    /// As operators are told.
    package var word: String {
        switch phase {
        case .warm: failures == 0 ? "ok" : "failing"
        case .cold: "cold"
        case .probing: "probing"
        }
    }

    /// When it may be tried again; 0 when it is warm.
    package var openFrom: Int64 {
        switch phase {
        case .warm: 0
        case .cold(let until), .probing(let until): until
        }
    }

    /// Would a claim be granted?
    package func isOpen(_ now: Int64) -> Bool { now >= openFrom }

    package mutating func claim(_ now: Int64, _ policy: CooldownPolicy) -> Claim {
        if phase == .warm { return .yes }
        guard isOpen(now) else { return .no }
        phase = .probing(until: now + Int64(policy.maxMs))
        return .probe
    }

    package mutating func succeeded() { self = Cooldown() }

    /// The probe ended without telling anything: the next one may be made at once.
    package mutating func abandoned(_ now: Int64) {
        if case .probing = phase { phase = .cold(until: now) }
    }

    /// A failure of an attempt. `isProbe`: of the one that had claimed it as a probe. `atOnce`: one failure is enough.
    /// `retryAfterMs`: for how long the upstream asked to be left alone. True when it went cold now.
    package mutating func failed(
        _ now: Int64, _ policy: CooldownPolicy, isProbe: Bool = false, atOnce: Bool = false, retryAfterMs: Int? = nil
    ) -> Bool {
        guard policy.firstMs > 0 else { return false }
        let asked = retryAfterMs.map { now + Int64(min(max(0, $0), policy.maxMs)) }
        switch phase {
        case .warm:
            failures += 1
            guard atOnce || asked != nil || failures >= policy.failures else { return false }
        case .probing where isProbe: break
        case .cold(let until), .probing(let until):
            // Attempts that had begun before it went cold, or were made although it is: they do not double anything.
            if let asked, asked > until { phase = .cold(until: asked) }
            return false
        }
        phase = .cold(until: asked ?? now + Int64(Self.length(times, policy)))
        failures = 0
        times += 1
        return true
    }

    private static func length(_ times: Int, _ policy: CooldownPolicy) -> Int {
        var length = policy.firstMs
        for _ in 0..<times where length < policy.maxMs { length *= 2 }
        return min(length, policy.maxMs)
    }
}
