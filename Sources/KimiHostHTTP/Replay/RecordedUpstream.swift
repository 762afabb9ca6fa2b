import KimiHostCore
import LogModel
import NIOCore
import PluginHost
import Upstream

/// Answers an exchange's attempts with what was recorded, piece by piece as it came. Event loop only.
final class RecordedUpstream: UpstreamEngine {
    /// As often does an exchange look at its clock.
    private static let minGapMs: Int64 = 250

    private let recorded: RecordedExchange
    private let eventLoop: any EventLoop
    private var next = 0
    /// Everything that was recorded has been delivered.
    private(set) var isExhausted = false

    init(_ recorded: RecordedExchange, on eventLoop: any EventLoop) {
        self.recorded = recorded
        self.eventLoop = eventLoop
        isExhausted = recorded.attempts.isEmpty
    }

    func start(_ request: UpstreamRequest, receiver: any UpstreamReceiver) -> Transfer {
        let transfer = Transfer(recorded: request, receiver: receiver)
        guard let exchange = receiver as? Exchange else {
            fail(transfer, "side requests are not recorded, so they cannot be replayed")
            return transfer
        }
        guard next < recorded.attempts.count else {
            fail(transfer, "there were \(recorded.attempts.count) attempts, and none is recorded for a further one")
            return transfer
        }
        let attempt = recorded.attempts[next]
        next += 1
        let isLast = next == recorded.attempts.count
        run(deliveries(attempt, isLast: isLast)[...], transfer, exchange, isLast: isLast, before: nil)
        return transfer
    }

    /// One after the other, each in a turn of its own.
    private func run(
        _ rest: ArraySlice<(Int64, UpstreamDelivery)>, _ transfer: Transfer, _ exchange: Exchange, isLast: Bool,
        before: Int64?
    ) {
        guard let (milliseconds, delivery) = rest.first else {
            if isLast { isExhausted = true }
            return
        }
        eventLoop.assumeIsolated().execute { [self] in
            HostSources.set(unixMs: UInt64(max(0, recorded.began + milliseconds)))
            // What the exchange did of itself meanwhile: giving up what was held for too long.
            let gap = milliseconds - (before ?? milliseconds)
            if gap >= Self.minGapMs { exchange.checkClock(.now() + .milliseconds(gap)) }
            transfer.deliver(delivery)
            run(rest.dropFirst(), transfer, exchange, isLast: isLast, before: milliseconds)
        }
    }

    private func deliveries(
        _ attempt: RecordedExchange.Attempt, isLast: Bool
    ) -> [(Int64, UpstreamDelivery)] {
        var all: [(Int64, UpstreamDelivery)] = []
        if attempt.status > 0 {
            let head = UpstreamHead(status: attempt.status, block: Self.block(attempt.headers, isLast: isLast))
            all.append((attempt.arrivals.first?.milliseconds ?? 0, UpstreamDelivery(head: head, body: [], end: nil)))
        }
        var start = 0
        for arrival in attempt.arrivals where start < attempt.reply.count {
            // Masking may have made the body shorter: the last piece takes what there is.
            let end = min(attempt.reply.count, start + arrival.count)
            let piece = Array(attempt.reply[start..<end])
            all.append((arrival.milliseconds, UpstreamDelivery(head: nil, body: piece, end: nil)))
            start = end
        }
        if start < attempt.reply.count {
            all.append((0, UpstreamDelivery(head: nil, body: Array(attempt.reply[start...]), end: nil)))
        }
        let last = max(all.last?.0 ?? 0, attempt.end ?? 0)
        if let broke = attempt.broke {
            all.append((last, Self.failure(broke)))
        } else if recorded.outcome != .cancelled || !isLast {
            all.append((last, UpstreamDelivery(head: nil, body: [], end: .complete)))
        }
        return all
    }

    /// Nobody waits in a replay: what asks for a pause before another attempt is left out.
    private static func block(_ headers: [AttemptRecord.Header], isLast: Bool) -> [UInt8] {
        let told = headers.filter { isLast || !$0.name.lowercased().hasPrefix("retry-after") }
        return Array(told.map { "\($0.name): \($0.value)\r\n" }.joined().utf8)
    }

    private func fail(_ transfer: Transfer, _ message: String) {
        eventLoop.assumeIsolated().execute { transfer.deliver(Self.failure(message)) }
    }

    private static func failure(_ message: String) -> UpstreamDelivery {
        UpstreamDelivery(head: nil, body: [], end: .failed(UpstreamError(kind: .other, code: 0, message: message)))
    }
}
