package import JSONSchema
package import PluginHost

/// The loaded plugins by the names that a configuration uses.
package struct PluginSet: PluginCatalog, Sendable {
    package let plugins: [LoadedPlugin]
    /// Libraries that crash when they are loaded: nobody knows what they provide.
    package let broken: [PluginLoadError]

    package init(_ plugins: [LoadedPlugin], broken: [PluginLoadError] = []) {
        self.plugins = plugins
        self.broken = broken
    }

    /// The plugins that are quarantined now: what `plugins unquarantine` takes for each; those with processes of their
    /// own, which come back by themselves, by id.
    package var quarantined: [String] {
        (plugins.compactMap(\.quarantine) + broken.compactMap(\.quarantine)).map(\.handle)
            + plugins.filter { $0.isolated?.isQuarantined ?? false }.map(\.manifest.id)
    }

    /// Why a name cannot be served; nil: it can.
    func quarantine(_ interface: PluginManifest.Interface, named name: String) -> QuarantineReason? {
        if let plugin = plugin(interface, named: name) { return plugin.quarantine }
        guard let suspect = broken.compactMap(\.quarantine).first else { return nil }
        return QuarantineReason(
            handle: suspect.handle,
            message: "no plugin that is loaded provides the \(interface.word) '\(name)'; perhaps this one does: "
                + suspect.message)
    }

    package var providerNames: [String] { names(.provider) }
    package var transformNames: [String] { names(.transform) }

    package func provider(named name: String) -> PluginDescription? { description(.provider, name) }
    package func transform(named name: String) -> PluginDescription? { description(.transform, name) }

    /// A provider's configuration as JSON that may be shown.
    package func shownConfig(ofProvider name: String, _ config: ConfigNode) -> [UInt8] {
        guard let plugin = plugin(.provider, named: name) else { return config.jsonBytes }
        return plugin.masked(config)
    }

    func plugin(_ interface: PluginManifest.Interface, named name: String) -> LoadedPlugin? {
        plugins.first { $0.manifest.provided(interface)?.name == name }
    }

    private func names(_ interface: PluginManifest.Interface) -> [String] {
        plugins.compactMap { $0.manifest.provided(interface)?.name }
    }

    private func description(_ interface: PluginManifest.Interface, _ name: String) -> PluginDescription? {
        guard let plugin = plugin(interface, named: name) else { return suspect(name) }
        return PluginDescription(
            id: plugin.manifest.id, name: name, file: plugin.file, schema: plugin.configSchema,
            schemaNode: plugin.manifest.configSchemaNode, baseConfig: plugin.baseConfig)
    }

    /// A library that crashes may be the one that provides the name; then it takes any configuration.
    private func suspect(_ name: String) -> PluginDescription? {
        broken.first.map { PluginDescription(id: $0.file, name: name, file: $0.file) }
    }
}
