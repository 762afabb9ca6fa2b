import ArgumentParser
import KimiHostCore
import KimiHostHTTP
import Logging
import PluginHost
import RequestLog
import ResponseStore
import Upstream

/// Serves until SIGTERM or SIGINT; SIGHUP loads the configuration anew.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve the configured models.")

    @OptionGroup var options: HostOptions

    func validate() throws {
        if let port = options.port, !(0...65_535).contains(port) {
            throw ValidationError("--port must be from 0 to 65535")
        }
    }

    func run() async throws {
        let settings = StateSettings(config: options.config)
        let log = ProcessLog(settings.logFormat)
        if log.format == .json { PluginWatch.reportAsJSON() }
        let store = Self.pluginStore(options, settings, log)
        defer { store.copies?.remove() }
        let start = try start(store, log)
        do {
            let reload = Self.reloading(options, start.config.server.host, store, start.services, start.logger)
            try await start.server.run(reload: reload) { port, link in
                let scheme = start.config.server.tls == nil ? "http" : "https"
                let place = "\(scheme)://\(Self.authority(start.config.server.host, port))"
                log.say(.notice, "listening", "kimi-host \(HostVersion.text) on \(place), \(start.models) models")
                if let note = DashboardServing.note(start.config) { log.say(.notice, "dashboard_note", note) }
                if let link {
                    log.say(.notice, "dashboard_link", "dashboard, once and within ten minutes: \(place)\(link)")
                }
            }
        } catch {
            for line in Self.lines(error, start.config) { log.say(.error, "start_failed", line) }
            throw ExitCode.failure
        }
    }

    private struct Start {
        let config: HostConfig
        let services: PluginServices
        let logger: Logger
        let server: HostServer
        let models: Int
    }

    /// Everything up to the server. What was prepared ends here: as long as the process waits for requests, nothing may
    /// hold on to the plugins of the start but what serves with them.
    private func start(_ store: PluginStore, _ log: ProcessLog) throws -> Start {
        let prepared = Preparation(options, store: store)
        for note in prepared.notes { log.say(note.contains("warning:") ? .warning : .notice, "start_note", note) }
        for plugin in prepared.plugins.plugins where plugin.quarantine == nil {
            log.say(.notice, "plugin_loaded", "loaded " + plugin.description)
        }
        for line in prepared.broken { log.say(.error, "plugin_broken", "error: " + line) }
        guard prepared.mistakes.isEmpty, let config = prepared.config else {
            for mistake in prepared.mistakes { log.say(.error, "start_mistake", mistake) }
            throw ExitCode.failure
        }
        let logger = Self.logger(config.logging.level, log)
        PluginWatch.start(
            slowMs: config.plugins.slowCall.milliseconds, hangMs: config.plugins.hang?.milliseconds ?? 0, logger: logger
        )
        do {
            let services = PluginServices(memoryBytes: config.limits.pluginMemoryBytes)
            let (server, models) = try server(config, prepared, services, store, logger)
            return Start(config: config, services: services, logger: logger, server: server, models: models)
        } catch {
            for line in Self.lines(error, config) { log.say(.error, "start_failed", line) }
            throw ExitCode.failure
        }
    }

    /// The server, and how many models it serves. In a function of its own: nothing else may hold on to the setup of the
    /// start, whose instances end when a later one takes its place.
    private func server(
        _ config: HostConfig, _ prepared: Preparation, _ services: PluginServices, _ plugins: PluginStore,
        _ logger: Logger
    ) throws -> (HostServer, models: Int) {
        let setup = try Self.setup(config, prepared, options, services, logger)
        let server = try HostServer(
            setup: setup, settings: UpstreamSettings(environment: prepared.environment.values),
            store: try Self.store(config.responses, logger), plugins: plugins,
            log: try RequestLogging.log(config.log, logger),
            dashboard: DashboardServing.setup(config, prepared.environment, options), logger: logger)
        return (server, setup.runtime.modelNames(profile: nil).count)
    }

    private static func setup(
        _ config: HostConfig, _ prepared: Preparation, _ options: HostOptions, _ services: PluginServices,
        _ logger: Logger, former: HostRuntime? = nil
    ) throws(RuntimeError) -> HostSetup {
        let runtime = try HostRuntime(
            config: config, plugins: prepared.plugins, services: services, logger: logger, former: former)
        return HostSetup(
            config: config, runtime: runtime, files: prepared.files(options.plugins), plugins: prepared.plugins.plugins)
    }

    /// Where libraries are loaded from: copies that nobody can write to, for as long as the process lives.
    private static func pluginStore(
        _ options: HostOptions, _ settings: StateSettings, _ log: ProcessLog
    ) -> PluginStore {
        guard !options.plugins.noPlugins else { return PluginStore(copies: nil) }
        let copies = PluginCopies(
            places: PluginCopies.places(
                stateDir: settings.folder, Environment.process().values),
            insecurePaths: options.plugins.pluginsInsecurePath, notice: { log.say(.notice, "plugin_files", $0) })
        if copies == nil {
            log.say(
                .warning, "plugin_files",
                "plugins are mapped from where they lie: replace their files by renaming only, and restart to take them"
            )
        }
        return PluginStore(copies: copies)
    }

    /// Loads configuration and plugins anew, beside those that serve.
    private static func reloading(
        _ options: HostOptions, _ boundHost: String, _ store: PluginStore, _ services: PluginServices, _ logger: Logger
    ) -> @Sendable (HostRuntime) -> LoadedSetup {
        { former in
            let prepared = Preparation(options, store: store, former: former, boundHost: boundHost)
            guard prepared.mistakes.isEmpty, let config = prepared.config else { return .refused(prepared.mistakes) }
            do throws(RuntimeError) {
                return .loaded(
                    try setup(config, prepared, options, services, logger, former: former), notes: prepared.notes)
            } catch {
                return .refused(error.refusals.map(\.description))
            }
        }
    }

    private static func store(
        _ settings: HostConfig.Responses, _ logger: Logger
    ) throws(StoreError) -> ResponseStore {
        var limits = ResponseStore.Limits()
        limits.maxEntries = settings.maxEntries
        limits.maxBytes = settings.maxBytes
        limits.maxAge = .seconds(settings.maxAgeDays * 86_400)
        return try ResponseStore(path: settings.path, limits: limits) {
            logger.warning("\($0)", metadata: [LogKeys.event: "response_store"])
        }
    }

    private static func logger(_ level: LogLevel, _ log: ProcessLog) -> Logger {
        LoggingSystem.bootstrap { ProcessLogHandler(label: $0, log: log) }
        var logger = Logger(label: "kimi-host")
        logger.logLevel = Logger.Level(rawValue: level.rawValue) ?? .info
        return logger
    }

    private static func authority(_ host: String, _ port: Int) -> String {
        host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private static func lines(_ error: any Error, _ config: HostConfig) -> [String] {
        if let refused = error as? RuntimeError { return refused.refusals.map(\.description) }
        if let refused = error as? LogError { return ["error: log: \(refused)"] }
        if let refused = error as? StoreError { return ["error: responses.path: \(refused)"] }
        return [BindFailure.sentence(error, host: config.server.host, port: config.server.port) ?? "error: \(error)"]
    }
}

/// Finds every mistake without serving.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check configuration and plugins; prints every mistake with file and line.")

    @OptionGroup var options: HostOptions

    func run() throws {
        let prepared = Preparation(options)
        for note in prepared.notes { Console.error(note) }
        var mistakes = prepared.broken + prepared.mistakes
        if mistakes.isEmpty, let config = prepared.config { mistakes = Self.creationMistakes(config, prepared.plugins) }
        for mistake in mistakes { Console.print(mistake) }
        guard mistakes.isEmpty, let config = prepared.config else {
            Console.error("\(mistakes.count) mistake\(mistakes.count == 1 ? "" : "s")")
            throw ExitCode.failure
        }
        Console.print("ok: \(config.routes.count) routes, \(prepared.plugins.plugins.count) plugins")
    }

    /// The plugins' own opinion of their configuration.
    private static func creationMistakes(_ config: HostConfig, _ plugins: PluginSet) -> [String] {
        do {
            let services = PluginServices(memoryBytes: config.limits.pluginMemoryBytes)
            _ = try HostRuntime(
                config: config, plugins: plugins, services: services, logger: Logger(label: "check"))
            return []
        } catch {
            return error.refusals.map(\.description)
        }
    }
}
