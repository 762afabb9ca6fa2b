import CanonicalModel
import PluginABI

/// Behind `kimi_inst` of a plugin whose calls go to a ``CalledChild``.
final class CalledInstance {
    let id: UInt32
    let child: CalledChild
    let host: UnsafePointer<kimi_host>
    let context: OpaquePointer?

    init(id: UInt32, child: CalledChild, host: UnsafePointer<kimi_host>, context: OpaquePointer?) {
        (self.id, self.child, self.host, self.context) = (id, child, host, context)
    }

    static func at(_ pointer: OpaquePointer?) -> CalledInstance? {
        pointer.map { Unmanaged.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }

    /// Does what a child asks for between replies; answers go to `out`.
    func answer(_ message: WireMessage, _ out: WireWriter) {
        var from = message.payload
        switch IsolationWire.Unasked(rawValue: message.operation) {
        case .log:
            let level: UInt32 = from.number()
            let text = from.text()
            if !from.isBad { host.pointee.log(context, level, text) }
        case .put:
            let lifetime: UInt64 = from.number()
            let (key, value) = (from.text(), from.text())
            if !from.isBad { _ = memory?.pointee.put(context, key, value, lifetime) }
        case .forget:
            let key = from.text()
            if !from.isBad { _ = memory?.pointee.forget(context, key) }
        case .get:
            let key = from.text()
            let value = from.isBad ? nil : value(of: key)
            out.message(id, .keyValue) { to in
                to.put(kimi_status(value == nil ? KIMI_NONE : KIMI_OK))
                to.put(value ?? [])
            }
        case nil: break
        }
    }

    private var memory: UnsafePointer<kimi_host_kv>? {
        host.pointee.extension(context, KIMI_HOST_KV_ID)?.assumingMemoryBound(to: kimi_host_kv.self)
    }

    private func value(of key: kimi_bytes) -> [UInt8]? {
        guard let memory else { return nil }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        for _ in 0..<2 {
            var count = 0
            let status = memory.pointee.get(context, key, &bytes, bytes.count, &count)
            if status == kimi_status(KIMI_OK) { return Array(bytes.prefix(count)) }
            guard status == kimi_status(KIMI_E_LIMIT), count > bytes.count else { return nil }
            bytes = [UInt8](repeating: 0, count: count)
        }
        return nil
    }
}

/// Behind `kimi_exch`.
final class CalledExchange {
    let instance: CalledInstance
    let id: UInt32

    init(_ instance: CalledInstance) {
        self.instance = instance
        id = instance.child.exchangeID()
    }

    static func at(_ pointer: OpaquePointer?) -> CalledExchange? {
        pointer.map { Unmanaged.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
    }
}

/// Does with a reply's items what a library does: it calls the functions of the host's table.
struct TableTaker: ReplyTaker {
    let host: UnsafePointer<kimi_host>
    let context: OpaquePointer?
    var error: OpaquePointer?
    var out: OpaquePointer?
    var plan: OpaquePointer?
    var sink: OpaquePointer?
    /// The first answer that was not KIMI_OK. What comes after it is dropped.
    private(set) var refusal: kimi_status?
    /// The failure's message.
    private(set) var said = ""

    init(
        _ instance: CalledInstance, error: OpaquePointer?, out: OpaquePointer? = nil, plan: OpaquePointer? = nil,
        sink: OpaquePointer? = nil
    ) {
        (host, context, self.error) = (instance.host, instance.context, error)
        (self.out, self.plan, self.sink) = (out, plan, sink)
    }

    private mutating func take(_ status: kimi_status) {
        if status != kimi_status(KIMI_OK), refusal == nil { refusal = status }
    }

    mutating func emit(_ events: UnsafeBufferPointer<kimi_event>) -> String? {
        guard let sink else { return "events where there can be none" }
        if refusal == nil { take(host.pointee.emit(sink, events.baseAddress, events.count)) }
        return nil
    }

    func note(_ kind: kimi_bytes, _ count: UInt64, _ detail: kimi_bytes) -> String? {
        guard
            let notes = host.pointee.extension(context, KIMI_HOST_NOTES_ID)?
                .assumingMemoryBound(to: kimi_host_notes.self)
        else { return nil }
        if let out {
            _ = notes.pointee.request(out, kind, count, detail)
        } else if let sink {
            _ = notes.pointee.reply(sink, kind, count, detail)
        }
        return nil
    }

    mutating func put(_ how: UInt32, _ data: kimi_bytes) -> String? {
        guard let out else { return "a change of the request where there can be none" }
        if refusal == nil { take(host.pointee.put(out, how, data)) }
        return nil
    }

    mutating func field(_ field: UInt32, _ key: kimi_bytes, _ value: kimi_bytes) -> String? {
        guard let plan else { return "a plan field where there can be none" }
        if refusal == nil { take(host.pointee.plan_field(plan, field, key, value)) }
        return nil
    }

    mutating func step(_ kind: UInt32, _ id: UInt32, _ argument: UInt64) -> String? {
        guard let plan else { return "a plan step where there can be none" }
        if refusal == nil { take(host.pointee.plan_step(plan, kind, id, argument)) }
        return nil
    }

    mutating func fail(_ status: kimi_status, _ category: UInt32, _ retryAfterMs: UInt64, _ message: kimi_bytes) {
        said = message.text
        if let error { host.pointee.fail(error, status, category, retryAfterMs, message) }
    }

    /// Fails the call in the bridge's own words.
    mutating func fail(_ words: String, _ status: kimi_status) {
        var words = words
        words.withUTF8 { fail(status, KIMI_CAT_INTERNAL.rawValue, 0, kimi_bytes(UnsafeRawBufferPointer($0))) }
    }
}
