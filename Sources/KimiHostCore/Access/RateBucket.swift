package import NIOCore

/// So much in a minute: a bucket that fills steadily and holds a minute's worth. A value; somebody else has the clock.
package struct RateBucket: Sendable {
    private let perMinute: Double
    private var level: Double
    private var at: NIODeadline

    /// Full.
    package init(perMinute: Int, now: NIODeadline) {
        self.perMinute = Double(perMinute)
        self.level = self.perMinute
        self.at = now
    }

    /// What sums of fractions may be off, in milliseconds.
    private static let slack = 1e-6

    /// Milliseconds until one may be taken; 0: now.
    package mutating func wait(_ now: NIODeadline) -> Int {
        refill(now)
        return level >= 1 ? 0 : Int(((1 - level) * 60_000 / perMinute - Self.slack).rounded(.up))
    }

    /// Takes `count`, also more than there is: what is owed has to fill up first.
    package mutating func take(_ count: Int, _ now: NIODeadline) {
        refill(now)
        level -= Double(count)
    }

    /// The same use under another bound.
    package func changed(perMinute: Int) -> RateBucket {
        var bucket = RateBucket(perMinute: perMinute, now: at)
        bucket.level = min(bucket.perMinute, bucket.perMinute - (self.perMinute - level))
        return bucket
    }

    private mutating func refill(_ now: NIODeadline) {
        guard now > at else { return }
        level = min(perMinute, level + Double((now - at).nanoseconds) / 60e9 * perMinute)
        at = now
    }
}
