import KimiHostCore
import LogModel
import Logging
import RequestLog

/// The request log as the configuration wants it.
enum RequestLogging {
    /// Nil: it is switched off. Throws what can never work; a disk that fails is no such thing.
    static func log(_ config: HostConfig.Log, _ logger: Logger) throws(LogError) -> ExchangeLog? {
        guard config.isEnabled else { return nil }
        do throws(LogError) {
            let log = try RequestLog(path: config.path, limits: limits(config), redaction: try redaction(config)) {
                logger.warning("\($0)", metadata: [LogKeys.event: "request_log"])
            }
            return ExchangeLog(sink: log, policy: config.policy)
        } catch {
            // A state folder that cannot be used stops nothing; a path that somebody chose must work.
            guard !config.isPathChosen, case .unusable = error else { throw error }
            logger.warning(
                "\(error): nothing is logged; cure: make state_dir usable, or set log.path",
                metadata: [LogKeys.event: "request_log"])
            return nil
        }
    }

    /// What is wrong with the section, beside what its schema sees.
    static func mistake(_ config: HostConfig.Log) -> String? {
        do throws(LogError) {
            _ = try redaction(config)
            return nil
        } catch {
            return "error: log.redact: \(error)"
        }
    }

    private static func redaction(_ config: HostConfig.Log) throws(LogError) -> Redaction? {
        config.redact.isEmpty ? nil : try Redaction(patterns: config.redact)
    }

    private static func limits(_ config: HostConfig.Log) -> RequestLog.Limits {
        var limits = RequestLog.Limits()
        limits.maxAgeDays = config.maxAgeDays
        limits.maxEntries = config.maxEntries
        limits.maxBytes = config.maxBytes
        limits.queueEntries = config.queueEntries
        limits.queueBytes = config.queueBytes
        limits.spoolBytes = config.spoolBytes
        limits.spoolFolder = config.spoolPath
        limits.isIndexed = config.search
        return limits
    }
}
