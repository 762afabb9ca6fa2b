import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import KimiHostCore
package import Logging
import NIOCore
package import ResponseStore
import ServiceLifecycle
import UnixSignals
package import Upstream
import WireJSON

/// The HTTP server: binds, serves until SIGTERM or SIGINT, and ends.
package struct HostServer: Sendable {
    /// Seconds that replies under way may take after the signal.
    package static let drainSeconds = 10

    private let runtime: HostRuntime
    private let settings: UpstreamSettings
    private let logger: Logger
    private let store: ResponseStore
    private let metrics = HostMetrics()

    /// `store`: where replies of the Responses API are kept; it is closed when the server ends.
    package init(runtime: HostRuntime, settings: UpstreamSettings, store: ResponseStore, logger: Logger) {
        self.store = store
        self.runtime = runtime
        self.settings = settings
        self.logger = logger
    }

    /// Serves until a signal. Throws when the address cannot be bound. `onRunning` gets the port.
    package func run(host: String, port: Int, onRunning: @escaping @Sendable (Int) -> Void) async throws {
        let loops = try LoopContexts(
            count: LoopContexts.recommendedCount(cores: System.coreCount), settings: settings,
            maxBodyBytes: runtime.limits.maxBodyBytes, logger: logger, metrics: metrics)
        let responses = ResponseArchive(store: store)
        let httpHost = HTTPHost(runtime: runtime, responses: responses)
        let state = ServerState()
        let application = Application(
            router: Self.router(runtime, state, metrics, responses),
            server: HTTPServerBuilder { HostChannel(responder: $0, host: httpHost, loops: loops) },
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    runtime.limits.maxConnections)),
            onServerRunning: { channel in
                state.isReady = true
                onRunning(channel.localAddress?.port ?? port)
            },
            eventLoopGroupProvider: .shared(loops.group), logger: Self.quiet(logger))
        var configuration = ServiceGroupConfiguration(
            services: [application], gracefulShutdownSignals: [.sigterm, .sigint], logger: Self.quiet(logger))
        configuration.maximumGracefulShutdownDuration = Duration.seconds(Self.drainSeconds)
        defer { loops.stop() }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await ServiceGroup(configuration: configuration).run())
        } catch {
            outcome = .failure(error)
        }
        await store.close()
        try outcome.get()
    }

    /// The framework's own notes on starting and stopping are not the operator's business.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
