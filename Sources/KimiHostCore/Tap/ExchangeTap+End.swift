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
        guard record.usage.cost == nil, record.usage.output != nil else { return }
        let price = log.policy.prices.first { price in
            (price.provider ?? record.provider) == record.provider
                && NamePattern(price.model).matches(record.upstreamModel)
        }
        record.usage.cost = price?.cost(of: record.usage)
        record.usage.isPriced = record.usage.cost != nil
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
