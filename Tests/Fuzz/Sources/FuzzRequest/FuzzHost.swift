import KimiK2TransformLogic
import PluginABI
import PluginKit
import WireJSON

/// A host that knows `begin` only: it takes the change to the request, has a memory, and listens to notes.
final class FuzzHost {
    private var memory: [[UInt8]: [UInt8]] = [:]
    private var change: (how: UInt32, bytes: [UInt8])?

    private var me: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    private static func at(_ pointer: OpaquePointer?) -> FuzzHost? {
        pointer.map { Unmanaged<FuzzHost>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }

    func transform(config: String) -> KimiK2Transform? {
        let context = PluginContext(host: Self.table, ctx: me)
        return Array(config.utf8).withUnsafeBytes { try? KimiK2Transform(config: $0, context: context) }
    }

    /// The request that would go up; nil if the transform refuses it.
    func begin(_ transform: KimiK2Transform, _ json: [UInt8], _ model: String) -> [UInt8]? {
        change = nil
        let editor = RequestEditor(host: Self.table, out: me)
        let began = json.withUnsafeBytes { json in
            Array(model.utf8).withUnsafeBytes { model in
                var request = kimi_request()
                request.struct_size = UInt32(MemoryLayout<kimi_request>.size)
                request.flags = KIMI_REQUEST_STREAM.rawValue
                request.json = Self.bytes(json)
                request.model = Self.bytes(model)
                request.attempt = 1
                return withUnsafePointer(to: request) { try? transform.begin(RequestView($0), editor) }
            }
        }
        guard let began else { return nil }
        guard began.changed, let change else { return json }
        if change.how == KIMI_PUT_REPLACE.rawValue { return change.bytes }
        return json.withUnsafeBytes { target in
            change.bytes.withUnsafeBytes { try? JSONEdit.mergePatch($0, into: target) }
        }
    }

    private static func bytes(_ buffer: UnsafeRawBufferPointer) -> kimi_bytes {
        kimi_bytes(ptr: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), len: buffer.count)
    }

    private static func array(_ bytes: kimi_bytes) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: bytes.ptr, count: bytes.len))
    }

    // MARK: - Tables

    /// Lives as long as the process, as the header promises.
    nonisolated(unsafe) private static let table: UnsafePointer<kimi_host> = {
        let table = UnsafeMutablePointer<kimi_host>.allocate(capacity: 1)
        var host = kimi_host()
        host.struct_size = UInt32(MemoryLayout<kimi_host>.size)
        host.log_on = { _, _ in 1 }
        host.log = { _, _, _ in }
        host.unix_ms = { _ in 784_111_776_000 }
        host.mono_ns = { _ in 0 }
        host.random = { _, bytes, count in
            for index in 0..<count { bytes?[index] = 7 }
            return 0
        }
        host.fail = { _, _, _, _, _ in }
        host.put = { out, how, data in
            let earlier = FuzzHost.at(out)?.change?.bytes ?? []
            FuzzHost.at(out)?.change = (how, earlier + FuzzHost.array(data))
            return 0
        }
        host.extension = { _, id in FuzzHost.extension(id.map { String(cString: $0) } ?? "") }
        table.initialize(to: host)
        return UnsafePointer(table)
    }()

    private static func `extension`(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case KIMI_HOST_KV_ID: UnsafeRawPointer(memoryTable)
        case KIMI_HOST_NOTES_ID: UnsafeRawPointer(notesTable)
        default: nil
        }
    }

    nonisolated(unsafe) private static let memoryTable: UnsafeMutablePointer<kimi_host_kv> = {
        let table = UnsafeMutablePointer<kimi_host_kv>.allocate(capacity: 1)
        var memory = kimi_host_kv()
        memory.struct_size = UInt32(MemoryLayout<kimi_host_kv>.size)
        memory.put = { ctx, key, value, _ in
            FuzzHost.at(ctx)?.memory[FuzzHost.array(key)] = FuzzHost.array(value)
            return 0
        }
        memory.get = { ctx, key, bytes, capacity, length in
            guard let value = FuzzHost.at(ctx)?.memory[FuzzHost.array(key)] else {
                return kimi_status(KIMI_NONE.rawValue)
            }
            length?.pointee = value.count
            guard value.count <= capacity else { return kimi_status(KIMI_E_LIMIT.rawValue) }
            for index in value.indices { bytes?[index] = value[index] }
            return 0
        }
        memory.forget = { ctx, key in
            FuzzHost.at(ctx)?.memory[FuzzHost.array(key)] = nil
            return 0
        }
        table.initialize(to: memory)
        return table
    }()

    nonisolated(unsafe) private static let notesTable: UnsafeMutablePointer<kimi_host_notes> = {
        let table = UnsafeMutablePointer<kimi_host_notes>.allocate(capacity: 1)
        var notes = kimi_host_notes()
        notes.struct_size = UInt32(MemoryLayout<kimi_host_notes>.size)
        notes.request = { _, _, _, _ in 0 }
        notes.reply = { _, _, _, _ in 0 }
        table.initialize(to: notes)
        return table
    }()
}
