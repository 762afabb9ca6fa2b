package import PluginABI

/// For tests of a plugin's logic through its C tables, several plugin types in one process: `create` of a table
/// knows only the type of its library's entry, so instances are made here instead.
package enum PluginTesting {
    package static var providerTable: UnsafePointer<kimi_provider> { UnsafePointer(ProviderTable.table) }
    /// For instances of an ``AuthPlugin``.
    package static var authTable: UnsafePointer<kimi_auth> { UnsafePointer(AuthTable.table) }

    /// A transform's table with that mask; never freed.
    package static func transformTable(eventMask: UInt32) -> UnsafePointer<kimi_transform> {
        UnsafePointer(TransformTable.make(eventMask: eventMask))
    }

    /// What a provider's `create` does.
    package static func create<Plugin: ProviderPlugin>(
        _ type: Plugin.Type, host: UnsafePointer<kimi_host>, ctx: OpaquePointer?, config: kimi_bytes,
        instance: UnsafeMutablePointer<OpaquePointer?>, error: OpaquePointer?
    ) -> kimi_status {
        ProviderTable.create(PluginExport.providerFactory(type), host, ctx, config, instance, error)
    }

    /// What a transform's `create` does.
    package static func createTransform<Plugin: TransformPlugin>(
        _ type: Plugin.Type, host: UnsafePointer<kimi_host>, ctx: OpaquePointer?, config: kimi_bytes,
        instance: UnsafeMutablePointer<OpaquePointer?>, error: OpaquePointer?
    ) -> kimi_status {
        TransformTable.create(PluginExport.transformFactory(type), host, ctx, config, instance, error)
    }
}
