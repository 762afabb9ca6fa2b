import KimiK2TransformLogic
import PluginABI
import PluginKit
import WireJSON

/// A host with a memory and notes, for whole exchanges: `begin`, then events.
final class BeginHost {
    let memory = FakeMemory()
    private(set) var notes: [String: Int] = [:]
    private(set) var patch: [UInt8] = []
    private let host = UnsafeMutablePointer<kimi_host>.allocate(capacity: 1)
    private let notesTable = UnsafeMutablePointer<kimi_host_notes>.allocate(capacity: 1)

    init() {
        var table = kimi_host()
        table.struct_size = UInt32(MemoryLayout<kimi_host>.size)
        table.extension = { ctx, id in
            guard let id, let memory = FakeMemory.of(ctx) else { return nil }
            switch String(cString: id) {
            case KIMI_HOST_KV_ID: return memory.isOffered ? UnsafeRawPointer(memory.table) : nil
            case KIMI_HOST_NOTES_ID: return memory.notesTable
            default: return nil
            }
        }
        table.put = { out, _, data in
            BeginHost.of(out)?.patch += data.buffer
            return 0
        }
        host.initialize(to: table)
        var notes = kimi_host_notes()
        notes.struct_size = UInt32(MemoryLayout<kimi_host_notes>.size)
        notes.request = { out, kind, count, _ in
            BeginHost.of(out)?.notes[kind.text, default: 0] += Int(count)
            return 0
        }
        notesTable.initialize(to: notes)
        memory.notesTable = UnsafeRawPointer(notesTable)
    }

    deinit {
        host.deallocate()
        notesTable.deallocate()
    }

    private var pointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

    private static func of(_ pointer: OpaquePointer?) -> BeginHost? {
        pointer.map { Unmanaged<BeginHost>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }

    /// `begin`: the request as it goes up, and the exchange.
    func begin(
        _ request: String, config: String = "{}", model: String = "kimi-k2.5", conversation: String = ""
    ) throws -> (request: String, exchange: (any TransformExchange)?) {
        patch = []
        let (request, model, conversation) = (Array(request.utf8), Array(model.utf8), Array(conversation.utf8))
        let plugin = try Array(config.utf8).withUnsafeBytes {
            try KimiK2Transform(config: $0, context: PluginContext(host: host, ctx: memory.pointer))
        }
        var changed = false
        var exchange: (any TransformExchange)?
        try request.withUnsafeBytes { json in
            try model.withUnsafeBytes { model in
                try conversation.withUnsafeBytes { conversation in
                    var view = kimi_request()
                    view.json = kimi_bytes(json)
                    view.model = kimi_bytes(model)
                    view.conversation = kimi_bytes(conversation)
                    (changed, exchange) = try withUnsafePointer(to: view) {
                        try plugin.begin(RequestView($0), RequestEditor(host: host, out: pointer))
                    }
                }
            }
        }
        guard changed else { return (String(decoding: request, as: UTF8.self), exchange) }
        let whole = try patch.withUnsafeBytes { patch in
            try request.withUnsafeBytes { try JSONEdit.mergePatch(patch, into: $0) }
        }
        return (String(decoding: whole, as: UTF8.self), exchange)
    }
}
