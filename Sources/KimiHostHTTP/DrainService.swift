import KimiHostCore
import Logging
import ServiceLifecycle

/// Lets the replies under way come to their end, before the server is stopped.
struct DrainService: Service {
    /// For ended replies to get out.
    static let endMs = 3_000
    private static let pollMs = 20

    let state: ServerState
    let gate: ExchangeGate
    let drain: Duration
    let notice: Duration
    let logger: Logger

    /// All that the end of the host may take: what this service waits, and a moment to close connections.
    static func longest(_ timeouts: HostConfig.Timeouts) -> Duration {
        timeouts.drainNotice + timeouts.drain + .milliseconds(endMs) + .seconds(10)
    }

    @concurrent func run() async throws {
        try? await gracefulShutdown()
        state.move(to: .noticing)
        try await Task.sleep(for: notice)
        gate.drain()
        state.move(to: .draining)
        if try await isEmpty(within: drain) { return }
        logger.notice(
            "\(gate.snapshot.active) replies are ended: they took longer than timeouts.drain",
            metadata: [LogKeys.event: "drain_over"])
        state.move(to: .over)
        _ = try await isEmpty(within: .milliseconds(Self.endMs))
    }

    /// Waits until nothing is under way.
    private func isEmpty(within limit: Duration) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while gate.snapshot.active > 0 {
            guard ContinuousClock.now < end else { return false }
            try await Task.sleep(for: .milliseconds(Self.pollMs))
        }
        return true
    }
}
