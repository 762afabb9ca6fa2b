import CanonicalModel
import Dialects
import NIOCore
import PluginABI
import PluginHost
import Upstream

/// Ends, and what is told of them.
extension Exchange {
    /// Counts the exchange and writes its line, once.
    func report(_ outcome: HostMetrics.Outcome, _ error: ExchangeError? = nil) {
        guard !isReported else { return }
        isReported = true
        for repair in encoder?.repairs.entries ?? [] {
            book.add(kind: repair.kind.rawValue, detail: repair.detail, count: repair.count)
        }
        if !resumption.notes.isEmpty {
            for note in resumption.notes { book.add(kind: "resumed", detail: note) }
        }
        let charged = charge.total(
            attempt, book, outcome, hasContent: reply.hasContent, wentUp: planned != nil || !failures.isEmpty)
        if charged.isEstimate { book.add(kind: "tokens_estimated", detail: "\(charged.tokens) tokens are charged") }
        let now = NIODeadline.now()
        let row = ExchangeRow(
            requestID: source.requestID, model: route.upstreamModel, provider: route.providerName,
            milliseconds: clock.elapsedMs(now), outcome: outcome, error: error, notes: book.notes,
            tokens: encoder?.tokens ?? TokenCounts(), client: client?.clientName ?? "", failures: failures,
            enforcement: reportEnforcement(outcome))
        services.metrics.exchangeEnded(
            model: row.model, provider: row.provider, outcome, notes: row.notes, failures: tokenFailures + failures,
            isAttempting: isAttempting, repeats: planner.repeats + tokenFailures.count,
            measure: measured(outcome, error.map { AttemptFailure.word($0.category) }, row.tokens, now))
        trace?.ended(outcome, error, row, book.usage, isStream: encoder?.isStreaming ?? false)
        tap?.ended(outcome, error, row, book.usage, dropped: allDropped, isStream: encoder?.isStreaming ?? false)
        client?.exchangeUsed(tokens: charged.tokens)
        row.write(to: services.logger) { self.client?.masked(self.route.masked($0)) ?? self.route.masked($0) }
    }

    func acknowledge() {
        guard unacknowledged > 0, client?.isWritable ?? true else { return }
        if !isProviderDone, let isolated = attempt?.isolated, isolated.isCongested || !isolation.inbox.isEmpty {
            return
        }
        transfer?.consumed(unacknowledged)
        unacknowledged = 0
        clock.heard()
    }

    /// The client has its reply. A transfer whose last bytes are still to come gets a moment, so that its connection
    /// is kept.
    func settle() {
        leaveRoute()
        attempt?.end(KIMI_WHY_END)
        attempt = nil
        if transfer == nil {
            release(KIMI_WHY_END)
        } else {
            clock.settling()
        }
    }

    func release(_ why: kimi_why) {
        abandonProbes()
        leaveRoute()
        attempt?.end(why)
        attempt = nil
        transfer?.cancel()
        transfer = nil
        side = nil
        tokens.wait?.cancel()
        tokens.wait = nil
        ticker?.stop()
        ticker = nil
        services.watch.remove(self)
        source.forget()
    }
}
