import PluginABI
import PluginHost

/// A `kimi_host` for tests: it records what a plugin does with it. The real one is PluginHost's bridge.
struct TestHost: HandshakeServices {
    static let shared = TestHost()

    // Immutable after init and never freed, like the real table.
    nonisolated(unsafe) let table: UnsafePointer<kimi_host>

    private init() {
        let host = UnsafeMutablePointer<kimi_host>.allocate(capacity: 1)
        host.initialize(to: Self.makeTable())
        table = UnsafePointer(host)
    }

    func makeError() -> OpaquePointer { ErrorRecord().retainedPointer }
    func describe(_ error: OpaquePointer) -> String? { ErrorRecord.of(error)?.message }
    func dispose(_ error: OpaquePointer) { Unmanaged<ErrorRecord>.fromOpaque(UnsafeRawPointer(error)).release() }

    func loader(insecurePaths: Bool = false, notice: @escaping (String) -> Void = { _ in }) -> PluginLoader {
        PluginLoader(host: table, services: self, insecurePaths: insecurePaths, notice: notice)
    }

    private static func makeTable() -> kimi_host {
        kimi_host(
            struct_size: UInt32(MemoryLayout<kimi_host>.size), abi_minor: UInt32(KIMI_ABI_MINOR),
            extension: { _, _ in nil },
            log_on: { _, _ in 0 },
            log: { _, _, _ in },
            unix_ms: { _ in 1_700_000_000_123 },
            mono_ns: { _ in 0 },
            random: { _, bytes, count in
                for index in 0..<count { bytes?[index] = UInt8(truncatingIfNeeded: 0xA0 + index) }
                return KIMI_OK.rawValue
            },
            fail: { error, status, category, _, message in
                ErrorRecord.of(error)?.record(status, category, message.text)
            },
            put: { _, _, _ in KIMI_OK.rawValue },
            plan_field: { _, _, _, _ in KIMI_OK.rawValue },
            plan_step: { plan, kind, _, argument in
                PlanRecord.of(plan)?.steps.append((kind, argument))
                return KIMI_OK.rawValue
            },
            text: { sink, type, choice, index, text in
                SinkRecord.of(sink)?.take(RecordedEvent(type: type, choice: choice, index: index, a: text.text))
                    ?? KIMI_E_ARG.rawValue
            },
            emit: { sink, events, count in
                guard let record = SinkRecord.of(sink) else { return KIMI_E_ARG.rawValue }
                for event in UnsafeBufferPointer(start: events, count: count) {
                    let status = record.take(RecordedEvent(event))
                    if status != KIMI_OK.rawValue { return status }
                }
                return KIMI_OK.rawValue
            },
            scratch: { sink, count in SinkRecord.of(sink)?.scratch(count) })
    }
}

/// An object lent to a plugin as an opaque pointer.
protocol Lendable: AnyObject {}

extension Lendable {
    static func of(_ pointer: OpaquePointer?) -> Self? {
        pointer.map { Unmanaged<Self>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }

    /// Valid as long as the object is.
    var pointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }
    var retainedPointer: OpaquePointer { OpaquePointer(Unmanaged.passRetained(self).toOpaque()) }
}

final class ErrorRecord: Lendable {
    private(set) var message: String?
    private(set) var status: kimi_status = 0

    func record(_ status: kimi_status, _ category: UInt32, _ message: String) {
        self.status = status
        self.message = message
    }
}

final class PlanRecord: Lendable {
    var steps: [(kind: UInt32, argument: UInt64)] = []
}

struct RecordedEvent: Equatable {
    var type: UInt32
    var choice: UInt32 = 0
    var index: UInt32 = 0
    var a = ""
    var b = ""
    var integers: [Int64] = []

    init(type: UInt32, choice: UInt32, index: UInt32, a: String) {
        (self.type, self.choice, self.index, self.a) = (type, choice, index, a)
    }

    init(_ event: kimi_event) {
        (type, choice, index, a, b) = (event.type, event.choice, event.index, event.a.text, event.b.text)
        integers = [event.i0, event.i1, event.i2, event.i3]
    }
}

final class SinkRecord: Lendable {
    private(set) var events: [RecordedEvent] = []
    /// After this many events the host says KIMI_STOP.
    var stopAfter = Int.max
    /// Events offered after KIMI_STOP: S16 says there are none.
    private(set) var afterStop = 0
    private var arena: [UnsafeMutableRawPointer] = []

    func take(_ event: RecordedEvent) -> kimi_status {
        if events.count >= stopAfter {
            afterStop += 1
            return KIMI_STOP.rawValue
        }
        events.append(event)
        return events.count >= stopAfter ? KIMI_STOP.rawValue : KIMI_OK.rawValue
    }

    func scratch(_ count: Int) -> UnsafeMutableRawPointer {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 16)
        arena.append(memory)
        return memory
    }

    deinit { for memory in arena { memory.deallocate() } }
}

extension kimi_bytes {
    var text: String { String(decoding: UnsafeBufferPointer(start: ptr, count: len), as: UTF8.self) }
}

/// Lends `text` as a slice during `body`.
func withBytes<Result>(_ text: String, _ body: (kimi_bytes) throws -> Result) rethrows -> Result {
    var text = text
    return try text.withUTF8 { try body(kimi_bytes(ptr: $0.baseAddress, len: $0.count)) }
}
