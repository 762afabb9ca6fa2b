import NIOCore

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// Makes the traces of requests. One for the whole host; any thread.
package final class Tracer: Sendable {
    /// Where finished spans go; nil: a client's trace is only carried on.
    let spans: SpanQueue?
    /// The share of traces that begin here and are recorded. Those of clients are recorded if the client's is.
    let ratio: Double
    /// Are upstreams told of traces?
    let propagates: Bool

    package init(spans: SpanQueue?, ratio: Double, propagates: Bool) {
        (self.spans, self.ratio, self.propagates) = (spans, ratio, propagates)
    }

    /// False: only what clients tell is carried on.
    package var isRecording: Bool { spans != nil }

    package var stats: SpanStats? { spans?.stats }

    /// The trace of a request that comes in; nil: nothing is to be done.
    ///
    /// - Parameters:
    ///   - parents, states: the values of the client's headers `traceparent` and `tracestate`.
    ///   - random: makes ids, and chance.
    package func begin(
        parents: [String], states: [String], _ random: inout some RandomNumberGenerator
    ) -> RequestTrace? {
        let client = parents.isEmpty ? nil : TraceContext(parents: parents, states: states)
        guard let spans, client?.isSampled ?? isChosen(&random) else {
            return propagates ? client.map { RequestTrace(carrying: $0) } : nil
        }
        var context = TraceContext(
            traceID: client?.traceID ?? TraceID(high: Self.id(&random), low: Self.id(&random)),
            spanID: Self.id(&random), isSampled: true, state: client?.state ?? "")
        context.isRandom = client?.isRandom ?? false
        return RequestTrace(
            context, parent: client?.spanID ?? 0, seed: random.next(), propagates: propagates, to: spans)
    }

    private func isChosen(_ random: inout some RandomNumberGenerator) -> Bool {
        ratio >= 1 || Double.random(in: 0..<1, using: &random) < ratio
    }

    /// Any number but zero.
    static func id(_ random: inout some RandomNumberGenerator) -> UInt64 { max(1, random.next() as UInt64) }
}

/// Turns the host's own clock into the time of day, which it reads once for each trace.
struct SpanClock {
    private let wall: UInt64
    private let began: NIODeadline

    init() {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        wall = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
        began = .now()
    }

    func time(_ moment: NIODeadline) -> UInt64 {
        let since = (moment - began).nanoseconds
        return since >= 0 ? wall &+ UInt64(since) : wall &- UInt64(-since)
    }
}
