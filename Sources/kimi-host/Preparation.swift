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
    /// Whose change is worth loading the configuration anew.
    var files: [String] { files(source) }
    private let source: ConfigSource

    /// Reads and checks everything, and collects all mistakes. `isServing`: what is found out about plugins is kept.
    init(_ options: HostOptions, isServing: Bool = false) {
        let settings = StateSettings(config: options.config)
        let report = Preparation.load(options.plugins, settings.safety(options.plugins, mayWrite: isServing))
        self.init(options, plugins: PluginSet(report.plugins, broken: report.broken))
        broken = report.broken.map(\.description)
        mistakes.insert(contentsOf: report.errors.map(\.description), at: 0)
        notes.insert(contentsOf: report.notices, at: 0)
    }

    /// The configuration anew, for plugins that are loaded.
    init(_ options: HostOptions, plugins: PluginSet) {
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
        if let exposure = config?.exposure { mistakes.append(exposure.description) }
        if let tls = config.flatMap(TLSFiles.mistake) { mistakes.append(tls.description) }
    }

    private func files(_ source: ConfigSource) -> [String] {
        var files = [".env"]
        if case .file(let path, _) = source { files.append(path) }
        if let tls = config?.server.tls { files += [tls.certificate, tls.key] }
        return files
    }

    /// What came out of the plugins folder.
    struct Loaded {
        var plugins: [LoadedPlugin]
        var errors: [PluginLoadError]
        var broken: [PluginLoadError] = []
        var notices: [String]
    }

    static func load(_ options: PluginFolderOptions, _ safety: PluginSafety) -> Loaded {
        guard let selection = options.selection else {
            return Loaded(plugins: [], errors: [], notices: ["no plugins are loaded (--no-plugins)"])
        }
        var notices = safety.install().map { [$0] } ?? []
        let loader = PluginLoader(
            host: HostTable.pointer, services: BridgeHandshakeServices(), insecurePaths: options.pluginsInsecurePath,
            safety: safety, notice: { notices.append($0) })
        let report = loader.loadAll(folder: options.pluginsDir, selection: selection)
        notices += report.plugins.compactMap(\.quarantine).map { "warning: " + $0.message }
        return Loaded(plugins: report.plugins, errors: report.errors, broken: report.broken, notices: notices)
    }
}
