import CanonicalModel
package import JSONSchema
import PluginABI
package import PluginHost

/// What a rule's check works with, inside its child process.
package final class RuleContext: @unchecked Sendable {
    // Used by the one thread that runs the check.
    package let file: String
    package let insecurePaths: Bool
    package let givenConfig: ConfigNode?
    package let transcripts: [Transcript]
    package let seed: UInt64
    private let report: (Finding) -> Void
    /// Set once the loader is through.
    package private(set) var inspection: PluginInspection?
    private var plugin: PluginUnderTest?
    private var failures = 0
    /// More of one rule say nothing new.
    private static let maxFailures = 8

    package init(
        file: String, insecurePaths: Bool, config: ConfigNode?, transcripts: [Transcript], seed: UInt64,
        report: @escaping (Finding) -> Void
    ) {
        (self.file, self.insecurePaths, givenConfig) = (file, insecurePaths, config)
        (self.transcripts, self.seed, self.report) = (transcripts, seed, report)
    }

    // MARK: findings

    package func fail(_ message: String, cure: String? = nil) {
        failures += 1
        guard failures <= Self.maxFailures else { return }
        report(Finding(level: .fail, message: message, cure: cure))
    }

    func warn(_ message: String, cure: String? = nil) {
        report(Finding(level: .warn, message: message, cure: cure))
    }

    func skip(_ message: String) { report(Finding(level: .skip, message: message)) }
    func note(_ message: String) { report(Finding(level: .note, message: message)) }

    var hasFailed: Bool { failures > 0 }

    var isPython: Bool { PluginLoader.isPython(file) }

    // MARK: the plugin

    /// Was it built by Go? Its runtime takes threads, signal handlers and static TLS in every library; that is noted
    /// and forgiven.
    lazy var isGo = Files.read(file, maxBytes: 256 << 20).map(Self.hasGoMark) ?? false

    private static func hasGoMark(_ bytes: [UInt8]) -> Bool {
        let mark: [UInt8] = [0xFF] + Array(" Go buildinf:".utf8)
        return bytes.withUnsafeBytes { bytes in
            guard bytes.count >= mark.count else { return false }
            return (0...bytes.count - mark.count).contains { at in
                bytes[at] == 0xFF && bytes[at...].starts(with: mark)
            }
        }
    }

    /// Loads the plugin. Throws the loader's words.
    package func load() throws(PluginLoadError) -> PluginUnderTest {
        if let plugin { return plugin }
        let inspection = try PluginUnderTest.load(file, insecurePaths: insecurePaths)
        self.inspection = inspection
        let loaded = PluginUnderTest(inspection.plugin, config: config(inspection.plugin))
        plugin = loaded
        return loaded
    }

    /// The loaded plugin; the process was not started for a rule that needs one otherwise.
    func requirePlugin() -> PluginUnderTest? {
        do {
            return try load()
        } catch {
            fail("the plugin does not load: \(error.message)", cure: error.cure)
            return nil
        }
    }

    /// The configuration: given, a transcript's, or made up from the schema.
    private func config(_ plugin: LoadedPlugin) -> ConfigNode {
        givenConfig ?? transcripts.first?.config ?? SchemaSample.object(plugin.manifest.configSchemaNode)
    }

    /// An instance, or nil after the failure was reported.
    func instance(
        _ plugin: PluginUnderTest, config: ConfigNode? = nil, behaviour: HostBehaviour = HostBehaviour(),
        lending: LendingMode = .copies
    ) -> KitInstance? {
        do {
            return try KitInstance(plugin, config: config, behaviour: behaviour, lending: lending)
        } catch {
            fail(
                "create fails (\(error.status)): \(error.message)",
                cure: "give a configuration that it takes: --config '{…}', or transcripts")
            return nil
        }
    }

    // MARK: scripts

    /// The transcripts of the plugin's kind, or made-up exchanges where there are none.
    func scripts(_ plugin: PluginUnderTest) -> [Script] {
        let own = transcripts.filter { $0.kind == plugin.kind }.map { Script($0, framing: plugin.framing) }
        let madeUp = plugin.kind == .transform ? SyntheticInput.transformScripts() : []
        if plugin.kind == .provider, own.isEmpty {
            return SyntheticInput.providerScripts(plugin.framing)
        }
        return own + madeUp
    }

    /// As `scripts`, each with an instance; those that use the same configuration share it.
    func withInstances(
        _ plugin: PluginUnderTest, behaviour: HostBehaviour = HostBehaviour(), lending: LendingMode = .copies,
        _ body: (KitInstance, Script) -> Void
    ) {
        var instances: [(config: ConfigNode, instance: KitInstance)] = []
        for script in scripts(plugin) {
            let config = script.config ?? plugin.config
            if let known = instances.first(where: { $0.config == config }) {
                body(known.instance, script)
            } else if let made = instance(plugin, config: config, behaviour: behaviour, lending: lending) {
                instances.append((config, made))
                body(made, script)
            }
            if hasFailed { return }
        }
    }

    /// Reports the breaches of some topics.
    func failOn(_ breaches: [Breach], _ topics: Set<Breach.Topic>, _ script: String) {
        for breach in breaches where topics.contains(breach.topic) { fail("\(script): \(breach.message)") }
    }
}
