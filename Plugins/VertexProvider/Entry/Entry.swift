public import PluginABI
internal import PluginKit
internal import VertexProviderLogic

/// The library's one symbol: answers the host's handshake.
@c @implementation
public func kimi_plugin_entry_v1(
    _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
) -> kimi_status {
    PluginExport.provider(
        VertexProvider.self, manifest: VertexProvider.manifest, handshake: handshake, error: error)
}
