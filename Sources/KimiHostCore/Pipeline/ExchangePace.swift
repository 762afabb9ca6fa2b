import NIOCore

/// How the time of an exchange goes: what the host takes for itself, and how an answer's content comes. A value; it is
/// told of moments whose time somebody has read anyway, and does a few integer operations for each.
struct ExchangePace {
    /// Since when nothing is awaited; nil: something is.
    private var since: NIODeadline?
    private var ownTime = TimeAmount.zero
    private var hasAsked = false
    /// When the streamed answer was asked for.
    private var asked: NIODeadline?
    private var firstChunk: TimeAmount?
    private var gaps = ChunkGaps()

    init(_ began: NIODeadline) { since = began }

    /// A request went up, or a pause begins: from now on something is awaited.
    mutating func awaits(_ now: NIODeadline) {
        if let since { ownTime = ownTime + (now - since) }
        since = nil
    }

    /// A request went up.
    mutating func sent(_ now: NIODeadline) {
        hasAsked = true
        awaits(now)
    }

    /// Something came of an upstream, or a new attempt begins: the host is at work.
    mutating func worksOn(_ now: NIODeadline) { since = now }

    /// A streamed answer was asked for.
    mutating func awaitsContent(_ now: NIODeadline) { asked = now }

    /// Content came. `before`: since when it was awaited.
    mutating func gotContent(_ now: NIODeadline, awaitedSince before: NIODeadline, isFirst: Bool) {
        if isFirst {
            if let asked { firstChunk = now - asked }
        } else {
            gaps.add(microseconds: Self.microseconds(now - before))
        }
    }

    /// What the host took for itself until now; nil if no upstream was asked. Microseconds.
    func overhead(_ now: NIODeadline) -> Int? {
        guard hasAsked else { return nil }
        let rest = since.map { now - $0 } ?? .zero
        return max(0, Self.microseconds(ownTime + rest))
    }

    /// What there is to tell of the attempt's content; the next one begins anew.
    mutating func takeContent() -> (firstChunk: Int?, gaps: ChunkGaps) {
        defer { (firstChunk, gaps, asked) = (nil, ChunkGaps(), nil) }
        return (firstChunk.map(Self.microseconds), gaps)
    }

    static func microseconds(_ time: TimeAmount) -> Int { Int(time.nanoseconds / 1_000) }
}
