import CanonicalModel
import PluginABI

/// The host's further tables, as the kit offers them: a memory that belongs to the run, and notes that are counted.
enum KitServices {
    static func find(_ id: String, _ behaviour: HostBehaviour) -> UnsafeRawPointer? {
        let isShort = behaviour.extensions == .short
        guard behaviour.extensions != .none else { return nil }
        switch id {
        case KIMI_HOST_KV_ID: return UnsafeRawPointer(isShort ? shortMemory : memory)
        case KIMI_HOST_NOTES_ID: return UnsafeRawPointer(isShort ? shortNotes : notes)
        default: return nil
        }
    }

    private static let headBytes: UInt32 = 8
    private static let maxValueBytes = 1 << 20

    private nonisolated(unsafe) static let memory = memoryTable(UInt32(MemoryLayout<kimi_host_kv>.size))
    private nonisolated(unsafe) static let shortMemory = memoryTable(headBytes)
    private nonisolated(unsafe) static let notes = notesTable(UInt32(MemoryLayout<kimi_host_notes>.size))
    private nonisolated(unsafe) static let shortNotes = notesTable(headBytes)

    private static func memoryTable(_ size: UInt32) -> UnsafePointer<kimi_host_kv> {
        let table = UnsafeMutablePointer<kimi_host_kv>.allocate(capacity: 1)
        let isShort = size == headBytes
        table.initialize(
            to: kimi_host_kv(
                struct_size: size, flags: 0, put: isShort ? beyondPut : put, get: isShort ? beyondGet : get,
                forget: isShort ? beyondForget : forget))
        return UnsafePointer(table)
    }

    private static func notesTable(_ size: UInt32) -> UnsafePointer<kimi_host_notes> {
        let table = UnsafeMutablePointer<kimi_host_notes>.allocate(capacity: 1)
        let note = size == headBytes ? beyondNote : self.note
        table.initialize(to: kimi_host_notes(struct_size: size, flags: 0, request: note, reply: note))
        return UnsafePointer(table)
    }

    private static func run(_ context: OpaquePointer?, _ function: String) -> KitRun? {
        guard let record = Handles.find(context, ContextRecord.self, function) else { return nil }
        return KitRun.current ?? record.run
    }

    private static let put: @convention(c) (OpaquePointer?, kimi_bytes, kimi_bytes, UInt64) -> kimi_status = {
        context, key, value, _ in
        guard let run = run(context, "kv.put") else { return kimi_status(KIMI_E_ARG) }
        if run.behaviour.memoryFails { return kimi_status(KIMI_E_LIMIT) }
        guard (1...256).contains(key.len) else {
            run.breach(.state, "kv.put with a key of \(key.len) bytes; 1 to 256 are allowed")
            return kimi_status(KIMI_E_ARG)
        }
        guard value.len <= maxValueBytes else { return kimi_status(KIMI_E_LIMIT) }
        let (name, bytes) = (Array(key.buffer), Array(value.buffer))
        run.with { $0.memory[name] = bytes }
        return kimi_status(KIMI_OK)
    }

    private static let get:
        @convention(c) (OpaquePointer?, kimi_bytes, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?)
            -> kimi_status = { context, key, target, capacity, length in
                guard let run = run(context, "kv.get"), let length else { return kimi_status(KIMI_E_ARG) }
                length.pointee = 0
                let name = Array(key.buffer)
                guard let value = run.with({ $0.memory[name] }), !run.behaviour.memoryFails else {
                    return kimi_status(KIMI_NONE)
                }
                length.pointee = value.count
                guard value.count <= capacity else { return kimi_status(KIMI_E_LIMIT) }
                guard let target else { return kimi_status(value.isEmpty ? KIMI_OK : KIMI_E_ARG) }
                for (index, byte) in value.enumerated() { target[index] = byte }
                return kimi_status(KIMI_OK)
            }

    private static let forget: @convention(c) (OpaquePointer?, kimi_bytes) -> kimi_status = { context, key in
        guard let run = run(context, "kv.forget") else { return kimi_status(KIMI_E_ARG) }
        let name = Array(key.buffer)
        run.with { $0.memory[name] = nil }
        return kimi_status(KIMI_OK)
    }

    private static let note: @convention(c) (OpaquePointer?, kimi_bytes, UInt64, kimi_bytes) -> kimi_status = {
        object, kind, _, detail in
        guard let record = Handles.findOfCall(object, HandleRecord.self, "notes") else {
            return kimi_status(KIMI_E_ARG)
        }
        let isWord = kind.buffer.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
        guard (1...64).contains(kind.len), isWord else {
            record.run.breach(.value, "a note's kind is '\(kind.text)'; it takes 1 to 64 of a-z, 0-9 and _")
            return kimi_status(KIMI_E_ARG)
        }
        if !EventValues.isUTF8(detail.buffer) { record.run.breach(.value, "a note's detail is not UTF-8") }
        record.run.with { $0.notes += 1 }
        return kimi_status(KIMI_OK)
    }

    // MARK: members behind the end of a short table

    private static func beyond(_ name: String) -> kimi_status {
        (KitRun.current ?? KitRun.stray)
            .breach(.state, "\(name) was used although the table's struct_size ends before it (use KIMI_HAS)")
        return kimi_status(KIMI_E_ARG)
    }

    private static let beyondPut: @convention(c) (OpaquePointer?, kimi_bytes, kimi_bytes, UInt64) -> kimi_status = {
        _, _, _, _ in beyond("kv.put")
    }
    private static let beyondGet:
        @convention(c) (OpaquePointer?, kimi_bytes, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?)
            -> kimi_status = { _, _, _, _, _ in beyond("kv.get") }
    private static let beyondForget: @convention(c) (OpaquePointer?, kimi_bytes) -> kimi_status = { _, _ in
        beyond("kv.forget")
    }
    private static let beyondNote: @convention(c) (OpaquePointer?, kimi_bytes, UInt64, kimi_bytes) -> kimi_status = {
        _, _, _, _ in beyond("notes")
    }
}
