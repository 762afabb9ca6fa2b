import Dialects
import LogModel
import NIOCore
import PluginHost

/// What is told of an exchange in numbers.
extension Exchange {
    /// Is an attempt under way? Not while one waits for its turn, and not when the host answers by itself.
    var isAttempting: Bool { attempt != nil && !isPausing }

    /// The attempt under way has ended. `error`: the category of what ended it; empty: its answer was whole.
    func measureAttempt(_ now: NIODeadline, error: String) {
        let content = clock.takeContent()
        guard measure.attempts.count < ExchangeTap.maxAttempts else { return }
        measure.attempts.append(
            ExchangeMeasure.Attempt(
                model: route.upstreamModel, provider: route.providerName,
                duration: ExchangePace.microseconds(now - attemptBegan), firstChunk: content.firstChunk,
                gaps: content.gaps, error: error))
    }

    /// All that was measured, at the end.
    func measured(_ outcome: HostMetrics.Outcome, _ error: String?, _ tokens: TokenCounts, _ now: NIODeadline)
        -> ExchangeMeasure
    {
        if outcome != .failed, isAttempting {
            measureAttempt(now, error: outcome == .cancelled ? outcome.rawValue : "")
        }
        var measure = measure
        measure.duration = ExchangePace.microseconds(now - arrived)
        measure.overhead = clock.overhead(now)
        measure.error = error ?? (outcome == .ok ? "" : outcome.rawValue)
        measure.usage = ExchangeRecord.Usage(tokens, book.usage)
        return measure
    }
}
