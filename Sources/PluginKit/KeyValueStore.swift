package import PluginABI

/// The host's memory for this plugin (`kimi.host.kv/1`): bounded, in memory only, shared by the plugin's instances.
/// Every value may be gone at the next call. Usable on any thread.
public struct KeyValueStore: @unchecked Sendable {
    // Unchecked: both point at things of the host that its ABI declares callable from any thread.
    private let table: UnsafePointer<kimi_host_kv>
    private let ctx: OpaquePointer?

    package init(table: UnsafePointer<kimi_host_kv>, ctx: OpaquePointer?) {
        self.table = table
        self.ctx = ctx
    }

    /// Files a copy of `value` under `key` (1 to 256 bytes). False if the host would not take it.
    @discardableResult
    public func put(_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, milliseconds: UInt64 = 0) -> Bool {
        table.pointee.put?(ctx, kimi_bytes(key), kimi_bytes(value), milliseconds) == KIMI_OK.rawValue
    }

    /// A copy of the value under `key`; nil if there is none. `expecting`: bytes to make room for at first.
    public func get(_ key: UnsafeRawBufferPointer, expecting: Int = 4096) -> [UInt8]? {
        guard let get = table.pointee.get else { return nil }
        var capacity = max(expecting, 1)
        // Twice at most, and once more for a value that another thread replaces in between.
        for _ in 0..<3 {
            var length = 0
            var status = KIMI_NONE.rawValue
            let value = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                status = get(ctx, kimi_bytes(key), buffer.baseAddress, capacity, &length)
                count = status == KIMI_OK.rawValue ? min(length, capacity) : 0
            }
            if status == KIMI_OK.rawValue { return value }
            guard status == KIMI_E_LIMIT.rawValue else { return nil }
            capacity = length
        }
        return nil
    }

    /// Takes the value under `key` out.
    public func forget(_ key: UnsafeRawBufferPointer) {
        _ = table.pointee.forget?(ctx, kimi_bytes(key))
    }
}

extension PluginContext {
    /// The host's memory for this plugin; nil if this host has none.
    public var keyValues: KeyValueStore? {
        guard let table = `extension`(KIMI_HOST_KV_ID)?.assumingMemoryBound(to: kimi_host_kv.self),
            table.pointee.struct_size >= 32  // forget is the last member of revision 1, and ends there
        else { return nil }
        return KeyValueStore(table: table, ctx: ctx)
    }
}
