import NIOCore

/// What one key has under way, and has used of its rates. A value inside ``ExchangeGate``.
struct ClientUse {
    private(set) var limits = ClientLimits()
    var active = 0
    private var requests: RateBucket?
    private var tokens: RateBucket?

    mutating func adopt(_ new: ClientLimits, _ now: NIODeadline) {
        guard new != limits else { return }
        limits = new
        requests = Self.bucket(requests, new.requestsPerMinute, now)
        tokens = Self.bucket(tokens, new.tokensPerMinute, now)
    }

    private static func bucket(_ old: RateBucket?, _ perMinute: Int?, _ now: NIODeadline) -> RateBucket? {
        guard let perMinute else { return nil }
        return old?.changed(perMinute: perMinute) ?? RateBucket(perMinute: perMinute, now: now)
    }

    var isFull: Bool { limits.maxExchanges.map { active >= $0 } ?? false }

    /// The rate that is used up, and the milliseconds until it is not.
    mutating func exhausted(_ now: NIODeadline) -> (rate: Refusal, waitMs: Int)? {
        if let wait = requests?.wait(now), wait > 0 { return (.requestRate, wait) }
        if let wait = tokens?.wait(now), wait > 0 { return (.tokenRate, wait) }
        return nil
    }

    mutating func began(_ now: NIODeadline) { requests?.take(1, now) }

    mutating func used(tokens count: Int, _ now: NIODeadline) { tokens?.take(count, now) }
}

/// Why a request is not served, for `/metrics`.
package enum Refusal: String, Sendable, CaseIterable {
    case key, requestRate = "request_rate", tokenRate = "token_rate", queueFull = "queue_full"
    case queueTimeout = "queue_timeout", draining
}
