package import JSONSchema
package import PluginABI

/// A plugin that passed every check and whose code may be called.
///
/// Sendable because everything it points to is immutable and mapped for the life of the process.
package struct LoadedPlugin: @unchecked Sendable {
    package var manifest: PluginManifest
    /// The library, as the operator knows it: the folder as given, and the name.
    package var file: String
    /// Of the file's content, 64 lower-case hexadecimal digits.
    package var sha256: String
    /// The header it was built with, the oldest host it works with, and what it gets: the lower of built and host.
    package var built: ABIVersion
    package var needed: ABIVersion
    package var granted: ABIVersion
    /// Tables with all required members, checked; nil where the manifest promises none.
    package var provider: UnsafePointer<kimi_provider>?
    package var auth: UnsafePointer<kimi_auth>?
    package var transform: UnsafePointer<kimi_transform>?
    /// Stops the plugin's own threads; after it only destroy and end may be called (S17).
    package var quiesce: (@convention(c) () -> Void)?
    /// What is mapped, and how much it is used. The same for all plugins with this content.
    package var library: PluginLibrary
    /// The sidecar's `config`, to be laid under each use's own: `baseConfig.merged(under: own)`.
    package var baseConfig: ConfigNode?
    /// Set when its code runs in child processes (`isolation: process`); then the tables are not to be called.
    package var isolated: IsolatedPlugin?
    /// Not nil: its code was not loaded and must not be asked for; there are no tables.
    package var quarantine: QuarantineReason?

    /// The schema of one use's configuration, after merging.
    package var configSchema: JSONSchema { manifest.configSchema }

    /// One line for the log: what it is, what it offers, which file.
    ///
    /// `OpenAI 1.0.0 (dev.kimi-host.openai) provider[openai] ABI 1.0 sha256 ab12cd34ef56… plugins.d/libOpenAIProvider.so`
    package var description: String {
        let offers = manifest.provides.map { provided in
            guard let interface = provided.interface else { return "unknown[\(provided.interfaceID)]" }
            return provided.name.isEmpty ? interface.word : "\(interface.word)[\(provided.name)]"
        }
        let isPlain = built == needed && built == granted
        let abi = isPlain ? "\(built)" : "built \(built) needs \(needed) granted \(granted)"
        return "\(manifest.name) \(manifest.version) (\(manifest.id)) \(offers.joined(separator: " ")) ABI \(abi) "
            + "sha256 \(sha256.prefix(12))… \(file)\(isolated == nil ? "" : " (process of its own)")"
    }
}
