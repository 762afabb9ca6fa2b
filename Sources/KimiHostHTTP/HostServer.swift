import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import HummingbirdCore
import KimiHostCore
package import Logging
import NIOCore
package import ResponseStore
import ServiceLifecycle
import UnixSignals
package import Upstream
import WireJSON

/// The HTTP server: binds, serves until SIGTERM or SIGINT, and ends. SIGHUP loads the configuration anew.
package struct HostServer: Sendable {
    private let setup: HostSetup
    private let settings: UpstreamSettings
    private let logger: Logger
    private let store: ResponseStore
    private let metrics = HostMetrics()

    /// `store`: where replies of the Responses API are kept; it is closed when the server ends.
    package init(setup: HostSetup, settings: UpstreamSettings, store: ResponseStore, logger: Logger) {
        self.store = store
        self.setup = setup
        self.settings = settings
        self.logger = logger
    }

    /// Serves until a signal. Throws when the address cannot be bound. `onRunning` gets the port; `reload` loads the
    /// configuration anew, on any thread, blocking for it.
    package func run(
        reload: @escaping @Sendable () -> LoadedSetup, onRunning: @escaping @Sendable (Int) -> Void
    ) async throws {
        let serving = try Serving(setup)
        let current = CurrentServing(serving)
        let loops = try LoopContexts(
            count: LoopContexts.recommendedCount(cores: System.coreCount), settings: settings, current: current,
            logger: logger, metrics: metrics)
        defer { loops.stop() }
        let host = HTTPHost(
            responses: ResponseArchive(store: store), gate: ExchangeGate(serving.gateLimits), state: ServerState())
        let configuration = services(
            application(current, host, loops, onRunning),
            ReloadService(
                current: current, gate: host.gate, load: reload, logger: logger), host)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await ServiceGroup(configuration: configuration).run())
        } catch {
            outcome = .failure(error)
        }
        await store.close()
        try outcome.get()
    }

    private func application(
        _ current: CurrentServing, _ host: HTTPHost, _ loops: LoopContexts,
        _ onRunning: @escaping @Sendable (Int) -> Void
    ) -> some ApplicationProtocol {
        let server = setup.config.server
        return Application(
            router: Self.router(current, host, metrics, loops),
            server: HTTPServerBuilder { HostChannel(responder: $0, host: host, loops: loops) },
            configuration: ApplicationConfiguration(
                address: .hostname(server.host, port: server.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(setup.config.limits.maxConnections)),
            onServerRunning: { channel in
                host.state.move(to: .serving)
                onRunning(channel.localAddress?.port ?? server.port)
            },
            eventLoopGroupProvider: .shared(loops.group), logger: Self.quiet(logger))
    }

    /// The last one is the first to be told of the end: the server listens until replies under way are out.
    private func services(
        _ application: some ApplicationProtocol, _ reloading: ReloadService, _ host: HTTPHost
    ) -> ServiceGroupConfiguration {
        let timeouts = setup.config.timeouts
        let draining = DrainService(
            state: host.state, gate: host.gate, drain: timeouts.drain, notice: timeouts.drainNotice, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [application, reloading, draining], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Self.quiet(logger))
        configuration.maximumGracefulShutdownDuration = DrainService.longest(timeouts)
        return configuration
    }

    /// The framework's own notes on starting and stopping are not the operator's business.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
