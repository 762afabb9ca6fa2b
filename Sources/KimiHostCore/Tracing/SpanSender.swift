package import Logging
package import NIOCore
package import Upstream

/// Sends spans to a collector, one request at a time. Its own event loop only.
package final class SpanSender: UpstreamReceiver {
    private let settings: HostConfig.Tracing
    private let endpoint: String
    private let queue: SpanQueue
    private let engine: any UpstreamEngine
    private let loop: any EventLoop
    private let logger: Logger

    private var batch = 0
    private var body: [UInt8] = []
    private var tries = 0
    private var transfer: Transfer?
    private var timer: Scheduled<Void>?
    private var delay: Scheduled<Void>?
    private var answer = CollectorAnswer()
    /// The last request failed, and it was said.
    private var isFailing = false
    private var closing: EventLoopPromise<Void>?

    package init(
        _ settings: HostConfig.Tracing, endpoint: String, queue: SpanQueue, engine: any UpstreamEngine,
        loop: any EventLoop, logger: Logger
    ) {
        (self.settings, self.endpoint, self.queue) = (settings, endpoint, queue)
        (self.engine, self.loop, self.logger) = (engine, loop, logger)
    }

    private var isBusy: Bool { batch > 0 }

    // MARK: What there is to do

    /// There are spans. Urgent: enough for a request.
    package func wake(isUrgent: Bool) {
        guard !isBusy else { return }
        if isUrgent || closing != nil { return next() }
        guard delay == nil else { return }
        delay = schedule(TracingLimits.delayMs) { $0.next() }
    }

    private func next() {
        delay?.cancel()
        delay = nil
        guard !isBusy else { return }
        let spans = queue.take()
        guard !spans.isEmpty else {
            closing?.succeed()
            return closing = nil
        }
        batch = spans.count
        body = SpanJSON.body(spans, settings.resource)
        tries = 0
        send()
    }

    /// Sends what waits, for at most `milliseconds`; what is left is dropped. `done` succeeds then.
    package func close(within milliseconds: Int64, _ done: EventLoopPromise<Void>) {
        queue.close()
        closing = done
        schedule(milliseconds) { $0.giveUp() }
        if !isBusy { return next() }
        if transfer == nil { send() }  // It waits for another try.
    }

    private func giveUp() {
        guard let closing else { return }
        timer?.cancel()
        transfer?.cancel()
        transfer = nil
        queue.dropped(batch, .ending)
        batch = 0
        while true {
            let rest = queue.take().count
            if rest == 0 { break }
            queue.dropped(rest, .ending)
        }
        closing.succeed()
        self.closing = nil
    }

    // MARK: One request

    private func send() {
        timer?.cancel()
        tries += 1
        answer = CollectorAnswer()
        var headers = [(name: "content-type", value: "application/json")]
        headers += settings.headers.map { (name: $0.name, value: $0.value) }
        transfer = engine.start(
            UpstreamRequest(
                method: "POST", url: endpoint, headers: headers, body: body, connectTimeoutMs: settings.timeoutMs),
            receiver: self)
        timer = schedule(Int64(settings.timeoutMs)) { sender in
            sender.transfer?.cancel()
            // Sent again, they would be there twice.
            if sender.answer.isAccepted { return sender.accepted() }
            sender.failed("no answer within \(sender.settings.timeoutMs) ms", retries: true, after: nil)
        }
    }

    package func received(_ delivery: UpstreamDelivery) {
        transfer?.consumed(delivery.body.count)
        answer.take(delivery)
        guard delivery.end != nil || answer.isLong else { return }
        timer?.cancel()
        if delivery.end == nil { transfer?.cancel() }
        guard answer.status > 0 else {
            // An end inside the head is an end like any other for libcurl.
            if case .failed(let error) = delivery.end { return failed(error.message, retries: true, after: nil) }
            return failed("its answer has no head", retries: true, after: nil)
        }
        guard answer.isAccepted else {
            let hint = [404, 405].contains(answer.status) ? "; collectors take traces at /v1/traces" : ""
            return failed(
                "it answers \(answer.status)\(hint)", retries: CollectorAnswer.retryable.contains(answer.status),
                after: answer.retryAfterMs)
        }
        accepted()
    }

    private func accepted() {
        let rejected = min(batch, answer.rejected)
        queue.exported(batch - rejected)
        queue.dropped(rejected, .refused)
        if isFailing { tell(.notice, "spans are exported again") }
        isFailing = false
        finishBatch()
    }

    private func finishBatch() {
        (transfer, batch, body) = (nil, 0, [])
        let count = queue.count
        if closing != nil || count >= TracingLimits.batch { return next() }
        if count > 0 { wake(isUrgent: false) }
    }

    private func failed(_ reason: String, retries: Bool, after: Int64?) {
        transfer = nil
        queue.failed()
        if !isFailing { tell(.warning, "spans are not exported to \(UpstreamTarget.text(endpoint)): \(reason)") }
        isFailing = true
        guard retries, tries <= TracingLimits.maxRetries else {
            queue.dropped(batch, retries ? .unreachable : .refused)
            return finishBatch()
        }
        let pause = TracingLimits.pauseMs(before: tries, chance: Double.random(in: 0..<1))
        timer = schedule(max(pause, min(after ?? 0, TracingLimits.maxRetryAfterMs))) { $0.send() }
    }

    private func tell(_ level: Logger.Level, _ words: String) {
        logger.log(level: level, "\(words)", metadata: [LogKeys.event: "trace_export"])
    }

    @discardableResult
    private func schedule(_ milliseconds: Int64, _ body: @escaping (SpanSender) -> Void) -> Scheduled<Void> {
        loop.assumeIsolated().scheduleTask(in: .milliseconds(milliseconds)) { [self] in body(self) }
    }
}
