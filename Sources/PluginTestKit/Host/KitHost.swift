import CanonicalModel
package import PluginABI

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// `kimi_host` tables that watch. Each function finds its object by handle and the behaviour by the run.
package enum KitHost {
    /// As today's host: ABI 1.0.
    package nonisolated(unsafe) static let pointer: UnsafePointer<kimi_host> = table(minor: UInt32(KIMI_ABI_MINOR))

    /// A host of another minor, with a longer table where it is a later one.
    static func table(minor: UInt32, size: Int = MemoryLayout<kimi_host>.size) -> UnsafePointer<kimi_host> {
        let bytes = UnsafeMutableRawPointer.allocate(
            byteCount: max(size, MemoryLayout<kimi_host>.size), alignment: 16)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: max(size, MemoryLayout<kimi_host>.size))
        let table = bytes.bindMemory(to: kimi_host.self, capacity: 1)
        fill(table, minor: minor, size: size)
        return UnsafePointer(table)
    }

    static func fill(_ table: UnsafeMutablePointer<kimi_host>, minor: UInt32, size: Int) {
        table.initialize(
            to: kimi_host(
                struct_size: UInt32(size), abi_minor: minor, extension: findExtension, log_on: logOn, log: log,
                unix_ms: unixMilliseconds, mono_ns: monotonicNanoseconds, random: random, fail: fail, put: put,
                plan_field: planField, plan_step: planStep, text: text, emit: emit, scratch: scratch))
    }

    /// 2025-10-09; the same in every run.
    private static let now: UInt64 = 1_760_000_000_000

    private static func run(_ context: OpaquePointer?, _ function: String) -> KitRun? {
        guard let record = Handles.find(context, ContextRecord.self, function) else { return nil }
        return KitRun.current ?? record.run
    }

    private static let findExtension: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> UnsafeRawPointer? = {
        context, id in
        guard let run = run(context, "extension"), let id else { return nil }
        return KitServices.find(String(cString: id), run.behaviour)
    }

    private static let logOn: @convention(c) (OpaquePointer?, UInt32) -> UInt32 = { context, _ in
        run(context, "log_on") == nil ? 0 : 1
    }

    private static let log: @convention(c) (OpaquePointer?, UInt32, kimi_bytes) -> Void = { context, _, text in
        guard let run = run(context, "log") else { return }
        if !EventValues.isUTF8(text.buffer) { run.breach(.value, "a log line is not UTF-8") }
    }

    private static let unixMilliseconds: @convention(c) (OpaquePointer?) -> UInt64 = { context in
        _ = run(context, "unix_ms")
        return now
    }

    private static let monotonicNanoseconds: @convention(c) (OpaquePointer?) -> UInt64 = { context in
        guard let run = run(context, "mono_ns") else { return 0 }
        return run.with { state in
            state.clock += 1_000
            return state.clock
        }
    }

    private static let random: @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>?, Int) -> kimi_status = {
        context, target, count in
        guard let run = run(context, "random"), count >= 0 else { return kimi_status(KIMI_E_ARG) }
        guard !run.behaviour.randomFails else { return kimi_status(KIMI_E_INTERNAL) }
        guard let target else { return kimi_status(count == 0 ? KIMI_OK : KIMI_E_ARG) }
        let bytes = run.with { state in (0..<count).map { _ in UInt8(truncatingIfNeeded: state.random.next()) } }
        for (index, byte) in bytes.enumerated() { target[index] = byte }
        return kimi_status(KIMI_OK)
    }

    private static let fail: @convention(c) (OpaquePointer?, kimi_status, UInt32, UInt64, kimi_bytes) -> Void = {
        error, status, category, retryAfter, message in
        guard let record = Handles.findOfCall(error, ErrorNote.self, "fail") else { return }
        (record.status, record.category, record.retryAfterMs) = (status, category, retryAfter)
        record.message = Array(message.buffer)
    }

    private static let put: @convention(c) (OpaquePointer?, UInt32, kimi_bytes) -> kimi_status = { out, how, data in
        guard let record = Handles.findOfCall(out, EditNote.self, "put") else { return kimi_status(KIMI_E_ARG) }
        return kimi_status(record.put(how, data.buffer))
    }

    private static let planField: @convention(c) (OpaquePointer?, UInt32, kimi_bytes, kimi_bytes) -> kimi_status = {
        plan, field, key, value in
        guard let record = Handles.findOfCall(plan, PlanNote.self, "plan_field") else {
            return kimi_status(KIMI_E_ARG)
        }
        return kimi_status(record.field(field, key.buffer, value.buffer))
    }

    private static let planStep: @convention(c) (OpaquePointer?, UInt32, UInt32, UInt64) -> kimi_status = {
        plan, kind, id, argument in
        guard let record = Handles.findOfCall(plan, PlanNote.self, "plan_step") else {
            return kimi_status(KIMI_E_ARG)
        }
        return kimi_status(record.close(kind, id, argument))
    }

    private static let text: @convention(c) (OpaquePointer?, UInt32, UInt32, UInt32, kimi_bytes) -> kimi_status = {
        sink, type, choice, index, text in
        guard let record = Handles.findOfCall(sink, SinkNote.self, "text") else { return kimi_status(KIMI_E_ARG) }
        var event = kimi_event()
        (event.type, event.choice, event.index, event.a) = (type, choice, index, text)
        guard Event(type: type).isText else {
            record.run.breach(.value, "text was called with event type \(type), which is not a text")
            return kimi_status(KIMI_E_ARG)
        }
        return withUnsafePointer(to: event) { record.take($0, 1) }
    }

    private static let emit: @convention(c) (OpaquePointer?, UnsafePointer<kimi_event>?, Int) -> kimi_status = {
        sink, events, count in
        guard let record = Handles.findOfCall(sink, SinkNote.self, "emit") else { return kimi_status(KIMI_E_ARG) }
        guard let events, count > 0 else { return kimi_status(count == 0 ? KIMI_OK : KIMI_E_ARG) }
        return record.take(events, count)
    }

    private static let scratch: @convention(c) (OpaquePointer?, Int) -> UnsafeMutableRawPointer? = { sink, count in
        Handles.findOfCall(sink, SinkNote.self, "scratch")?.scratch(count)
    }
}
