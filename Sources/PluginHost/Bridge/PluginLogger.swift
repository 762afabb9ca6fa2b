import CanonicalModel
import Logging

/// Writes plugins' lines, with the plugin named and its secrets masked by value, as many as ``PluginLogLimit`` lets
/// through.
struct PluginLogger: Sendable {
    private let logger: Logger
    private let mask: SecretMask
    private let limit: PluginLogLimit

    init(logger: Logger, plugin: String, mask: SecretMask) {
        var logger = logger
        logger[metadataKey: "plugin"] = "\(plugin)"
        logger[metadataKey: "event"] = "plugin_log"
        self.logger = logger
        self.mask = mask
        limit = .of(plugin)
    }

    func isLogged(_ level: UInt32) -> Bool { Self.level(level) >= logger.logLevel }

    func log(_ level: UInt32, _ text: UnsafeRawBufferPointer) {
        let level = Self.level(level)
        guard level >= logger.logLevel, limit.takes(min(text.count, PluginLimits.maxMessageBytes)) else { return }
        if let report = limit.report() { logger.warning("\(report)") }
        let line = String(decoding: text.prefix(PluginLimits.maxMessageBytes), as: UTF8.self)
        logger.log(level: level, "\(LogText.oneLine(mask.masked(line)))")
    }

    private static func level(_ level: UInt32) -> Logger.Level {
        switch level {
        case 0: .trace
        case 1: .debug
        case 2: .info
        case 3: .warning
        default: .error
        }
    }
}
