public import PluginABI

/// What the host offers to an instance: its log, clocks, randomness and extensions. Usable on any thread until
/// the instance is destroyed.
public struct PluginContext: @unchecked Sendable {
    // Unchecked: both point at things of the host that its ABI declares callable from any thread.
    let host: UnsafePointer<kimi_host>
    let ctx: OpaquePointer?

    package init(host: UnsafePointer<kimi_host>, ctx: OpaquePointer?) {
        self.host = host
        self.ctx = ctx
    }

    /// Writes one line, if lines of that level are written; the text is not made otherwise.
    public func log(_ level: kimi_level, _ message: @autoclosure () -> String) {
        guard let log = host.pointee.log else { return }
        if let isOn = host.pointee.log_on, isOn(ctx, level.rawValue) == 0 { return }
        message().withBytes { log(ctx, level.rawValue, $0) }
    }

    /// The wall clock in unix milliseconds; 0 if the host has none.
    public var unixMilliseconds: UInt64 { host.pointee.unix_ms?(ctx) ?? 0 }

    /// A clock that never goes back, in nanoseconds since some start.
    public var monotonicNanoseconds: UInt64 { host.pointee.mono_ns?(ctx) ?? 0 }

    /// Fills the buffer with random bytes fit for secrets.
    public func random(into buffer: UnsafeMutableRawBufferPointer) throws(PluginFailure) {
        guard let random = host.pointee.random else { throw missing("random") }
        guard let base = buffer.baseAddress else { return }
        try check(random(ctx, base.assumingMemoryBound(to: UInt8.self), buffer.count), "random")
    }

    /// A further table of the host by its id, static for the life of the process; nil if this host has none.
    public func `extension`(_ id: String) -> UnsafeRawPointer? {
        host.pointee.extension?(ctx, id)
    }
}
