import PluginABI
import PluginKit

/// The host's tables for notes and for memory, as a `FakeHost` offers them.
final class FakeTables: @unchecked Sendable {
    // Unchecked: the pointers are filled once, before anybody sees them.
    static let shared = FakeTables()

    let notes = UnsafeMutablePointer<kimi_host_notes>.allocate(capacity: 1)
    let kv = UnsafeMutablePointer<kimi_host_kv>.allocate(capacity: 1)

    private init() {
        var notes = kimi_host_notes()
        notes.struct_size = UInt32(MemoryLayout<kimi_host_notes>.size)
        notes.request = { _, _, _, _ in kimi_status(KIMI_E_STATE.rawValue) }
        notes.reply = { sink, kind, count, _ in
            FakeHost.at(sink.map { UnsafeRawPointer($0) })?.note(kind.text, Int(count)) ?? -1
        }
        self.notes.initialize(to: notes)
        var kv = kimi_host_kv()
        kv.struct_size = UInt32(MemoryLayout<kimi_host_kv>.size)
        kv.put = { ctx, key, value, _ in
            FakeHost.at(ctx.map { UnsafeRawPointer($0) })?.put(Array(key.buffer), Array(value.buffer)) ?? -1
        }
        kv.get = { ctx, key, target, capacity, length in
            guard let host = FakeHost.at(ctx.map({ UnsafeRawPointer($0) })) else { return -1 }
            return host.get(Array(key.buffer), UnsafeMutableRawBufferPointer(start: target, count: capacity), length)
        }
        kv.forget = { ctx, key in FakeHost.at(ctx.map { UnsafeRawPointer($0) })?.forget(Array(key.buffer)) ?? -1 }
        self.kv.initialize(to: kv)
    }

    /// The table of this id; nil if there is none.
    func table(_ id: String) -> UnsafeRawPointer? {
        switch id {
        case KIMI_HOST_NOTES_ID: UnsafeRawPointer(notes)
        case KIMI_HOST_KV_ID: UnsafeRawPointer(kv)
        default: nil
        }
    }
}

extension FakeHost {
    static func at(_ pointer: UnsafeRawPointer?) -> FakeHost? {
        pointer.map { Unmanaged<FakeHost>.fromOpaque($0).takeUnretainedValue() }
    }

    fileprivate func note(_ kind: String, _ count: Int) -> kimi_status {
        notes[kind, default: 0] += count
        noteCalls += 1
        return 0
    }

    fileprivate func put(_ key: [UInt8], _ value: [UInt8]) -> kimi_status {
        memory[key] = value
        return 0
    }

    fileprivate func get(
        _ key: [UInt8], _ target: UnsafeMutableRawBufferPointer, _ length: UnsafeMutablePointer<Int>?
    ) -> kimi_status {
        guard let value = memory[key] else { return kimi_status(KIMI_NONE.rawValue) }
        length?.pointee = value.count
        guard value.count <= target.count else { return kimi_status(KIMI_E_LIMIT.rawValue) }
        target.copyBytes(from: value)
        return 0
    }

    fileprivate func forget(_ key: [UInt8]) -> kimi_status {
        memory[key] = nil
        return 0
    }
}
