import CanonicalModel
import Dialects
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import KimiHostCore
package import Logging
import NIOCore
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
    private let metrics = HostMetrics()

    package init(runtime: HostRuntime, settings: UpstreamSettings, logger: Logger) {
        self.runtime = runtime
        self.settings = settings
        self.logger = logger
    }

    /// Serves until a signal. Throws when the address cannot be bound. `onRunning` gets the port.
    package func run(host: String, port: Int, onRunning: @escaping @Sendable (Int) -> Void) async throws {
        let loops = try LoopContexts(
            count: LoopContexts.recommendedCount(cores: System.coreCount), settings: settings,
            maxBodyBytes: runtime.limits.maxBodyBytes, logger: logger, metrics: metrics)
        let responses = ResponseArchive()
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
        try await ServiceGroup(configuration: configuration).run()
    }

    /// The framework's own notes on starting and stopping are not the operator's business.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
