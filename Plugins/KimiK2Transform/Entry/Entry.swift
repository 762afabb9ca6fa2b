import KimiK2TransformLogic
public import PluginABI
import PluginKit

/// The one exported symbol of the plugin.
@c @implementation
public func kimi_plugin_entry_v1(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
) -> kimi_status {
    PluginExport.transform(
        KimiK2Transform.self, manifest: KimiK2Transform.manifest, handshake: handshake, error: error)
}
