import Enforcement
import JSONSchema

/// Everything in the file but `models`, and the environment variables that win over it.
///
/// Values of the wrong kind are skipped here: the schema has already said so.
struct SettingsReader {
    let root: ConfigObject
    let environment: Environment

    func read(into config: inout HostConfig, log: inout DiagnosticLog) {
        if let strategy = root["default_strategy"]?.string.flatMap(RoutingStrategy.init) {
            config.defaultStrategy = strategy
        }
        if let policy = root["dialects"]?["hosted_tools"]?.string.flatMap(HostedToolsPolicy.init) {
            config.hostedTools = policy
        }
        config.responses.path = root["responses"]?["path"]?.string
        set(&config.responses.maxEntries, from: root["responses"]?["max_entries"])
        set(&config.responses.maxBytes, from: root["responses"]?["max_bytes"])
        set(&config.responses.maxAgeDays, from: root["responses"]?["max_age_days"])
        readServer(&config.server, &log)
        set(&config.limits.maxBodyBytes, from: root["limits"]?["max_body_bytes"])
        set(&config.limits.maxResponseBytes, from: root["limits"]?["max_response_bytes"])
        set(&config.limits.maxConnections, from: root["limits"]?["max_connections"])
        set(&config.limits.pluginMemoryBytes, from: root["limits"]?["plugin_memory_bytes"])
        set(&config.limits.maxExchanges, from: root["limits"]?["max_exchanges"])
        set(&config.limits.maxQueued, from: root["limits"]?["max_queued"])
        readTimeouts(&config.timeouts)
        readRouting(&config.routing)
        readLogging(&config.logging, &log)
        readPlugins(&config.plugins)
        config.dashboard.read(root["dashboard"])
        if let folder = environment["KIMI_STATE_DIR"] ?? root["state_dir"]?.string { config.stateDir = folder }
        LogSettingsReader(node: root["log"], environment: environment, stateDir: config.stateDir).read(
            into: &config.log, log: &log)
        TracingSettingsReader(node: root["tracing"], environment: environment).read(into: &config.tracing, log: &log)
        readEnforcement(&config.enforcementAttempts, &log)
    }

    private func readPlugins(_ plugins: inout HostConfig.Plugins) {
        let node = root["plugins"]
        set(&plugins.slowCall, from: node?["slow_call"])
        if let hang = Self.duration(node?["hang"]) { plugins.hang = hang == .zero ? nil : hang }
        if let seconds = node?["quarantine_window"]?.double, (0...31_536_000).contains(seconds) {
            plugins.quarantineWindow = .seconds(Int64(seconds))
        }
    }

    /// The original's variable, read as the original reads it.
    private func readEnforcement(_ attempts: inout Int, _ log: inout DiagnosticLog) {
        let name = "ENSURE_TOOL_CALL_MAX_ATTEMPTS"
        guard let text = environment[name] else { return }
        let most = EnforcementPolicy.maxAttempts
        let number = Double(text.filter { !$0.isWhitespace }) ?? .nan
        guard number >= 1 else {
            return log.add(Self.doubt(name, "'\(text)' is no number from 1 to \(most); \(attempts) is used"))
        }
        attempts = number > Double(most) ? most : Int(number)
        if number > Double(most) { log.add(Self.doubt(name, "'\(text)' is more than \(most); \(most) is used")) }
    }

    private static func doubt(_ variable: String, _ message: String) -> Diagnostic {
        Diagnostic(.warning, file: "environment", path: variable, message: message)
    }

    private func readRouting(_ routing: inout HostConfig.Routing) {
        let node = root["routing"]
        set(&routing.retries, from: node?["retries"])
        if let share = node?["retry_budget"]?.double { routing.retryBudget = share }
        set(&routing.backoff, from: node?["backoff"])
        set(&routing.maxBackoff, from: node?["max_backoff"])
        set(&routing.maxRetryAfter, from: node?["max_retry_after"])
        set(&routing.cooldownAfter, from: node?["cooldown_after"])
        set(&routing.cooldown, from: node?["cooldown"])
        set(&routing.maxCooldown, from: node?["max_cooldown"])
    }

    private func readServer(_ server: inout HostConfig.Server, _ log: inout DiagnosticLog) {
        if let host = root["server"]?["host"]?.string { server.host = host }
        set(&server.port, from: root["server"]?["port"])
        if let watch = root["server"]?["watch"]?.bool { server.watch = watch }
        if let tls = root["server"]?["tls"], let certificate = tls["certificate"]?.string, let key = tls["key"]?.string
        {
            server.tls = HostConfig.TLS(certificate: certificate, key: key)
        }
        if let host = environment["HOST"] { server.host = host }
        guard let text = environment["PORT"] else { return }
        if let port = Int(text), (0...65535).contains(port) {
            server.port = port
        } else {
            log.add(Self.mistake("PORT", "must be a whole number from 0 to 65535, not '\(text)'"))
        }
    }

    private func readTimeouts(_ timeouts: inout HostConfig.Timeouts) {
        let node = root["timeouts"]
        set(&timeouts.connect, from: node?["connect"])
        set(&timeouts.head, from: node?["head"])
        set(&timeouts.idle, from: node?["idle"])
        set(&timeouts.token, from: node?["token"])
        set(&timeouts.queue, from: node?["queue"])
        set(&timeouts.drain, from: node?["drain"])
        set(&timeouts.drainNotice, from: node?["drain_notice"])
        if let first = Self.duration(node?["first_token"]) { timeouts.firstToken = first == .zero ? nil : first }
        if let pause = Self.duration(node?["between_tokens"]) { timeouts.betweenTokens = pause == .zero ? nil : pause }
        if let total = Self.duration(node?["total"]) { timeouts.total = total == .zero ? nil : total }
        if let hold = Self.duration(node?["hold"]) { timeouts.hold = hold == .zero ? nil : hold }
        if let client = Self.duration(node?["client"]) { timeouts.client = client == .zero ? nil : client }
    }

    private func readLogging(_ logging: inout HostConfig.Logging, _ log: inout DiagnosticLog) {
        if let level = root["logging"]?["level"]?.string.flatMap(LogLevel.init(rawValue:)) { logging.level = level }
        readFormat(&logging, &log)
        guard let text = environment["LOG_LEVEL"] else { return }
        if let level = LogLevel(name: text) {
            logging.level = level
        } else {
            let names = LogLevel.allCases.map(\.rawValue)
            let hint = Suggestion.clause(for: text, among: names)
            log.add(Self.mistake("LOG_LEVEL", "must be one of \(names.joined(separator: ", ")), not '\(text)'\(hint)"))
        }
    }

    private func readFormat(_ logging: inout HostConfig.Logging, _ log: inout DiagnosticLog) {
        if let format = root["logging"]?["format"]?.string.flatMap(LogFormat.init) { logging.format = format }
        guard let text = environment["LOG_FORMAT"] else { return }
        if let format = LogFormat(rawValue: text.lowercased()) {
            logging.format = format
        } else {
            log.add(Self.mistake("LOG_FORMAT", "must be text or json, not '\(text)'"))
        }
    }

    private static func mistake(_ variable: String, _ message: String) -> Diagnostic {
        Diagnostic(.error, file: "environment", path: variable, message: message)
    }

    private func set(_ target: inout Int, from node: ConfigNode?) {
        if let number = node?.int { target = Int(number) }
    }

    private func set(_ target: inout Duration, from node: ConfigNode?) {
        if let duration = Self.duration(node) { target = duration }
    }

    private static func duration(_ node: ConfigNode?) -> Duration? {
        // Out of range would trap in Duration; the schema has already refused it.
        guard let seconds = node?.double, (0...86_400).contains(seconds) else { return nil }
        return .milliseconds(Int64((seconds * 1000).rounded(.up)))
    }
}
