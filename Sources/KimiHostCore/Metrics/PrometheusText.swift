package import LogModel
package import PluginHost

/// Writes metrics in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
package struct PrometheusText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var text = ""

    /// Empty.
    init() {}

    package init(
        _ metrics: HostMetrics.Snapshot, memories: [(plugin: String, size: PluginMemory.Size)],
        gate: ExchangeGate.Snapshot = ExchangeGate.Snapshot(), calls: PluginCallReport = PluginCallReport(),
        quarantined: [String] = [], libraries: [PluginLibrary] = [], log: LogStats? = nil,
        logMemory: LogMemory? = nil, spans: SpanStats? = nil, linesDropped: Int = 0
    ) {
        exchanges(metrics)
        traffic(metrics.traffic, metrics.genAI)
        genAI(metrics.genAI)
        requests(gate)
        attempts(metrics)
        enforced(metrics)
        notes(metrics)
        plugins(calls, quarantined: quarantined)
        if let log { requestLog(log) }
        if let logMemory { memory(of: logMemory) }
        if let spans { traces(spans) }
        family("kimi_process_log_dropped_total", "counter", "Lines of the process log that nobody took.")
        sample([], linesDropped)
        family("kimi_plugin_memory_bytes", "gauge", "Bytes that a plugin keeps between exchanges.")
        for memory in memories { sample([("plugin", memory.plugin)], memory.size.bytes) }
        family("kimi_plugin_memory_entries", "gauge", "Values that a plugin keeps between exchanges.")
        for memory in memories { sample([("plugin", memory.plugin)], memory.size.entries) }
        family("kimi_plugin_memory_evictions_total", "counter", "Values that went for want of room.")
        for memory in memories { sample([("plugin", memory.plugin)], memory.size.evictions) }
        reloads(metrics, libraries)
    }

    private var name = ""

    private mutating func exchanges(_ metrics: HostMetrics.Snapshot) {
        family("kimi_exchanges_active", "gauge", "Client requests under way.")
        sample([], metrics.active)
        family("kimi_exchanges_total", "counter", "Client requests that ended, by route and outcome.")
        let ordered = metrics.exchanges.sorted {
            ($0.key.model, $0.key.provider, $0.key.outcome.rawValue)
                < ($1.key.model, $1.key.provider, $1.key.outcome.rawValue)
        }
        for (key, count) in ordered {
            sample([("model", key.model), ("provider", key.provider), ("outcome", key.outcome.rawValue)], count)
        }
    }

    private mutating func requests(_ gate: ExchangeGate.Snapshot) {
        family("kimi_requests_queued", "gauge", "Client requests that wait for others to end.")
        sample([], gate.queued)
        family("kimi_requests_refused_total", "counter", "Client requests that were not let in, by reason.")
        for reason in Refusal.allCases { sample([("reason", reason.rawValue)], gate.refused[reason] ?? 0) }
    }

    private mutating func attempts(_ metrics: HostMetrics.Snapshot) {
        family("kimi_attempts_total", "counter", "Attempts to have a request answered, by route and outcome.")
        let attempts = metrics.attempts.sorted {
            ($0.key.model, $0.key.provider, $0.key.outcome) < ($1.key.model, $1.key.provider, $1.key.outcome)
        }
        for (key, count) in attempts {
            sample([("model", key.model), ("provider", key.provider), ("outcome", key.outcome)], count)
        }
        family("kimi_retries_total", "counter", "Attempts that went where one of the same request had failed.")
        sample([], metrics.repeats)
        family("kimi_resumed_total", "counter", "Replies that broke off after content and were continued, by route.")
        let resumed = metrics.resumed.sorted { ($0.key.model, $0.key.provider) < ($1.key.model, $1.key.provider) }
        for (key, count) in resumed { sample([("model", key.model), ("provider", key.provider)], count) }
        family("kimi_cooldowns_total", "counter", "Times that a route or one of its keys was left out for a while.")
        let cooldowns = metrics.cooldowns.sorted {
            ($0.key.model, $0.key.provider, $0.key.what.rawValue)
                < ($1.key.model, $1.key.provider, $1.key.what.rawValue)
        }
        for (key, count) in cooldowns {
            sample([("model", key.model), ("provider", key.provider), ("of", key.what.rawValue)], count)
        }
    }

    private mutating func reloads(_ metrics: HostMetrics.Snapshot, _ libraries: [PluginLibrary]) {
        family("kimi_reloads_total", "counter", "Times that configuration and plugins were loaded anew, or refused.")
        sample([("outcome", "taken")], metrics.reloads)
        sample([("outcome", "refused")], metrics.refusedReloads)
        family("kimi_plugin_libraries", "gauge", "Plugin libraries that are mapped; none is ever unloaded.")
        for state in [PluginLibrary.State.active, .retired, .unused] {
            sample([("state", state.rawValue)], libraries.count { $0.state == state })
        }
    }

    private mutating func enforced(_ metrics: HostMetrics.Snapshot) {
        family("kimi_enforced_total", "counter", "Replies of routes that ensure tool calls, by route and result.")
        let results = metrics.enforced.sorted {
            ($0.key.model, $0.key.provider, $0.key.result) < ($1.key.model, $1.key.provider, $1.key.result)
        }
        for (key, count) in results {
            sample([("model", key.model), ("provider", key.provider), ("result", key.result)], count)
        }
        family("kimi_enforcement_retries_total", "counter", "Attempts of such replies beyond the first.")
        sample([], metrics.enforcedAgain)
    }

    private mutating func notes(_ metrics: HostMetrics.Snapshot) {
        family("kimi_plugin_notes_total", "counter", "What plugins repaired or flagged, by kind.")
        let ordered = metrics.notes.sorted { ($0.key.plugin, $0.key.kind) < ($1.key.plugin, $1.key.kind) }
        for (key, count) in ordered { sample([("plugin", key.plugin), ("kind", key.kind)], count) }
    }

    private mutating func requestLog(_ log: LogStats) {
        family("kimi_log_written_total", "counter", "Exchanges written to the request log.")
        sample([], log.written)
        family("kimi_log_dropped_total", "counter", "Exchanges that the request log did not take.")
        sample([], log.dropped)
        family("kimi_log_evicted_total", "counter", "Exchanges removed from the request log for age or room.")
        sample([], log.evicted)
        family("kimi_log_write_errors_total", "counter", "Writes of the request log that failed.")
        sample([], log.failures)
        family("kimi_log_failing", "gauge", "1 while the request log cannot be written.")
        sample([], log.isFailing ? 1 : 0)
        family("kimi_log_queue_entries", "gauge", "Exchanges that wait to be written.")
        sample([], log.pending)
        family("kimi_log_queue_bytes", "gauge", "Bytes of exchanges that wait to be written.")
        sample([], log.pendingBytes)
        family("kimi_log_spool_bytes", "gauge", "Bytes of exchanges on the disk that a rush left to be packed.")
        sample([], log.spoolBytes)
    }

    private mutating func memory(of log: LogMemory) {
        family("kimi_log_memory_bytes", "gauge", "Bytes of bodies that exchanges under way hold for the request log.")
        sample([], log.bytes)
        family(
            "kimi_log_bodies_cut_total", "counter",
            "Bodies of which the request log did not keep all, for want of room.")
        sample([], log.bodiesCut)
    }

    private mutating func traces(_ spans: SpanStats) {
        family("kimi_otlp_spans_exported_total", "counter", "Spans that the collector took.")
        sample([], spans.exported)
        family("kimi_otlp_spans_dropped_total", "counter", "Spans that were not exported, by reason.")
        for reason in SpanDrop.allCases { sample([("reason", reason.rawValue)], spans.dropped[reason] ?? 0) }
        family("kimi_otlp_export_failures_total", "counter", "Requests to the collector that failed.")
        sample([], spans.failures)
        family("kimi_otlp_queue_spans", "gauge", "Spans that wait to be exported.")
        sample([], spans.queued)
    }

    mutating func family(_ name: String, _ type: String, _ help: String) {
        self.name = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    mutating func sample(_ labels: [(String, String)], _ value: Int, suffix: String = "") {
        sample(labels, "\(value)", suffix: suffix)
    }

    mutating func sample(_ labels: [(String, String)], _ value: String, suffix: String = "") {
        text += name + suffix
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
