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
        // Nothing here may hold on to what the start has prepared: instances end when a later setup takes its place.
        let start = try prepare(store, log)
        do {
            try await start.server.run(reload: start.reload) { port, link in
                let place = "\(start.scheme)://\(Self.authority(start.host, port))"
                log.say(.notice, "listening", "kimi-host \(HostVersion.text) on \(place), \(start.models) models")
                if let note = start.note { log.say(.notice, "dashboard_note", note) }
                if let link {
                    log.say(
                        .notice, "dashboard_link", "dashboard, once and within ten minutes: \(place)\(link)",
                        isSecret: true)
                }
                StartMemory.release()
            }
        } catch {
            throw Self.told(error, host: start.host, port: start.port, log)
        }
    }

    /// What serving needs, without the setup that it begins with.
    private struct Start {
        let server: HostServer
        let reload: @Sendable (HostRuntime) -> LoadedSetup
        let models: Int
        let scheme: String
        let host: String
        let port: Int
        /// What is to be known of the dashboard.
        let note: String?
    }

    private func prepare(_ store: PluginStore, _ log: ProcessLog) throws -> Start {
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
        do {
            return try start(config, prepared, store, log)
        } catch {
            throw Self.told(error, host: config.server.host, port: config.server.port, log)
        }
    }

    private func start(
        _ config: HostConfig, _ prepared: Preparation, _ plugins: PluginStore, _ log: ProcessLog
    ) throws -> Start {
        let logger = Self.logger(config.logging.level, log)
        PluginWatch.start(
            slowMs: config.plugins.slowCall.milliseconds, hangMs: config.plugins.hang?.milliseconds ?? 0, logger: logger
        )
        let services = PluginServices(memoryBytes: config.limits.pluginMemoryBytes)
        let setup = try Self.setup(config, prepared, options, services, logger)
        let server = try HostServer(
            setup: setup, settings: UpstreamSettings(environment: prepared.environment.values),
            store: try Self.store(config.responses, logger), plugins: plugins,
            log: try RequestLogging.log(config.log, logger),
            dashboard: DashboardServing.setup(config, prepared.environment, options), logger: logger)
        return Start(
            server: server, reload: Self.reloading(options, config.server.host, plugins, services, logger),
            models: setup.runtime.modelNames(profile: nil).count,
            scheme: config.server.tls == nil ? "http" : "https", host: config.server.host, port: config.server.port,
            note: DashboardServing.note(config))
    }

    /// Says what went wrong.
    private static func told(_ error: any Error, host: String, port: Int, _ log: ProcessLog) -> ExitCode {
        for line in lines(error, host, port) { log.say(.error, "start_failed", line) }
        return .failure
    }

    private static func setup(
        _ config: HostConfig, _ prepared: Preparation, _ options: HostOptions, _ services: PluginServices,
        _ logger: Logger, former: HostRuntime? = nil
    ) throws(RuntimeError) -> HostSetup {
        let runtime = try HostRuntime(
            config: config, plugins: prepared.plugins, services: services, logger: logger, former: former)
        return HostSetup(
            config: config, runtime: runtime, files: prepared.files(options.plugins), stamps: prepared.stamps,
            plugins: prepared.plugins.plugins)
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
            if let mistake = ReloadTrial(plugins: prepared.plugins.plugins).mistake() { return .refused([mistake]) }
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

    private static func lines(_ error: any Error, _ host: String, _ port: Int) -> [String] {
        if let refused = error as? RuntimeError { return refused.refusals.map(\.description) }
        if let refused = error as? LogError { return ["error: log: \(refused)"] }
        if let refused = error as? StoreError { return ["error: responses.path: \(refused)"] }
        return [BindFailure.sentence(error, host: host, port: port) ?? "error: \(error)"]
    }
}

/// Finds every mistake without serving.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check configuration and plugins; prints every mistake with file and line.")

    @OptionGroup var options: HostOptions

    /// What a host starts when it is to load libraries anew: ends by itself, should that host be gone.
    @Flag(help: .hidden) var trial = false

    func run() throws {
        if trial { Console.endLater(seconds: 3 * ReloadTrial.seconds) }
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

    /// Is this what is printed last?
    static func isEnd(_ line: Substring) -> Bool {
        line.hasPrefix("ok: ") || line.hasSuffix(" mistake") || line.hasSuffix(" mistakes")
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
