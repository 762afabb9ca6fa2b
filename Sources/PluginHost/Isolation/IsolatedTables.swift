import CanonicalModel
import PluginABI

/// Tables of a plugin whose code is elsewhere: they stand where a loaded library's stand and are not called. Made once
/// per loaded plugin, never freed, as a library's.
enum IsolatedTables {
    static func provider() -> UnsafePointer<kimi_provider> {
        let table = UnsafeMutablePointer<kimi_provider>.allocate(capacity: 1)
        table.initialize(
            to: kimi_provider(
                struct_size: UInt32(MemoryLayout<kimi_provider>.size), flags: 0, create: create, destroy: { _ in },
                begin: { _, _, _, _ in KIMI_E_STATE.rawValue }, next: { _, _, _ in KIMI_E_STATE.rawValue },
                result: { _, _, _ in KIMI_E_STATE.rawValue },
                feed: { _, _, _, _, _ in KIMI_E_STATE.rawValue }, flush: { _, _, _, _ in KIMI_E_STATE.rawValue },
                end: { _, _ in }))
        return UnsafePointer(table)
    }

    static func auth() -> UnsafePointer<kimi_auth> {
        let table = UnsafeMutablePointer<kimi_auth>.allocate(capacity: 1)
        table.initialize(
            to: kimi_auth(
                struct_size: UInt32(MemoryLayout<kimi_auth>.size), flags: 0,
                begin: { _, _, _, _ in KIMI_E_STATE.rawValue },
                next: { _, _, _ in KIMI_E_STATE.rawValue }, result: { _, _, _ in KIMI_E_STATE.rawValue },
                end: { _, _ in }))
        return UnsafePointer(table)
    }

    static func transform(eventMask: UInt32) -> UnsafePointer<kimi_transform> {
        let table = UnsafeMutablePointer<kimi_transform>.allocate(capacity: 1)
        table.initialize(
            to: kimi_transform(
                struct_size: UInt32(MemoryLayout<kimi_transform>.size), event_mask: eventMask, create: create,
                destroy: { _ in }, begin: { _, _, _, _, _ in KIMI_E_STATE.rawValue },
                feed: { _, _, _, _, _ in KIMI_E_STATE.rawValue },
                flush: { _, _, _, _ in KIMI_E_STATE.rawValue }, end: { _, _ in }))
        return UnsafePointer(table)
    }

    private typealias Create =
        @convention(c) (
            UnsafePointer<kimi_host>?, OpaquePointer?, kimi_bytes, UnsafeMutablePointer<OpaquePointer?>?,
            OpaquePointer?
        ) -> kimi_status

    private static let create: Create = { _, _, _, _, _ in KIMI_E_STATE.rawValue }
}
