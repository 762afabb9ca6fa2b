import CanonicalModel
import Dashboard
import Dialects
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import KimiHostCore
package import LogModel
package import Logging
import NIOCore
package import PluginHost
package import ResponseStore
import ServiceLifecycle
import UnixSignals
package import Upstream
import WireJSON

/// The HTTP server: binds, serves until SIGTERM or SIGINT, and ends. SIGHUP loads the configuration anew.
package struct HostServer: Sendable {
    /// What it was started with. Not the whole setup: that of the start ends as others do, when it is replaced.
    private let config: HostConfig
    private let current: CurrentServing
    private let settings: UpstreamSettings
    private let logger: Logger
    private let store: ResponseStore
    private let plugins: PluginStore
    private let log: ExchangeLog?
    private let dashboard: DashboardSetup?
    private let metrics: HostMetrics
    private let export: TraceExport?
    private let tracer: Tracer?

    /// - Parameters:
    ///   - store: where replies of the Responses API are kept; it is closed when the server ends.
    ///   - plugins: where the setup's plugins came from, and those of later ones will.
    ///   - log: where exchanges are recorded, if they are; it is closed when the server ends.
    ///   - dashboard: nil: there is none.
    package init(
        setup: HostSetup, settings: UpstreamSettings, store: ResponseStore, plugins: PluginStore, log: ExchangeLog?,
        dashboard: DashboardSetup?, logger: Logger
    ) throws {
        self.log = log
        self.dashboard = dashboard
        self.store = store
        self.plugins = plugins
        config = setup.config
        metrics = HostMetrics(prices: config.log.policy.prices)
        export = try TraceExport(config.tracing, settings, logger)
        tracer = Self.tracer(config.tracing, export)
        current = CurrentServing(try Serving(setup))
        _ = plugins.take(setup.plugins)
        self.settings = settings
        self.logger = logger
    }

    /// Serves until a signal. Throws when the address cannot be bound. `onRunning` gets the port and, if there is one, the
    /// path of a link that opens the dashboard once; `reload` loads the configuration anew, to follow the runtime that
    /// it is given; on any thread, blocking for it.
    package func run(
        reload: @escaping @Sendable (HostRuntime) -> LoadedSetup,
        onRunning: @escaping @Sendable (Int, String?) -> Void
    ) async throws {
        let loops = try LoopContexts(
            count: LoopContexts.recommendedCount(cores: System.coreCount), settings: settings, current: current,
            logger: logger, metrics: metrics, log: log, tracer: tracer)
        defer { loops.stop() }
        let host = HTTPHost(
            responses: ResponseArchive(store: store), gate: ExchangeGate(current.serving.gateLimits),
            state: ServerState())
        let configuration = services(
            application(host, loops, onRunning),
            ReloadService(
                current: current, gate: host.gate, loops: loops, plugins: plugins, metrics: metrics, load: reload,
                logger: logger), host)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await ServiceGroup(configuration: configuration).run())
        } catch {
            outcome = .failure(error)
        }
        await store.close()
        await log?.sink.close()
        await export?.close()
        try outcome.get()
    }

    private func application(
        _ host: HTTPHost, _ loops: LoopContexts, _ onRunning: @escaping @Sendable (Int, String?) -> Void
    ) -> some ApplicationProtocol {
        let server = config.server
        let page = dashboard.map { setup in
            Dashboard(
                host: ServedDashboard(setup, current, host.state, log, plugins, metrics),
                settings: setup.settings)
        }
        return Application(
            router: Self.router(current, host, metrics, loops, plugins, log, tracer, page),
            server: HTTPServerBuilder { HostChannel(responder: $0, host: host, loops: loops) },
            configuration: ApplicationConfiguration(
                address: .hostname(server.host, port: server.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(config.limits.maxConnections)),
            onServerRunning: { channel in
                host.state.move(to: .serving)
                onRunning(channel.localAddress?.port ?? server.port, page?.makeLink())
            },
            eventLoopGroupProvider: .shared(loops.group), logger: Self.quiet(logger))
    }

    /// The last one is the first to be told of the end: the server listens until replies under way are out.
    private func services(
        _ application: some ApplicationProtocol, _ reloading: ReloadService, _ host: HTTPHost
    ) -> ServiceGroupConfiguration {
        let timeouts = config.timeouts
        let draining = DrainService(
            state: host.state, gate: host.gate, drain: timeouts.drain, notice: timeouts.drainNotice, logger: logger)
        var configuration = ServiceGroupConfiguration(
            services: [application, reloading, draining], gracefulShutdownSignals: [.sigterm, .sigint],
            logger: Self.quiet(logger))
        configuration.maximumGracefulShutdownDuration = DrainService.longest(timeouts)
        return configuration
    }

    /// Nil: neither are traces recorded nor those of clients carried on.
    private static func tracer(_ settings: HostConfig.Tracing, _ export: TraceExport?) -> Tracer? {
        guard settings.propagate || export != nil else { return nil }
        return Tracer(spans: export?.queue, ratio: settings.ratio, propagates: settings.propagate)
    }

    /// The framework's own notes on starting and stopping are not the operator's business.
    private static func quiet(_ logger: Logger) -> Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .warning)
        return logger
    }
}
