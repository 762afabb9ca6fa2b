package import Logging
import Synchronization

/// How much one plugin may write into the log, whatever thread or child its lines come from: a bucket of bytes that fills
/// again as time goes by. Lines beyond it are counted and the count is told. Any thread.
package final class PluginLogLimit: Sendable {
    /// Bytes that may come at once.
    package static let burstBytes = 1 << 20
    /// Bytes per second in the long run: 1.4 GB a day.
    package static let bytesPerSecond = 16 << 10
    /// What a line costs beside its text: time, level and names.
    private static let bytesPerLine = 128
    /// Between two lines about lines that were dropped, milliseconds.
    private static let tellMs: UInt64 = 1_000

    private struct State {
        var bytes = burstBytes
        var filledMs: UInt64
        var dropped = 0
        var toldMs: UInt64 = 0
    }

    private let plugin: String
    private let state: Mutex<State>

    init(plugin: String, now: UInt64 = HostTable.monotonicMs) {
        self.plugin = plugin
        state = Mutex(State(filledMs: now))
    }

    /// May a line of so many bytes be written? If not, it is counted.
    func takes(_ bytes: Int, now: UInt64 = HostTable.monotonicMs) -> Bool {
        state.withLock { state in
            let passed = Int(clamping: now - min(now, state.filledMs))
            let gain = min(passed, 1_000_000) * Self.bytesPerSecond / 1_000
            if gain > 0 { (state.bytes, state.filledMs) = (min(Self.burstBytes, state.bytes + gain), now) }
            let cost = bytes + Self.bytesPerLine
            guard state.bytes >= cost else {
                state.dropped += 1
                return false
            }
            state.bytes -= cost
            return true
        }
    }

    /// The sentence about lines that were dropped since it was asked last; nil: there are none, or it is too early.
    func report(now: UInt64 = HostTable.monotonicMs) -> String? {
        let dropped = state.withLock { state in
            guard state.dropped > 0, state.toldMs == 0 || now - min(now, state.toldMs) >= Self.tellMs else { return 0 }
            defer { (state.dropped, state.toldMs) = (0, max(now, 1)) }
            return state.dropped
        }
        guard dropped > 0 else { return nil }
        return
            "\(dropped) line\(dropped == 1 ? "" : "s") of plugin \(plugin) \(dropped == 1 ? "was" : "were") dropped: "
            + "it writes more than \(Self.bytesPerSecond >> 10) KiB of log a second"
    }

    // MARK: Those there are

    private static let all = Mutex<[String: PluginLogLimit]>([:])

    /// The one of a plugin, as the configuration calls it.
    static func of(_ plugin: String) -> PluginLogLimit {
        all.withLock { all in
            if let limit = all[plugin] { return limit }
            let limit = PluginLogLimit(plugin: plugin)
            all[plugin] = limit
            return limit
        }
    }

    /// Tells of lines that were dropped. Call it now and then.
    package static func tell(_ logger: Logger) {
        for limit in all.withLock({ Array($0.values) }) {
            if let line = limit.report() { logger.warning("\(line)") }
        }
    }
}
