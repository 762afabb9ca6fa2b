public import PluginABI

/// What a plugin's entry calls: it fills the plugin's half of the handshake.
///
/// One library offers at most one provider and one transform; several configured instances of each are fine.
public enum PluginExport {
    /// The entry of a library with a provider. `manifest`: a JSON literal, see docs/plugins/manifest.md. A provider that
    /// is an ``AuthPlugin`` is offered as `kimi.auth/1` too; the manifest has to list it.
    public static func provider<Plugin: ProviderPlugin>(
        _ type: Plugin.Type, manifest: StaticString, handshake: UnsafeMutablePointer<kimi_handshake>?,
        error: OpaquePointer?
    ) -> kimi_status {
        register(provider: type)
        return answer(manifest, handshake, error)
    }

    /// The entry of a library with a transform.
    public static func transform<Plugin: TransformPlugin>(
        _ type: Plugin.Type, manifest: StaticString, handshake: UnsafeMutablePointer<kimi_handshake>?,
        error: OpaquePointer?
    ) -> kimi_status {
        register(transform: type)
        return answer(manifest, handshake, error)
    }

    /// The entry of a library with both.
    public static func plugin<Provider: ProviderPlugin, Transform: TransformPlugin>(
        provider: Provider.Type, transform: Transform.Type, manifest: StaticString,
        handshake: UnsafeMutablePointer<kimi_handshake>?, error: OpaquePointer?
    ) -> kimi_status {
        register(provider: provider)
        register(transform: transform)
        return answer(manifest, handshake, error)
    }

    // A second call of the entry must change nothing that other threads read (S01), hence "if nil".
    private static func register<Plugin: ProviderPlugin>(provider type: Plugin.Type) {
        guard ProviderTable.factory == nil else { return }
        ProviderTable.factory = providerFactory(type)
        AuthTable.isOffered = type is any AuthPlugin.Type
    }

    private static func register<Plugin: TransformPlugin>(transform type: Plugin.Type) {
        guard TransformTable.factory == nil else { return }
        TransformTable.table.pointee.event_mask = type.eventMask
        TransformTable.factory = transformFactory(type)
    }

    private static func answer(
        _ manifest: StaticString, _ handshake: UnsafeMutablePointer<kimi_handshake>?, _ error: OpaquePointer?
    ) -> kimi_status {
        guard let handshake, let host = handshake.pointee.host else { return badArgument }
        guard host.pointee.struct_size >= MemoryLayout<kimi_host>.size,
            handshake.pointee.struct_size >= MemoryLayout<kimi_handshake>.size
        else {
            // fail may lie beyond such a table, so there is no sentence.
            return kimi_status(KIMI_E_VERSION.rawValue)
        }
        handshake.pointee.plugin_minor = UInt32(KIMI_ABI_MINOR)
        handshake.pointee.needs_minor = 0
        handshake.pointee.manifest = kimi_bytes(literal: manifest)
        handshake.pointee.get_interface = { id in id.flatMap { PluginExport.interface(String(cString: $0)) } }
        handshake.pointee.quiesce = nil
        return kimi_status(KIMI_OK.rawValue)
    }

    private static func interface(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case KIMI_PROVIDER_ID: ProviderTable.factory == nil ? nil : UnsafeRawPointer(ProviderTable.table)
        case KIMI_AUTH_ID: AuthTable.isOffered ? UnsafeRawPointer(AuthTable.table) : nil
        case KIMI_TRANSFORM_ID: TransformTable.factory == nil ? nil : UnsafeRawPointer(TransformTable.table)
        default: nil
        }
    }

    static func providerFactory<Plugin: ProviderPlugin>(_ type: Plugin.Type) -> ProviderTable.Factory {
        { config, context in
            do throws(PluginFailure) {
                return .success(try type.init(config: config, context: context))
            } catch {
                return .failure(error)
            }
        }
    }

    static func transformFactory<Plugin: TransformPlugin>(_ type: Plugin.Type) -> TransformTable.Factory {
        { config, context in
            do throws(PluginFailure) {
                return .success(try type.init(config: config, context: context))
            } catch {
                return .failure(error)
            }
        }
    }
}
