import PluginABI
import PluginKit

/// A host's function table that records what a plugin does; objects are passed unretained.
enum FakeHost {
    /// Tue, 14 Nov 2023 22:13:20 GMT
    static let now: UInt64 = 1_700_000_000_000

    /// The table; lives as long as the process, as the header promises.
    nonisolated(unsafe) static let table: UnsafePointer<kimi_host> = {
        let table = UnsafeMutablePointer<kimi_host>.allocate(capacity: 1)
        var host = kimi_host()
        host.struct_size = UInt32(MemoryLayout<kimi_host>.size)
        host.extension = { _, id in FakeHost.extension(id.map { String(cString: $0) }) }
        host.log_on = { _, _ in 1 }
        host.log = { ctx, level, text in FakeHost.object(ctx, Desk.self)?.lines.append("\(level) \(text.text)") }
        host.unix_ms = { _ in FakeHost.now }
        host.random = { ctx, dst, count in
            guard let desk = FakeHost.object(ctx, Desk.self), let dst else { return -1 }
            for index in 0..<count { dst[index] = 0 }
            desk.random += 1
            if count > 0 { dst[0] = UInt8(truncatingIfNeeded: desk.random) }
            return 0
        }
        host.fail = { error, status, category, retry, message in
            FakeHost.object(error, Failure.self)?.set(status, category, retry, message.text)
        }
        host.plan_field = { plan, field, key, value in
            FakeHost.object(plan, PlanRecord.self)?.fields.append((field, key.text, value.text))
            return 0
        }
        host.plan_step = { plan, kind, id, argument in
            FakeHost.object(plan, PlanRecord.self)?.steps.append((kind, id, argument))
            return 0
        }
        host.text = { sink, type, choice, index, text in
            var event = kimi_event()
            (event.type, event.choice, event.index, event.a) = (type, choice, index, text)
            return FakeHost.object(sink, EventRecord.self)?.take(event) ?? -1
        }
        host.emit = { sink, events, count in
            guard let record = FakeHost.object(sink, EventRecord.self), let events else { return -1 }
            for index in 0..<count {
                let status = record.take(events[index])
                if status != 0 { return status }
            }
            return 0
        }
        table.initialize(to: host)
        return UnsafePointer(table)
    }()

    private static func `extension`(_ id: String?) -> UnsafeRawPointer? {
        switch id {
        case KIMI_HOST_NOTES_ID: UnsafeRawPointer(notes)
        case KIMI_HOST_KV_ID: UnsafeRawPointer(keyValues)
        default: nil
        }
    }

    nonisolated(unsafe) private static let notes: UnsafePointer<kimi_host_notes> = {
        let table = UnsafeMutablePointer<kimi_host_notes>.allocate(capacity: 1)
        var notes = kimi_host_notes()
        notes.struct_size = UInt32(MemoryLayout<kimi_host_notes>.size)
        notes.reply = { sink, kind, count, detail in
            FakeHost.object(sink, EventRecord.self)?.notes.append("\(kind.text) \(count) \(detail.text)")
            return 0
        }
        table.initialize(to: notes)
        return UnsafePointer(table)
    }()

    nonisolated(unsafe) private static let keyValues: UnsafePointer<kimi_host_kv> = {
        let table = UnsafeMutablePointer<kimi_host_kv>.allocate(capacity: 1)
        var store = kimi_host_kv()
        store.struct_size = UInt32(MemoryLayout<kimi_host_kv>.size)
        store.put = { ctx, key, value, _ in
            FakeHost.object(ctx, Desk.self)?.store[key.text] = value.text
            return 0
        }
        store.get = { ctx, key, dst, capacity, length in
            guard let text = FakeHost.object(ctx, Desk.self)?.store[key.text] else { return KIMI_NONE.rawValue }
            length?.pointee = text.utf8.count
            guard text.utf8.count <= capacity, let dst else { return KIMI_E_LIMIT.rawValue }
            for (index, byte) in text.utf8.enumerated() { dst[index] = byte }
            return 0
        }
        table.initialize(to: store)
        return UnsafePointer(table)
    }()

    static func pointer(_ object: AnyObject) -> OpaquePointer {
        OpaquePointer(Unmanaged.passUnretained(object).toOpaque())
    }

    static func object<Object: AnyObject>(_ pointer: OpaquePointer?, _ type: Object.Type) -> Object? {
        pointer.map { Unmanaged<Object>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }
}

/// What the host keeps for an instance.
final class Desk {
    var lines: [String] = []
    var store: [String: String] = [:]
    var random = 0
}

final class Failure {
    private(set) var status: Int32 = 0
    private(set) var category: UInt32 = 0
    private(set) var retryAfterMs: UInt64 = 0
    private(set) var message = ""

    func set(_ status: Int32, _ category: UInt32, _ retry: UInt64, _ message: String) {
        (self.status, self.category, self.retryAfterMs, self.message) = (status, category, retry, message)
    }
}

final class PlanRecord {
    var fields: [(field: UInt32, key: String, value: String)] = []
    var steps: [(kind: UInt32, id: UInt32, argument: UInt64)] = []

    func values(_ field: kimi_field) -> [String] {
        fields.filter { $0.field == field.rawValue }.map { $0.key.isEmpty ? $0.value : "\($0.key): \($0.value)" }
    }

    func first(_ field: kimi_field) -> String { values(field).first ?? "" }
    var kind: UInt32 { steps.count == 1 ? steps[0].kind : 0 }
}
