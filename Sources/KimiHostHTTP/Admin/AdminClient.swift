import NIOCore
import NIOPosix
package import Upstream

/// Speaks to the admin API of a running host, for the command line.
package struct AdminClient: Sendable {
    /// Milliseconds for an answer, once connected.
    private static let answerMs: Int64 = 30_000
    /// Bytes of an answer.
    private static let maxBytes = 64 << 20

    private let base: String
    private let key: String?

    /// - Parameters:
    ///   - url: of the host, such as `http://127.0.0.1:8000`.
    ///   - key: of the admin; nil: none is sent.
    package init(url: String, key: String?) {
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
    }

    package struct Answer: Sendable {
        package var status = 0
        package var body: [UInt8] = []
    }

    /// Sends one request and gathers its answer. Throws when there is none.
    package func send(_ method: String, _ path: String, body: [UInt8]? = nil) async throws(UpstreamError) -> Answer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let reactor = try CurlReactor(eventLoop: loop, settings: UpstreamSettings(environment: [:]))
        var headers = [("accept", "application/json"), ("content-type", "application/json")]
        if let key { headers.append(("authorization", "Bearer \(key)")) }
        let request = UpstreamRequest(method: method, url: base + path, headers: headers, body: body)
        let promise = loop.makePromise(of: Answer.self)
        loop.execute {
            let gatherer = Gatherer(promise)
            let transfer = reactor.start(request, receiver: gatherer)
            gatherer.transfer = transfer
            loop.assumeIsolated().scheduleTask(in: .milliseconds(Self.answerMs)) { gatherer.giveUp() }
        }
        let outcome: Result<Answer, UpstreamError>
        do {
            outcome = .success(try await promise.futureResult.get())
        } catch {
            outcome = .failure(
                error as? UpstreamError ?? UpstreamError(kind: .other, code: 0, message: "\(error)"))
        }
        try? await group.next().submit {}.get()
        reactor.stop()
        try? await group.shutdownGracefully()
        return try outcome.get()
    }

    /// Event loop only.
    private final class Gatherer: UpstreamReceiver {
        private let promise: EventLoopPromise<Answer>
        private var answer = Answer()
        private var isOver = false
        var transfer: Transfer?

        init(_ promise: EventLoopPromise<Answer>) { self.promise = promise }

        func received(_ delivery: UpstreamDelivery) {
            guard !isOver else { return }
            if let head = delivery.head { answer.status = head.status }
            answer.body += delivery.body
            transfer?.consumed(delivery.body.count)
            if answer.body.count > maxBytes {
                return fail(UpstreamError(kind: .tooLarge, code: 0, message: "the answer is too large"))
            }
            guard let end = delivery.end else { return }
            switch end {
            case .complete:
                isOver = true
                promise.succeed(answer)
            case .failed(let error): fail(error)
            }
        }

        func giveUp() {
            fail(UpstreamError(kind: .timeout, code: 0, message: "no answer within \(answerMs) ms"))
        }

        private func fail(_ error: UpstreamError) {
            guard !isOver else { return }
            isOver = true
            transfer?.cancel()
            promise.fail(error)
        }
    }
}
