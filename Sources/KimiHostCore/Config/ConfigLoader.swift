import JSONSchema

/// Reads, checks and resolves the model configuration. It never stops at the first mistake.
package struct ConfigLoader {
    /// What became of the configuration. `config` is nil exactly if there is an error among the diagnostics.
    package struct Outcome: Sendable {
        package var config: HostConfig?
        /// Sorted by place.
        package var diagnostics: [Diagnostic]
    }

    let environment: Environment
    let catalog: any PluginCatalog

    /// - Parameters:
    ///   - environment: already with `.env` beneath it, see ``Environment/loadingDotEnv(directory:)``.
    ///   - catalog: the loaded plugins; asked only during `load`.
    package init(environment: Environment, catalog: any PluginCatalog) {
        self.environment = environment
        self.catalog = catalog
    }

    /// The settings beside `models`, as far as they can be read, without a word on mistakes: for what has to be known
    /// before plugins are loaded.
    package static func settings(_ source: ConfigSource, environment: Environment) -> HostConfig {
        var config = HostConfig()
        var log = DiagnosticLog(file: source.name)
        let root = source.read().text.flatMap { ModelConfigYAML.read($0, file: source.name).node?.object }
        SettingsReader(root: root ?? ConfigObject(), environment: environment).read(into: &config, log: &log)
        return config
    }

    package func load(_ source: ConfigSource) -> Outcome {
        let (text, diagnostics) = source.read()
        guard let text else { return Outcome(config: nil, diagnostics: diagnostics) }
        return load(yaml: text, file: source.name)
    }

    /// - Parameter file: what diagnostics call the text.
    package func load(yaml: String, file: String) -> Outcome {
        let (node, readDiagnostics) = ModelConfigYAML.read(yaml, file: file)
        var log = DiagnosticLog(file: file, diagnostics: readDiagnostics)
        guard let node else { return log.outcome(nil) }
        do {
            for violation in try ConfigSchema.compiled().validate(node) { log.add(violation) }
        } catch {
            log.error(at: nil, "", "the built-in schema is broken: \(error)")
        }
        var config = HostConfig()
        config.file = file
        if let root = node.object {
            SettingsReader(root: root, environment: environment).read(into: &config, log: &log)
            var routes = RouteBuilder(environment: environment, catalog: catalog, log: log)
            config.routes = routes.build(root["models"])
            var auth = AuthReader(environment: environment, log: routes.log)
            config.auth = auth.read(root["auth"], routes: config.routes)
            config.adminKey = auth.adminKey(root["auth"]?["admin_key"], config.auth)
            log = auth.log
            GroupChecks.check(config.routes, marks: routes.marks, log: &log)
        }
        return log.outcome(config)
    }
}

/// Collects the diagnostics of one file.
struct DiagnosticLog {
    let file: String
    private(set) var diagnostics: [Diagnostic]

    init(file: String, diagnostics: [Diagnostic] = []) {
        self.file = file
        self.diagnostics = diagnostics
    }

    mutating func add(_ violation: Violation) {
        error(at: violation.mark, violation.path, violation.message)
    }

    mutating func add(_ diagnostic: Diagnostic) {
        diagnostics.append(diagnostic)
    }

    mutating func error(at mark: Mark?, _ path: String, _ message: String) {
        add(Diagnostic(.error, file: file, mark: mark, path: path, message: message))
    }

    mutating func warning(at mark: Mark?, _ path: String, _ message: String) {
        add(Diagnostic(.warning, file: file, mark: mark, path: path, message: message))
    }

    mutating func info(at mark: Mark?, _ path: String, _ message: String) {
        add(Diagnostic(.info, file: file, mark: mark, path: path, message: message))
    }

    func outcome(_ config: HostConfig?) -> ConfigLoader.Outcome {
        .init(config: diagnostics.hasErrors ? nil : config, diagnostics: diagnostics.sortedByPlace())
    }
}
