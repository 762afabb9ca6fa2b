import CanonicalModel
package import PluginABI

#if canImport(Darwin)
internal import Darwin
#else
internal import Glibc
#endif

/// The `kimi_host` table: one per process, never freed, the same for every plugin.
///
/// Each function recovers the object behind the opaque pointer it was handed. Those objects are made by this
/// module only and outlive the call by rule (S12 tells plugins not to keep them).
package enum HostTable {
    /// Valid for the life of the process. Immutable after this first use, hence safe to share.
    package nonisolated(unsafe) static let pointer: UnsafePointer<kimi_host> = {
        let table = UnsafeMutablePointer<kimi_host>.allocate(capacity: 1)
        table.initialize(
            to: kimi_host(
                struct_size: UInt32(MemoryLayout<kimi_host>.size), abi_minor: UInt32(KIMI_ABI_MINOR),
                extension: findExtension, log_on: logOn, log: log, unix_ms: unixMilliseconds,
                mono_ns: monotonicNanoseconds, random: random, fail: fail, put: put, plan_field: planField,
                plan_step: planStep, text: text, emit: emit, scratch: scratch))
        return UnsafePointer(table)
    }()

    // MARK: [any], by context

    private static let findExtension: @convention(c) (OpaquePointer?, UnsafePointer<CChar>?) -> UnsafeRawPointer? = {
        _, id in id.flatMap(ServiceTables.find)
    }

    private static let logOn: @convention(c) (OpaquePointer?, UInt32) -> UInt32 = { context, level in
        guard let context else { return 0 }
        return PluginContextRecord.at(context).isLogged(level) ? 1 : 0
    }

    private static let log: @convention(c) (OpaquePointer?, UInt32, kimi_bytes) -> Void = { context, level, text in
        guard let context else { return }
        PluginContextRecord.at(context).log(level, text.buffer)
    }

    private static let unixMilliseconds: @convention(c) (OpaquePointer?) -> UInt64 = { _ in
        HostSources.unixMs ?? clock(CLOCK_REALTIME, 1_000_000)
    }

    private static let monotonicNanoseconds: @convention(c) (OpaquePointer?) -> UInt64 = { _ in
        HostSources.unixMs.map { $0 * 1_000_000 } ?? clock(CLOCK_MONOTONIC, 1)
    }

    /// The monotonic clock in milliseconds.
    static var monotonicMs: UInt64 { clock(CLOCK_MONOTONIC, 1) / 1_000_000 }

    private static func clock(_ id: clockid_t, _ unit: Int) -> UInt64 {
        var time = timespec()
        clock_gettime(id, &time)
        return UInt64(time.tv_sec) * UInt64(1_000_000_000 / unit) + UInt64(time.tv_nsec / unit)
    }

    private static let random: @convention(c) (OpaquePointer?, UnsafeMutablePointer<UInt8>?, Int) -> kimi_status = {
        _, bytes, count in
        guard let bytes else { return kimi_status(count == 0 ? KIMI_OK : KIMI_E_ARG) }
        if HostSources.fill(UnsafeMutableBufferPointer(start: bytes, count: count)) { return kimi_status(KIMI_OK) }
        var generator = SystemRandomNumberGenerator()
        for index in 0..<count { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
        return kimi_status(KIMI_OK)
    }

    // MARK: [call]

    private static let fail: @convention(c) (OpaquePointer?, kimi_status, UInt32, UInt64, kimi_bytes) -> Void = {
        error, status, category, retryAfter, message in
        guard let error else { return }
        ErrorRecord.at(error).set(status, category, retryAfter, message.buffer)
    }

    private static let put: @convention(c) (OpaquePointer?, UInt32, kimi_bytes) -> kimi_status = { out, how, data in
        guard let out else { return kimi_status(KIMI_E_ARG) }
        return kimi_status(RequestEditRecord.at(out).put(how, data.buffer))
    }

    private static let planField: @convention(c) (OpaquePointer?, UInt32, kimi_bytes, kimi_bytes) -> kimi_status = {
        plan, field, key, value in
        guard let plan else { return kimi_status(KIMI_E_ARG) }
        return kimi_status(PlanRecord.at(plan).field(field, key.buffer, value.buffer))
    }

    private static let planStep: @convention(c) (OpaquePointer?, UInt32, UInt32, UInt64) -> kimi_status = {
        plan, kind, id, argument in
        guard let plan else { return kimi_status(KIMI_E_ARG) }
        return kimi_status(PlanRecord.at(plan).step(kind, id, argument))
    }

    private static let text: @convention(c) (OpaquePointer?, UInt32, UInt32, UInt32, kimi_bytes) -> kimi_status = {
        sink, type, choice, index, text in
        guard let sink else { return kimi_status(KIMI_E_ARG) }
        switch kimi_event_type(type) {
        case KIMI_EVENT_TEXT, KIMI_EVENT_REASONING, KIMI_EVENT_TOOL_ARGS: break
        default: return kimi_status(KIMI_E_ARG)
        }
        var event = kimi_event()
        event.type = type
        event.choice = choice
        event.index = index
        event.a = text
        return withUnsafePointer(to: event) { SinkNode.at(sink).consume($0, 1) }
    }

    private static let emit: @convention(c) (OpaquePointer?, UnsafePointer<kimi_event>?, Int) -> kimi_status = {
        sink, events, count in
        guard let sink, let events, count > 0 else { return kimi_status(count == 0 ? KIMI_OK : KIMI_E_ARG) }
        return SinkNode.at(sink).consume(events, count)
    }

    private static let scratch: @convention(c) (OpaquePointer?, Int) -> UnsafeMutableRawPointer? = { sink, count in
        guard let sink, count >= 0 else { return nil }
        return SinkNode.at(sink).arena.allocate(count)
    }
}
