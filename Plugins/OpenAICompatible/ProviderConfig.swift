internal import PluginABI
public import PluginKit
public import WireJSON

/// Reads an instance's config.
public enum ProviderConfig {
    /// The config as JSON, valid as long as the parser is not used again.
    public static func parse(
        _ config: UnsafeRawBufferPointer, with parser: JSONParser
    ) throws(PluginFailure) -> JSONValue {
        do {
            return try parser.parse(config)
        } catch {
            throw PluginFailure(KIMI_E_CONFIG, KIMI_CAT_CONFIG, "The provider_config is not JSON: \(error.message)")
        }
    }
}
