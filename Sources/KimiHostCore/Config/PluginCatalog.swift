package import JSONSchema

/// What the configuration needs to know about the loaded plugins: their names and what they want to be configured with.
package protocol PluginCatalog {
    /// The provider that `provider: NAME` means, or nil.
    func provider(named name: String) -> PluginDescription?
    /// The transform that `transforms: [NAME]` means, or nil.
    func transform(named name: String) -> PluginDescription?
    /// For messages, in load order.
    var providerNames: [String] { get }
    var transformNames: [String] { get }
}

/// One thing a plugin provides, as far as configuring it goes.
package struct PluginDescription: Sendable {
    /// The plugin's id, for example `dev.kimi-host.openai`.
    package var id: String
    /// The word used in the model configuration, for example `openai`.
    package var name: String
    /// The library it was loaded from.
    package var file: String
    /// What its configuration must look like; nil accepts any object.
    package var schema: JSONSchema?
    /// The schema as the manifest wrote it.
    package var schemaNode: ConfigNode?
    /// The `config` of its sidecar in plugins.d, which each use's own configuration is laid over.
    package var baseConfig: ConfigNode?

    package init(
        id: String, name: String, file: String, schema: JSONSchema? = nil, schemaNode: ConfigNode? = nil,
        baseConfig: ConfigNode? = nil
    ) {
        self.id = id
        self.name = name
        self.file = file
        self.schema = schema
        self.schemaNode = schemaNode
        self.baseConfig = baseConfig
    }
}
