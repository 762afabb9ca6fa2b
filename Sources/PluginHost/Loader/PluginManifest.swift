package import JSONSchema

/// A plugin's manifest, read and found in order. Every key is described in docs/plugins/manifest.md.
///
/// Immutable after `init`; Sendable. Keys the host does not know stay in `node` and are otherwise ignored, so that a
/// manifest written for a later host still loads.
package struct PluginManifest: Sendable {
    /// Reverse-DNS, such as `dev.kimi-host.openai`; unique among the loaded plugins.
    package var id: String
    /// For people.
    package var name: String
    package var version: String
    package var license: String?
    /// The header it was built with, and the oldest host it can work with.
    package var built: ABIVersion
    package var needs: ABIVersion
    package var provides: [Provided]
    /// The schema of one use's configuration. A manifest without one takes no configuration at all.
    package var configSchema: JSONSchema
    /// `config_schema` as written: for documentation, `x-secret`, `x-env` and `x-host`.
    package var configSchemaNode: ConfigNode
    /// Host patterns that requests may go to, lower case: `api.example.com`, `*.example.com`.
    package var hosts: [String]
    /// What the plugin says a call takes at most, in microseconds.
    package var maxCallMicroseconds: Int?
    /// The whole manifest.
    package var node: ConfigNode

    /// A kind of table in ABI 1.0.
    package enum Interface: String, Sendable, CaseIterable {
        case provider = "kimi.provider/1"
        case auth = "kimi.auth/1"
        case transform = "kimi.transform/1"

        /// "provider", "auth", "transform".
        package var word: String {
            switch self {
            case .provider: "provider"
            case .auth: "auth"
            case .transform: "transform"
            }
        }
    }

    /// How the host cuts an upstream's body before it feeds it.
    package enum Frames: String, Sendable, CaseIterable { case raw, sse, ndjson, json }

    /// One entry of `provides`.
    package struct Provided: Sendable {
        /// The id as written; of a kind that this host may not know.
        package var interfaceID: String
        /// nil: unknown to this host, left alone.
        package var interface: Interface?
        /// The word used in the configuration, `provider: NAME` or `transforms: [NAME]`. Empty where none is needed.
        package var name: String
        package var frames: Frames
        /// Client dialects that a provider's upstream speaks itself, such as `openai.chat`.
        package var dialects: [String]
        package var features: [String]
        /// The whole entry.
        package var node: ConfigNode
    }

    /// The entry of `provides` for an interface; at most one exists.
    package func provided(_ interface: Interface) -> Provided? { provides.first { $0.interface == interface } }
}
