public import PluginABI

/// Where `feed` and `flush` put events. Valid during that call; the host takes what it is given before a
/// function returns, so slices may point at anything that lives until then.
///
/// When the host wants no more (S16), each function throws `PluginFailure.stopped`: let it through.
public struct Sink {
    private let host: UnsafePointer<kimi_host>
    let sink: OpaquePointer?

    package init(host: UnsafePointer<kimi_host>, sink: OpaquePointer?) {
        self.host = host
        self.sink = sink
    }

    /// A TEXT, REASONING or TOOL_ARGS event whose slice is `bytes`; none if there are no bytes.
    public func text(
        _ type: kimi_event_type, choice: UInt32 = 0, index: UInt32 = 0, _ bytes: UnsafeRawBufferPointer
    ) throws(PluginFailure) {
        guard !bytes.isEmpty else { return }
        guard let text = host.pointee.text else { throw missing("text") }
        try taken(text(sink, type.rawValue, choice, index, kimi_bytes(bytes)), "text")
    }

    /// Events in order: the cheap way is one call for all that one `feed` has to say.
    public func emit(_ events: UnsafeBufferPointer<kimi_event>) throws(PluginFailure) {
        guard !events.isEmpty else { return }
        guard let emit = host.pointee.emit else { throw missing("emit") }
        try taken(emit(sink, events.baseAddress, events.count), "emit")
    }

    /// One event.
    public func emit(_ event: kimi_event) throws(PluginFailure) {
        guard let emit = host.pointee.emit else { throw missing("emit") }
        let status = withUnsafePointer(to: event) { emit(sink, $0, 1) }
        try taken(status, "emit")
    }

    /// Memory that dies with the call, 16-aligned; nil when the host's bound is reached.
    public func scratch(_ count: Int) -> UnsafeMutableRawBufferPointer? {
        guard count >= 0, let memory = host.pointee.scratch?(sink, count) else { return nil }
        return UnsafeMutableRawBufferPointer(start: memory, count: count)
    }

    private func taken(_ status: kimi_status, _ function: StaticString) throws(PluginFailure) {
        if status == 0 { return }
        if status == KIMI_STOP.rawValue { throw .stopped }
        try check(status, function)
    }
}
