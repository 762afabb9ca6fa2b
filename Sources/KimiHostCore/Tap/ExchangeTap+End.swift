package import CanonicalModel
import LogModel
import NIOCore

/// What is known only when something is over.
extension ExchangeTap {
    package func attemptFailed(_ error: ExchangeError) {
        edit { attempt in attempt.failure = .init(error) }
    }

    /// The attempt's answer is whole, and another one is asked for.
    package func attemptRejected(for reason: String) {
        edit { attempt in attempt.rejected = reason }
    }

    func measure() {
        let now = NIODeadline.now()
        record.duration = Self.milliseconds(now - began)
        guard let lastSent, let lastArrival, lastArrival >= lastSent else { return }
        record.overhead = max(0, ((lastSent - began).nanoseconds + (now - lastArrival).nanoseconds) / 1_000)
    }

    func price() {
        log.policy.prices.price(&record.usage, provider: record.provider, model: record.upstreamModel)
    }

    /// Bodies that lost bytes to a bound: all of those that were to be kept.
    func countCuts() {
        guard keepsBodies else { return }
        var cuts = (record.request.isCut ? 1 : 0) + (record.reply.isCut ? 1 : 0)
        for attempt in record.attempts {
            cuts += (attempt.request.isCut ? 1 : 0) + (attempt.reply.isCut ? 1 : 0)
        }
        log.memory.cut(cuts)
    }

    func forgetBodies() {
        record.request.forget()
        record.reply.forget()
        for place in record.attempts.indices {
            record.attempts[place].request.forget()
            record.attempts[place].reply.forget()
            record.attempts[place].changes = []
        }
    }
}
