import PluginABI
import PluginKit

/// A host's function table that records what a plugin does. One at a time per test; objects are passed unretained.
enum FakeHost {
    /// The table; lives as long as the process, as the header promises.
    nonisolated(unsafe) static let table: UnsafePointer<kimi_host> = {
        let table = UnsafeMutablePointer<kimi_host>.allocate(capacity: 1)
        var host = kimi_host()
        host.struct_size = UInt32(MemoryLayout<kimi_host>.size)
        host.extension = { _, id in
            id.map { String(cString: $0) } == KIMI_HOST_NOTES_ID ? UnsafeRawPointer(FakeHost.notes) : nil
        }
        host.log_on = { _, _ in 1 }
        host.log = { ctx, level, text in FakeHost.object(ctx, Log.self)?.lines.append("\(level) \(text.text)") }
        host.unix_ms = { _ in 784_111_776_000 }  // Sun, 06 Nov 1994 08:49:36 GMT
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
            event.type = type
            event.choice = choice
            event.index = index
            event.a = text
            return FakeHost.object(sink, EventRecord.self)?.take(event) ?? -1
        }
        host.emit = { sink, events, count in
            guard let record = FakeHost.object(sink, EventRecord.self), let events else { return -1 }
            record.batches += 1
            for index in 0..<count {
                let status = record.take(events[index])
                if status != 0 { return status }
            }
            return 0
        }
        table.initialize(to: host)
        return UnsafePointer(table)
    }()

    /// The host's table of notes: they are kept with the events.
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

    static func pointer(_ object: AnyObject) -> OpaquePointer {
        OpaquePointer(Unmanaged.passUnretained(object).toOpaque())
    }

    static func object<Object: AnyObject>(_ pointer: OpaquePointer?, _ type: Object.Type) -> Object? {
        pointer.map { Unmanaged<Object>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }
}

final class Log {
    var lines: [String] = []
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
}
