import Synchronization

/// How long one route's answers take to begin, as a moving mean. Any thread.
package final class RouteLatency: Sendable {
    /// What the newest answer counts for.
    private static let share = 0.2

    /// Bits of milliseconds; 0: nothing is known.
    private let streamed = Atomic<UInt64>(0)
    private let whole = Atomic<UInt64>(0)

    package init() {}

    /// Milliseconds until the first content of a streamed answer, or until the end of a whole one; nil: not known.
    package func mean(streamed isStreamed: Bool) -> Double? {
        let bits = isStreamed ? streamed.load(ordering: .relaxed) : whole.load(ordering: .relaxed)
        return bits == 0 ? nil : Double(bitPattern: bits)
    }

    /// An answer took so long. Of two at once one may be lost; that does no harm.
    package func add(_ milliseconds: Double, streamed isStreamed: Bool) {
        let known = mean(streamed: isStreamed)
        let sample = max(milliseconds, 0.001)
        let bits = (known.map { $0 + (sample - $0) * Self.share } ?? sample).bitPattern
        if isStreamed { streamed.store(bits, ordering: .relaxed) } else { whole.store(bits, ordering: .relaxed) }
    }
}

/// What a strategy may go by.
package struct RoutingHints: Sendable {
    /// A stable hash of what identifies the conversation.
    package var conversation: UInt64
    package var wantsStream: Bool

    package init(conversation: UInt64 = 0, wantsStream: Bool = false) {
        self.conversation = conversation
        self.wantsStream = wantsStream
    }
}
