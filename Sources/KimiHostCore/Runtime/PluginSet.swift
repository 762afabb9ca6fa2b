package import JSONSchema
package import PluginHost

/// The loaded plugins by the names that a configuration uses.
package struct PluginSet: PluginCatalog, Sendable {
    package let plugins: [LoadedPlugin]

    package init(_ plugins: [LoadedPlugin]) {
        self.plugins = plugins
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
        plugin(interface, named: name).map { plugin in
            PluginDescription(
                id: plugin.manifest.id, name: name, file: plugin.file, schema: plugin.configSchema,
                schemaNode: plugin.manifest.configSchemaNode, baseConfig: plugin.baseConfig)
        }
    }
}
