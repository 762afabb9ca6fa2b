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
    /// Lines worth knowing.
    private(set) var notes: [String] = []
    private(set) var config: HostConfig?
    /// Whose change is worth loading the configuration anew.
    var files: [String] { files(source) }
    private let source: ConfigSource

    /// Reads and checks everything, and collects all mistakes.
    init(_ options: HostOptions) {
        let report = Preparation.load(options.plugins)
        self.init(options, plugins: PluginSet(report.plugins))
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
        if let mistake = config.flatMap({ RequestLogging.mistake($0.log) }) { mistakes.append(mistake) }
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
        var notices: [String]
    }

    static func load(_ options: PluginFolderOptions) -> Loaded {
        guard let selection = options.selection else {
            return Loaded(plugins: [], errors: [], notices: ["no plugins are loaded (--no-plugins)"])
        }
        var notices: [String] = []
        let loader = PluginLoader(
            host: HostTable.pointer, services: BridgeHandshakeServices(), insecurePaths: options.pluginsInsecurePath,
            notice: { notices.append($0) })
        let report = loader.loadAll(folder: options.pluginsDir, selection: selection)
        return Loaded(plugins: report.plugins, errors: report.errors, notices: notices)
    }
}
