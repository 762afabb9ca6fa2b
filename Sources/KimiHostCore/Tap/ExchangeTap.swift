package import CanonicalModel
import Dialects
package import LogModel
package import NIOCore
package import PluginHost
package import Upstream

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// What the request log sees of one client request, from its arrival to the last byte of its reply. Event loop only.
///
/// It takes references to bytes where it can, holds at most what the policy allows, and hands over one record; whatever
/// costs time (masking, compression, the disk) is the sink's.
package final class ExchangeTap {
    /// Attempts that are recorded; further ones are not.
    static let maxAttempts = 64
    /// Arrivals that are told apart; later ones count to the last.
    static let maxArrivals = 8_192
    /// Changes of one attempt's request that are kept.
    static let maxChanges = 16

    /// Told of the request that a provider works with, as transforms left it. Replays want to know.
    package var onSend: ((PluginRequest) -> Void)?
    let log: ExchangeLog
    var record: ExchangeRecord
    var began = NIODeadline.now()
    private(set) var keepsBodies: Bool
    /// Bytes that this exchange may still take, and those that it has taken of the host's.
    private var room: Int
    private var held = 0
    private var clientSecrets: [String] = []
    private var routes: [Route] = []
    private var isAttempting = false
    var lastSent: NIODeadline?
    var lastArrival: NIODeadline?
    private var hasEnded = false
    private var isSubmitted = false

    package init(_ log: ExchangeLog, id: String, dialect: String, profile: String?) {
        self.log = log
        self.keepsBodies = log.policy.bodies != .none
        self.room = log.policy.maxExchangeBytes
        record = ExchangeRecord(id: id, began: Self.unixMilliseconds, dialect: dialect, model: "")
        record.profile = profile
    }

    deinit {
        finish()
    }

    // MARK: The client

    /// The keys that the client showed: they are hidden wherever they turn up.
    package func showed(keys: [String]) {
        for key in keys where !clientSecrets.contains(key) { clientSecrets.append(key) }
    }

    /// The request is complete.
    package func came(_ body: ByteBuffer?) {
        began = .now()
        record.began = Self.unixMilliseconds
        guard let body else { return }
        let limit = limit(of: record.request, for: body.readableBytes)
        record.request.append(body, count: body.readableBytes, limit: limit)
    }

    /// Which model, under which name of the client's key.
    package func asked(_ model: String, client: String) {
        record.model = model
        if !client.isEmpty { record.client = client }
        guard log.policy.modelsWithoutBodies.contains(where: { NamePattern($0).matches(model) }) else { return }
        keepsBodies = false
        record.request.forget()
    }

    /// The reply's head.
    package func replied(_ status: Int) { record.status = status }

    /// Bytes of the reply.
    package func replied(_ bytes: ByteBuffer) {
        if record.firstByte == nil { record.firstByte = milliseconds }
        let limit = limit(of: record.reply, for: bytes.readableBytes)
        record.reply.append(bytes, count: bytes.readableBytes, limit: limit)
    }

    /// The request was refused before there was an exchange.
    package func refused(_ error: ExchangeError) {
        guard !hasEnded else { return }
        hasEnded = true
        record.outcome = .failed
        record.failure = .init(error)
    }

    /// The reply is out, or nobody is there to take it. The record goes to the sink.
    package func finish() {
        guard !isSubmitted else { return }
        if !hasEnded { record.outcome = .cancelled }
        if record.outcome == .cancelled { record.status = 499 }
        closeAttempt()
        measure()
        price()
        countCuts()
        if log.policy.bodies == .errors, record.outcome == .ok { forgetBodies() }
        if !routes.isEmpty || !clientSecrets.isEmpty {
            record.mask = ExchangeMask(routes: routes, client: clientSecrets)
        }
        isSubmitted = true
        var done = ExchangeRecord(id: "", began: 0, dialect: "", model: "")
        // The exchange may hold on to this for a while, and the sink wants the record for itself.
        swap(&done, &record)
        log.sink.submit(consume done)
        log.memory.give(held)
    }

    // MARK: Attempts

    package func attemptBegan(_ number: Int, _ route: Route, _ book: NoteBook) {
        closeAttempt()
        record.provider = route.providerName
        record.upstreamModel = route.upstreamModel
        if !routes.contains(where: { $0 === route }) {
            routes.append(route)
            for library in route.libraries where !record.plugins.contains(library) { record.plugins.append(library) }
        }
        isAttempting = record.attempts.count < Self.maxAttempts
        guard isAttempting else { return }
        record.attempts.append(
            AttemptRecord(
                number: number, provider: route.providerName, upstreamModel: route.upstreamModel, began: milliseconds))
        if !route.transforms.isEmpty {
            book.onChange = { [weak self] in self?.changed($0, isWhole: $1, $2) }
        }
    }

    private func changed(_ plugin: String, isWhole: Bool, _ bytes: [UInt8]) {
        edit { attempt in
            guard attempt.changes.count < Self.maxChanges else { return }
            var body = RecordedBody()
            body.append(bytes, limit: limit(of: body, for: bytes.count))
            attempt.changes.append(.init(plugin: plugin, isWhole: isWhole, body: body))
        }
    }

    /// The upstream request, with all that makes it one; `body` goes up as it is.
    package func sent(_ planned: PlannedRequest, _ body: [UInt8]?, isNative: Bool, of request: PluginRequest?) {
        lastSent = .now()
        if let request { onSend?(request) }
        edit { attempt in
            attempt.method = planned.method
            attempt.url = planned.url
            attempt.isNative = isNative
            attempt.isStream = planned.isStream
            attempt.headers = planned.headers.enumerated().map { place, header in
                .init(
                    name: header.name,
                    value: planned.secretHeaders.contains(place) ? ExchangeRecord.hidden : header.value)
            }
            guard let body else { return }
            attempt.request.append(body, limit: limit(of: attempt.request, for: body.count))
        }
    }

    /// What came of the upstream.
    package func received(_ delivery: UpstreamDelivery) {
        let now = NIODeadline.now()
        lastArrival = now
        let since = Self.milliseconds(now - began)
        edit { attempt in
            if let head = delivery.head {
                attempt.status = head.status
                attempt.head = since
                attempt.answer = head.block
            }
            if !delivery.body.isEmpty {
                attempt.reply.append(delivery.body, limit: limit(of: attempt.reply, for: delivery.body.count))
                attempt.arrived(delivery.body.count, since, most: Self.maxArrivals)
            }
            guard let end = delivery.end else { return }
            attempt.end = since
            if case .failed(let error) = end { attempt.broke = error.message }
        }
    }

    /// Content of this attempt goes to the client.
    package func contentBegan() {
        if record.firstToken == nil { record.firstToken = milliseconds }
    }

    private func closeAttempt() {
        edit { attempt in attempt.end = attempt.end ?? milliseconds }
        isAttempting = false
    }

    func edit(_ body: (inout AttemptRecord) -> Void) {
        guard isAttempting, !isSubmitted else { return }
        body(&record.attempts[record.attempts.count - 1])
    }

    // MARK: The end

    /// The exchange's outcome; bytes of the reply may still follow.
    func ended(
        _ outcome: HostMetrics.Outcome, _ error: ExchangeError?, _ row: ExchangeRow, _ usage: UsageNote,
        dropped: [DroppedField], isStream: Bool
    ) {
        guard !hasEnded else { return }
        hasEnded = true
        record.outcome =
            switch outcome {
            case .ok: .ok
            case .failed: .failed
            case .cancelled: .cancelled
            }
        record.failure = error.map { .init($0) }
        record.isStream = isStream
        record.isNative = record.attempts.last?.isNative ?? false
        record.notes = row.notes.map { .init(plugin: $0.plugin, kind: $0.kind, count: $0.count, details: $0.details) }
        record.dropped = dropped.map { .init(path: $0.path, reason: $0.reason) }
        record.usage = .init(row.tokens, usage)
        record.finish = usage.finish.isEmpty ? nil : usage.finish
        if record.firstToken == nil, outcome == .ok { record.firstToken = milliseconds }
    }

    // MARK: Bounds

    /// How long `body` may become, when so many bytes are to be added.
    private func limit(of body: RecordedBody, for count: Int) -> Int {
        guard keepsBodies, !isSubmitted else { return 0 }
        let wanted = min(count, room, log.policy.maxBodyBytes - body.kept)
        // What follows a gap would be taken for what stood in it.
        guard wanted > 0, !body.isCut else { return body.kept }
        let given = log.memory.take(wanted, limit: log.policy.memoryBytes)
        room -= given
        held += given
        return body.kept + given
    }

    private var milliseconds: Int64 { Self.milliseconds(.now() - began) }

    static func milliseconds(_ time: TimeAmount) -> Int64 { time.nanoseconds / 1_000_000 }

    static var unixMilliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
