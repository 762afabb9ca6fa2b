/// Measured values counted by size, as Prometheus' histograms are. A value; sums are exact.
package struct Histogram: Sendable, Equatable {
    /// Upper bounds of the buckets.
    package final class Bounds: Sendable {
        /// Ascending, in the unit in which values are added.
        let limits: [Int]
        /// The same as the page writes them.
        let words: [String]
        /// Added units in one of the page's: 1,000,000 where microseconds are shown as seconds.
        let scale: Int

        /// Bounds in seconds; values are added in microseconds.
        init(seconds: [Double]) {
            limits = seconds.map { Int(($0 * 1_000_000).rounded()) }
            words = seconds.map { "\($0)" }
            scale = 1_000_000
        }

        init(counts: [Int]) {
            limits = counts
            words = counts.map { "\($0)" }
            scale = 1
        }
    }

    /// By bucket, not cumulative; the last one has no bound. Empty: nothing was added yet.
    private(set) var counts: [Int] = []
    private(set) var sum = 0

    package init() {}

    /// Takes a value; those below 0 count as 0.
    package mutating func add(_ value: Int, _ bounds: Bounds) {
        let value = max(0, value)
        if counts.isEmpty { counts = [Int](repeating: 0, count: bounds.limits.count + 1) }
        counts[bounds.limits.firstIndex { value <= $0 } ?? bounds.limits.count] += 1
        sum &+= value
    }

    /// Takes values that were counted elsewhere, by the same bounds.
    mutating func add(counts more: ChunkGaps, _ bounds: Bounds) {
        guard more.total > 0 else { return }
        if counts.isEmpty { counts = [Int](repeating: 0, count: bounds.limits.count + 1) }
        for place in counts.indices { counts[place] += Int(more.counts[place]) }
        sum &+= more.microseconds
    }

    var isEmpty: Bool { counts.isEmpty }
}

extension Histogram.Bounds {
    // The OpenTelemetry conventions for generative AI recommend them for each instrument: see GenAIMetrics.
    static let duration = Histogram.Bounds(seconds: [
        0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
    ])
    static let firstToken = Histogram.Bounds(seconds: [
        0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ])
    static let perToken = Histogram.Bounds(seconds: [
        0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5,
    ])
    static let tokens = Histogram.Bounds(counts: [
        1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
    ])

    // The host's own: it works in microseconds.
    static let overhead = Histogram.Bounds(seconds: [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    ])
}

/// The pauses between the pieces of one streamed answer, counted while it comes by a few integer operations.
///
/// Its buckets are those of `Histogram.Bounds.duration`: 10 ms, and twice as much from one to the next.
package struct ChunkGaps: Sendable, Equatable {
    private static let firstLimit: UInt64 = 10_000
    private static let lastBucket = 14

    package private(set) var counts = SIMD16<UInt32>()
    package private(set) var microseconds = 0

    package init() {}

    package mutating func add(microseconds gap: Int) {
        // ceil(log2(gap / 10 ms)), for the bounds are inclusive.
        let tens = (UInt64(clamping: gap) &+ Self.firstLimit &- 1) / Self.firstLimit
        let bucket = tens <= 1 ? 0 : min(Self.lastBucket, 64 - (tens - 1).leadingZeroBitCount)
        counts[bucket] &+= 1
        microseconds &+= max(0, gap)
    }

    package var total: Int { (0...Self.lastBucket).reduce(0) { $0 + Int(counts[$1]) } }
}
