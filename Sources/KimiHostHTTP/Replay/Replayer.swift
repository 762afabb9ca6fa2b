import CanonicalModel
import Dialects
import KimiHostCore
package import LogModel
package import Logging
import NIOCore
import NIOEmbedded
import NIOHTTP1
package import PluginHost
import ResponseStore
import Synchronization

/// What came of a replay.
package struct Replay: Sendable {
    package var status = 0
    /// What the client gets today.
    package var reply: [UInt8] = []
    /// What each provider worked with, attempt by attempt.
    package var requests: [PluginRequest] = []
    /// What went up, attempt by attempt, secrets hidden.
    package var upstreamRequests: [[UInt8]] = []
    /// Repairs of the last attempt.
    package var notes: [ExchangeRecord.Note] = []
    /// A provider asked for a token.
    package var usesToken = false
}

/// Why there was none.
package struct ReplayFailure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}

/// Puts recorded exchanges through today's configuration and plugins: the upstream's bytes as they came, no network, a
/// clock and chance that follow from the record. One at a time; it changes the process's clock for plugins.
package struct Replayer {
    /// Turns of the loop after which an exchange will not end any more, and the milliseconds of each.
    private static let maxTurns = 2_000
    private static let turnMs: Int64 = 100

    private let makeSetup: () throws -> HostSetup
    private let logger: Logger

    /// `makeSetup` is called for each exchange: plugins begin anew, so that no exchange changes the next.
    package init(logger: Logger, makeSetup: @escaping () throws -> HostSetup) {
        self.makeSetup = makeSetup
        self.logger = logger
    }

    package func replay(_ recorded: RecordedExchange) throws -> Replay {
        guard let endpoint = RequestTarget.Endpoint.allCases.first(where: { $0.native.name == recorded.dialect }) else {
            throw ReplayFailure(description: "its API '\(recorded.dialect)' is not known")
        }
        guard recorded.attempts.allSatisfy({ $0.status > 0 || $0.broke != nil }) else {
            throw ReplayFailure(
                description: "an attempt has no upstream's answer: its provider answered by itself, or it ended before")
        }
        HostSources.set(unixMs: UInt64(max(0, recorded.began)), seed: Self.seed(recorded.id))
        let loop = EmbeddedEventLoop()
        let upstream = RecordedUpstream(recorded, on: loop)
        let sink = LastRecord()
        let log = ExchangeLog(sink: sink, policy: LogPolicy())
        let services = LoopServices(
            eventLoop: loop, reactor: upstream, logger: logger, metrics: HostMetrics(), log: log, isOffline: true)
        let current = CurrentServing(try Serving(try makeSetup()))
        let client = ReplayClient(endpoint.dialect, requestID: recorded.id)
        let tap = ExchangeTap(log, id: recorded.id, dialect: recorded.dialect, profile: recorded.profile)
        var replay = Replay()
        tap.onSend = { replay.requests.append($0) }
        let target = RequestTarget(endpoint: endpoint, profile: recorded.profile)
        try withExtendedLifetime((loop, upstream)) {
            try run(recorded, target, client, tap, loop, LoopContext(services: services, current: current), upstream)
        }
        tap.onSend = nil
        tap.finish()
        (replay.status, replay.reply) = (recorded.outcome == .cancelled ? recorded.status : client.status, client.reply)
        replay.usesToken = services.tokensMadeUp > 0
        if let record = sink.record {
            replay.upstreamRequests = record.attempts.map { attempt in
                record.mask?.masked(attempt.request.bytes) ?? attempt.request.bytes
            }
            replay.notes = record.notes.filter { $0.kind != "dropped" }
        }
        return replay
    }

    private func run(
        _ recorded: RecordedExchange, _ target: RequestTarget, _ client: ReplayClient, _ tap: ExchangeTap,
        _ loop: EmbeddedEventLoop, _ context: LoopContext, _ upstream: RecordedUpstream
    ) throws {
        let store = try ResponseStore(path: nil)
        let host = HTTPHost(
            responses: ResponseArchive(store: store), gate: ExchangeGate(context.serving.gateLimits),
            state: ServerState())
        var request = ClientRequest(
            body: ByteBuffer(bytes: recorded.request), target: target, id: recorded.id, headers: HTTPHeaders(),
            key: .anybody, serving: context.serving, tap: tap)
        request.following = recorded.attempts.map { ($0.provider, $0.upstreamModel) }
        if target.endpoint == .responses {
            let lookups = request.body.bytes { ResponsesLookups($0, parser: context.parser) }
            guard lookups.isEmpty else {
                throw ReplayFailure(description: "it builds on an earlier response, which the record does not hold")
            }
        }
        let exchange: Exchange
        do throws(ExchangeError) {
            guard !recorded.request.isEmpty else {
                throw .badRequest("the body is empty: send a JSON object", code: "invalid_json")
            }
            exchange = try host.prepare(request, history: .none, loop: context, client: client)
        } catch {
            if error.code == HostRuntime.routeIsGone { throw ReplayFailure(description: error.message) }
            return client.exchangeFailed(error, refusal: nil)
        }
        exchange.start()
        for _ in 0..<Self.maxTurns where !client.isOver {
            loop.run()
            if upstream.isExhausted, recorded.outcome == .cancelled { return exchange.clientIsGone() }
            if !client.isOver { loop.advanceTime(by: .milliseconds(Self.turnMs)) }
        }
        guard client.isOver else {
            exchange.clientIsGone()
            throw ReplayFailure(description: "it does not end today: everything was delivered, and no reply came")
        }
    }

    /// FNV-1a.
    private static func seed(_ text: String) -> UInt64 {
        text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}

/// A sink that keeps the last record.
private final class LastRecord: LogSink {
    private let held = Mutex<ExchangeRecord?>(nil)

    var record: ExchangeRecord? { held.withLock { $0 } }
    func submit(_ record: consuming ExchangeRecord) {
        let record = record
        held.withLock { $0 = record }
    }

    var stats: LogStats { LogStats() }
    func close() async {}
}
