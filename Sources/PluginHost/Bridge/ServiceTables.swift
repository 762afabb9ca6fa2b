import CanonicalModel
import PluginABI

/// The host's further tables, found by id through `kimi_host.extension`. One each per process, never freed.
enum ServiceTables {
    /// The table called `id`, nil if there is none.
    static func find(_ id: UnsafePointer<CChar>) -> UnsafeRawPointer? {
        switch String(cString: id) {
        case KIMI_HOST_KV_ID: UnsafeRawPointer(memory)
        case KIMI_HOST_NOTES_ID: UnsafeRawPointer(notes)
        default: nil
        }
    }

    // MARK: kimi.host.kv/1, by context

    /// Immutable after this first use, hence safe to share.
    private nonisolated(unsafe) static let memory: UnsafePointer<kimi_host_kv> = {
        let table = UnsafeMutablePointer<kimi_host_kv>.allocate(capacity: 1)
        table.initialize(
            to: kimi_host_kv(
                struct_size: UInt32(MemoryLayout<kimi_host_kv>.size), flags: 0, put: put, get: get, forget: forget))
        return UnsafePointer(table)
    }()

    private static let put: @convention(c) (OpaquePointer?, kimi_bytes, kimi_bytes, UInt64) -> kimi_status = {
        context, key, value, lifetime in
        guard let context else { return kimi_status(KIMI_E_ARG) }
        let expiry = lifetime == 0 ? nil : HostTable.monotonicMs.addingReportingOverflow(lifetime)
        let expiresAt = expiry.flatMap { $0.overflow ? nil : $0.partialValue }
        switch PluginContextRecord.at(context).memory.put(key.buffer, value.buffer, expiresAt: expiresAt) {
        case .done: return kimi_status(KIMI_OK)
        case .badKey: return kimi_status(KIMI_E_ARG)
        case .tooLarge: return kimi_status(KIMI_E_LIMIT)
        }
    }

    private static let get:
        @convention(c) (OpaquePointer?, kimi_bytes, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?)
            -> kimi_status = { context, key, target, capacity, length in
                guard let context, let length else { return kimi_status(KIMI_E_ARG) }
                length.pointee = 0
                guard
                    let value = PluginContextRecord.at(context).memory.get(key.buffer, now: HostTable.monotonicMs)
                else { return kimi_status(KIMI_NONE) }
                length.pointee = value.count
                guard value.count <= capacity else { return kimi_status(KIMI_E_LIMIT) }
                guard let target else { return kimi_status(value.isEmpty ? KIMI_OK : KIMI_E_ARG) }
                value.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(start: target, count: capacity).copyMemory(from: $0)
                }
                return kimi_status(KIMI_OK)
            }

    private static let forget: @convention(c) (OpaquePointer?, kimi_bytes) -> kimi_status = { context, key in
        guard let context, key.len > 0 else { return kimi_status(KIMI_E_ARG) }
        PluginContextRecord.at(context).memory.forget(key.buffer)
        return kimi_status(KIMI_OK)
    }

    // MARK: kimi.host.notes/1, by the call's object

    private nonisolated(unsafe) static let notes: UnsafePointer<kimi_host_notes> = {
        let table = UnsafeMutablePointer<kimi_host_notes>.allocate(capacity: 1)
        table.initialize(
            to: kimi_host_notes(
                struct_size: UInt32(MemoryLayout<kimi_host_notes>.size), flags: 0, request: noteRequest,
                reply: noteReply))
        return UnsafePointer(table)
    }()

    private static let noteRequest: @convention(c) (OpaquePointer?, kimi_bytes, UInt64, kimi_bytes) -> kimi_status = {
        out, kind, count, detail in
        guard let out else { return kimi_status(KIMI_E_ARG) }
        return RequestEditRecord.at(out).note(kind, count, detail)
    }

    private static let noteReply: @convention(c) (OpaquePointer?, kimi_bytes, UInt64, kimi_bytes) -> kimi_status = {
        sink, kind, count, detail in
        guard let sink else { return kimi_status(KIMI_E_ARG) }
        return SinkNode.at(sink).note(kind, count, detail)
    }
}
