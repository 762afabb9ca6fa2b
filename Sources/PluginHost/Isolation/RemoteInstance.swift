import CanonicalModel
import PluginABI

/// A configured instance of an isolated plugin, as its children get to know it. Immutable; any thread.
final class RemoteInstance: Sendable {
    let id: UInt32
    let kind: IsolationWire.Kind
    let name: String
    let plugin: IsolatedPlugin
    let context: PluginContextRecord
    private let config: [UInt8]

    init(
        id: UInt32, kind: IsolationWire.Kind, name: String, plugin: IsolatedPlugin, context: PluginContextRecord,
        config: [UInt8]
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.plugin = plugin
        self.context = context
        self.config = config
    }

    deinit {
        plugin.forget(id)
    }

    /// The message that makes it in a child.
    func write(to writer: WireWriter) {
        let level = (0...UInt8(KIMI_LOG_ERROR.rawValue)).first { context.isLogged(UInt32($0)) } ?? 255
        writer.message(id, .create) { to in
            to.put(kind.rawValue)
            to.put(level)
            to.put(UInt16(0))
            to.put(config)
        }
    }
}

/// What a child may ask of its host at any time: log lines, and the plugin's memory.
struct ChildServices: Sendable {
    /// Does what `message` says; the answer to send, if it wants one. Messages that make no sense do nothing.
    func answer(_ message: WireMessage, _ instance: RemoteInstance) -> WireWriter? {
        var from = message.payload
        let memory = instance.context.memory
        switch IsolationWire.Unasked(rawValue: message.operation) {
        case .log:
            let level: UInt32 = from.number()
            let text = from.text()
            if !from.isBad { instance.context.log(level, text.buffer) }
        case .put:
            let lifetime: UInt64 = from.number()
            let (key, value) = (from.text(), from.text())
            guard !from.isBad else { return nil }
            let (expiry, overflow) = HostTable.monotonicMs.addingReportingOverflow(lifetime)
            _ = memory.put(key.buffer, value.buffer, expiresAt: lifetime == 0 || overflow ? nil : expiry)
        case .forget:
            let key = from.text()
            if !from.isBad { memory.forget(key.buffer) }
        case .get:
            let key = from.text()
            let value = from.isBad ? nil : memory.get(key.buffer, now: HostTable.monotonicMs)
            let writer = WireWriter(capacity: 64 + (value?.count ?? 0))
            writer.message(instance.id, .keyValue) { to in
                to.put(kimi_status(value == nil ? KIMI_NONE : KIMI_OK))
                to.put(value ?? [])
            }
            return writer
        case nil: break
        }
        return nil
    }
}
