import ArgumentParser
import KimiHostCore
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

    /// Reads and checks everything, and collects all mistakes.
    init(_ options: HostOptions) {
        let (environment, dotEnv) = Environment.process().loadingDotEnv()
        self.environment = environment
        let report = Preparation.load(options.plugins)
        plugins = PluginSet(report.plugins)
        mistakes = report.errors.map(\.description)
        notes = report.notices
        let outcome = ConfigLoader(environment: environment, catalog: plugins)
            .load(ConfigSource.locate(option: options.config, environment: environment))
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
