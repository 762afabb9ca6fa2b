internal import CPlatform
package import Logging

/// The watchdog over calls into plugins: tells of slow ones and ends the process over one that does not come back.
package enum PluginWatch {
    private final class Context: Sendable {
        let logger: Logger

        init(_ logger: Logger) { self.logger = logger }
    }

    /// Starts it, once for the process.
    ///
    /// - Parameters:
    ///   - slowMs: a call that runs longer is logged, once.
    ///   - hangMs: the process is ended over one that runs longer; 0: over none.
    package static func start(slowMs: Int, hangMs: Int, logger: Logger) {
        // For ever, as the thread.
        let context = Unmanaged.passRetained(Context(logger)).toOpaque()
        let failure = pg_watch(UInt64(max(slowMs, 1)), UInt64(max(hangMs, 0)), notice, context)
        if failure != 0 {
            logger.warning(
                "calls into plugins are not watched: no thread (error \(failure))",
                metadata: ["event": "plugin_watch_failed"])
        }
    }

    private static let notice: pg_notice_callback = { context, notice in
        guard let context, let notice else { return }
        let logger = Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().logger
        tell(notice.pointee, logger)
    }

    private static func tell(_ notice: pg_notice, _ logger: Logger) {
        let plugin = notice.words.map { String(cString: $0) } ?? "plugin"
        let function = String(cString: pg_function_name(notice.function))
        let request = notice.request.map { String(cString: $0) } ?? ""
        var metadata: Logger.Metadata = request.isEmpty ? [:] : ["request": "\(request)"]
        switch pg_notice_kind(notice.kind) {
        case PG_NOTICE_STALL:
            metadata["event"] = "plugin_stall"
            let effect =
                notice.function == PG_QUIESCE.rawValue
                ? "it was to stop its threads, and nothing waits for it" : "and holds up its whole event loop"
            logger.warning(
                "\(plugin) has been in \(function) for \(notice.milliseconds) ms \(effect)", metadata: metadata)
        case PG_NOTICE_HANG:
            metadata["event"] = "plugin_hang"
            logger.critical(
                "\(plugin) has been in \(function) for \(notice.milliseconds) ms; the process ends (plugins.hang)",
                metadata: metadata)
        default:
            let longest = "the longest, of \(function), \(notice.microseconds) us"
            logger.warning(
                "\(plugin): \(notice.count) calls took over ten times its manifest's max_call_us, \(longest)",
                metadata: ["event": "plugin_slow"])
        }
    }

    /// What is said of a crash is said in JSON from now on, as the rest of the process log.
    package static func reportAsJSON() { pg_report_as_json() }
}
