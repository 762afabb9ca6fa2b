import Upstream
import WireJSON

/// What a collector says to a request.
struct CollectorAnswer {
    /// Those that the OTLP specification calls retryable; after others a request must not be made again.
    static let retryable: Set<Int> = [429, 502, 503, 504]
    /// Bytes of an answer that are looked at.
    private static let maxBytes = 64 << 10

    private(set) var status = 0
    /// From `retry-after` in seconds; dates are not read.
    private(set) var retryAfterMs: Int64?
    private var body: [UInt8] = []

    mutating func take(_ delivery: UpstreamDelivery) {
        if let head = delivery.head {
            status = head.status
            if let seconds = head.first("retry-after").flatMap({ Int64($0) }), (0...86_400).contains(seconds) {
                retryAfterMs = seconds * 1_000
            }
        }
        body += delivery.body.prefix(Self.maxBytes - body.count)
    }

    /// It has the spans, or says of which it does not.
    var isAccepted: Bool { (200..<300).contains(status) }
    /// Nobody wants more of it.
    var isLong: Bool { body.count >= Self.maxBytes }

    /// Spans that it did not take, of a request that it took. A number, or a string with one.
    var rejected: Int {
        body.withUnsafeBytes { bytes in
            guard let partial = Self.member("partialSuccess", of: bytes),
                let count = Self.member("rejectedSpans", of: partial)
            else { return 0 }
            return Int(String(decoding: count.filter { (0x30...0x39).contains($0) }, as: UTF8.self)) ?? 0
        }
    }

    private static func member(_ name: String, of object: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        guard let members = try? JSONSpans.members(of: object),
            let member = members.last(where: { $0.key == name })
        else { return nil }
        return UnsafeRawBufferPointer(rebasing: object[member.valueRange])
    }
}

/// Bounds of the exporter.
package enum TracingLimits {
    /// Spans in one request.
    package static let batch = 512
    /// Milliseconds for which spans are gathered.
    static let delayMs: Int64 = 1_000
    /// Further tries of one request.
    static let maxRetries = 5
    /// Pauses between them: the first, doubling up to the longest; each is somewhere in the upper half of it.
    static let firstPauseMs: Int64 = 500
    static let longestPauseMs: Int64 = 8_000
    /// A longer `retry-after` is not waited for.
    static let maxRetryAfterMs: Int64 = 30_000
    /// Milliseconds for what waits, when the host ends.
    package static let closeMs: Int64 = 3_000

    /// `chance`: from 0 to 1.
    static func pauseMs(before retry: Int, chance: Double) -> Int64 {
        let pause = min(longestPauseMs, firstPauseMs << Int64(max(0, min(retry, 10) - 1)))
        return pause / 2 + Int64(Double(pause / 2) * chance)
    }
}
