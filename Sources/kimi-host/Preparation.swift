import ArgumentParser
import KimiHostCore
import KimiHostHTTP
import PluginHost

/// The steps that `serve` and `check` share: environment, plugins, configuration.
struct Preparation {
    let environment: Environment
    let plugins: PluginSet
    /// Lines that say what is wrong; empty when all is well.
    private(set) var mistakes: [String] = []
    /// Libraries that crash when they are loaded: mistakes for who checks, for who serves something to live with.
    private(set) var broken: [String] = []
    /// Lines worth knowing.
    private(set) var notes: [String] = []
    private(set) var config: HostConfig?
    /// The files as they were before any of them was read.
    private(set) var stamps: FileStamps
    private let source: ConfigSource

    /// Reads and checks everything, and collects all mistakes.
    ///
    /// - Parameters:
    ///   - store: what a process that serves has loaded before; nil: libraries are mapped where they lie, and what is found
    ///     out about them is not kept.
    ///   - former: what serves until now. A plugin may be quarantined only if it was before.
    ///   - boundHost: the address that the process listens on already.
    init(
        _ options: HostOptions, store: PluginStore? = nil, former: HostRuntime? = nil, boundHost: String? = nil
    ) {
        let stamps = Self.filesToRead(options).stamps()
        let settings = StateSettings(config: options.config)
        let safety = settings.safety(options.plugins, mayWrite: store != nil)
        let report = Preparation.load(options.plugins, safety, store: store)
        self.init(options, plugins: PluginSet(report.plugins, broken: report.broken), boundHost, stamps)
        if report.errors.isEmpty { mistakes.insert(contentsOf: gone(from: store), at: 0) }
        if let former { mistakes.insert(contentsOf: quarantined(since: former), at: 0) }
        broken = report.broken.map(\.description)
        mistakes.insert(contentsOf: report.errors.map(\.description), at: 0)
        notes.insert(contentsOf: report.notices, at: 0)
    }

    private init(_ options: HostOptions, plugins: PluginSet, _ boundHost: String?, _ stamps: FileStamps) {
        self.stamps = stamps
        let (environment, dotEnv) = Environment.process().loadingDotEnv()
        self.environment = environment
        self.plugins = plugins
        source = ConfigSource.locate(option: options.config, environment: environment)
        let outcome = ConfigLoader(environment: environment, catalog: plugins).load(source)
        for diagnostic in dotEnv + outcome.diagnostics {
            if diagnostic.severity == .error {
                mistakes.append(diagnostic.description)
            } else {
                notes.append(diagnostic.description)
            }
        }
        config = outcome.config
        if let host = options.host { config?.server.host = host }
        if let port = options.port { config?.server.port = port }
        config?.boundHost = boundHost
        if let tls = config?.server.tls { self.stamps.add([tls.certificate, tls.key]) }
        if let exposure = config?.exposure { mistakes.append(exposure.description) }
        if let mistake = config.flatMap({ RequestLogging.mistake($0.log) }) { mistakes.append(mistake) }
        if let tls = config.flatMap(TLSFiles.mistake) { mistakes.append(tls.description) }
    }

    /// What is going to be read, as far as that is known before: certificates are named by the configuration.
    private static func filesToRead(_ options: HostOptions) -> WatchedFiles {
        let environment = Environment.process().loadingDotEnv().environment
        var files = [".env"]
        if case .file(let path, _) = ConfigSource.locate(option: options.config, environment: environment) {
            files.append(path)
        }
        guard !options.plugins.noPlugins else { return WatchedFiles(files: files, folder: nil) }
        let folder = options.plugins.pluginsDir
        let trust = FileTrust(insecurePaths: options.plugins.pluginsInsecurePath)
        let inFolder = PluginsFolder.watchedFiles(in: folder)
        let named = PluginsFolder(scanning: folder, trust: trust).candidates.map(\.file)
        return WatchedFiles(files: files + named.filter { !inFolder.contains($0) }, folder: folder)
    }

    /// Whose change is worth loading the configuration anew.
    func files(_ options: PluginFolderOptions) -> WatchedFiles {
        var files = [".env"]
        if case .file(let path, _) = source { files.append(path) }
        if let tls = config?.server.tls { files += [tls.certificate, tls.key] }
        let folder = options.noPlugins ? nil : options.pluginsDir
        let inFolder = folder.map { PluginsFolder.watchedFiles(in: $0) } ?? []
        files += plugins.plugins.map(\.file).filter { !inFolder.contains($0) }
        return WatchedFiles(files: files, folder: folder)
    }

    /// Plugins that are taken away while the configuration needs one.
    private func gone(from store: PluginStore?) -> [String] {
        guard mistakes.contains(where: { $0.contains("no plugin provides") }) else { return [] }
        let gone = (store?.active ?? []).filter { old in !plugins.plugins.contains { $0.manifest.id == old.id } }
        return gone.map { old in
            "\(old.file): the plugin \(old.id) is gone or switched off, and the configuration uses what it provides; cure: "
                + "put it back, or take its use out of the configuration first"
        }
    }

    /// New versions that would be quarantined at once: the old ones are better.
    private func quarantined(since former: HostRuntime) -> [String] {
        (plugins.plugins.compactMap(\.quarantine) + plugins.broken.compactMap(\.quarantine))
            .filter { !former.quarantined.contains($0.handle) }.map { "error: " + $0.message }
    }

    /// What came out of the plugins folder.
    struct Loaded {
        var plugins: [LoadedPlugin]
        var errors: [PluginLoadError]
        var broken: [PluginLoadError] = []
        var notices: [String]
    }

    static func load(_ options: PluginFolderOptions, _ safety: PluginSafety, store: PluginStore? = nil) -> Loaded {
        guard let selection = options.selection else {
            return Loaded(plugins: [], errors: [], notices: ["no plugins are loaded (--no-plugins)"])
        }
        var notices = safety.install().map { [$0] } ?? []
        let loader = PluginLoader(
            host: HostTable.pointer, services: BridgeHandshakeServices(), insecurePaths: options.pluginsInsecurePath,
            store: store, safety: safety, notice: { notices.append($0) })
        let report = loader.loadAll(folder: options.pluginsDir, selection: selection)
        notices += report.plugins.compactMap(\.quarantine).map { "warning: " + $0.message }
        return Loaded(plugins: report.plugins, errors: report.errors, broken: report.broken, notices: notices)
    }
}
