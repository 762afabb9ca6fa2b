import CanonicalModel
import JSONSchema

extension HostConfig {
    /// Where traces go, and which.
    package struct Tracing: Sendable, Equatable {
        /// The whole URL that spans are sent to; nil: nothing is recorded.
        package var endpoint: String?
        /// Of each request to it; values may be secret.
        package var headers: [TracingHeader] = []
        /// What all spans say of this process: `service.name` is always there.
        package var resource = [TracingResource(name: "service.name", value: "kimi-host")]
        /// The share of traces that begin here and are recorded.
        package var ratio = 1.0
        /// Are upstreams told of traces?
        package var propagate = true
        package var timeoutMs = 10_000
        /// Spans that wait to be exported; further ones are dropped.
        package var queueSpans = 8_192

        package init() {}
    }
}

package struct TracingHeader: Sendable, Equatable {
    package var name: String
    package var value: String
}

package struct TracingResource: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(name: String, value: String) { (self.name, self.value) = (name, value) }
}

/// Reads `tracing`, and OpenTelemetry's variables, which win over it
/// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/ and .../configuration/sdk-environment-variables/).
/// Values of the wrong kind are skipped: the schema has said so.
struct TracingSettingsReader {
    let node: ConfigNode?
    let environment: Environment

    func read(into config: inout HostConfig.Tracing, log: inout DiagnosticLog) {
        if let ratio = node?["ratio"]?.double, (0...1).contains(ratio) { config.ratio = ratio }
        if let propagate = node?["propagate"]?.bool { config.propagate = propagate }
        if let seconds = node?["timeout"]?.double, (0.1...600).contains(seconds) {
            config.timeoutMs = Int(seconds * 1_000)
        }
        if let spans = node?["queue_spans"]?.int { config.queueSpans = Int(spans) }
        readTimeout(&config, &log)
        readResource(&config, &log)
        readHeaders(&config, &log)
        config.endpoint = isDisabled ? nil : endpoint(&log)
        if let endpoint = config.endpoint { TracingDoubts.add(endpoint, environment, &log) }
    }

    private var isDisabled: Bool {
        environment["OTEL_SDK_DISABLED"]?.lowercased() == "true" || environment["OTEL_TRACES_EXPORTER"] == "none"
    }

    // MARK: Where

    private func endpoint(_ log: inout DiagnosticLog) -> String? {
        if let url = environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] {
            return checked(url, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &log)
        }
        if let base = environment["OTEL_EXPORTER_OTLP_ENDPOINT"] {
            let url = base.hasSuffix("/") ? base + "v1/traces" : base + "/v1/traces"
            return checked(url, "OTEL_EXPORTER_OTLP_ENDPOINT", &log)
        }
        guard let node = node?["endpoint"], let url = resolved(node, "tracing.endpoint", &log) else { return nil }
        if Self.isURL(url) { return url }
        log.error(at: node.mark, "tracing.endpoint", Self.urlMistake)
        return nil
    }

    private func checked(_ url: String, _ variable: String, _ log: inout DiagnosticLog) -> String? {
        if Self.isURL(url) { return url }
        log.add(Diagnostic(.error, file: "environment", path: variable, message: Self.urlMistake))
        return nil
    }

    private static let urlMistake =
        "must be a URL that begins with http:// or https://, such as http://127.0.0.1:4318/v1/traces"

    private static func isURL(_ text: String) -> Bool {
        let schemes = ["http://", "https://"]
        let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
        return isPlain && schemes.contains { text.hasPrefix($0) && text.utf8.count > $0.utf8.count }
    }

    /// `$NAME` at its beginning stands for a variable, as in `provider_config`.
    private func resolved(_ node: ConfigNode, _ path: String, _ log: inout DiagnosticLog) -> String? {
        var references = EnvironmentReferences(environment: environment)
        let text = references.resolve(node, at: ConfigPath(path)).string
        guard let missing = references.missing.first else { return text }
        log.error(
            at: node.mark, path,
            "the environment variable \(missing.variable) is not set; set it (in .env, for example)")
        return nil
    }

    // MARK: What goes with it

    private func readHeaders(_ config: inout HostConfig.Tracing, _ log: inout DiagnosticLog) {
        for member in node?["headers"]?.object?.members ?? [] {
            let path = ConfigPath("tracing.headers").key(member.key).description
            guard let value = resolved(member.value, path, &log) else { continue }
            if HeaderText.isLegal(member.key, value) {
                config.set(header: member.key, value)
            } else {
                log.error(at: member.value.mark, path, HeaderText.mistake)
            }
        }
        let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"]
        guard let name = names.first(where: { environment[$0] != nil }), let text = environment[name] else { return }
        for (key, value) in PairList.read(text) {
            guard let key, let value, HeaderText.isLegal(key, value) else {
                log.add(
                    Diagnostic(
                        .error, file: "environment", path: name,
                        message: "must be name=value pairs with commas between them; " + HeaderText.mistake))
                return
            }
            config.set(header: key, value)
        }
    }

    private func readResource(_ config: inout HostConfig.Tracing, _ log: inout DiagnosticLog) {
        if let name = node?["service_name"]?.string { config.set(resource: "service.name", name) }
        if let text = environment["OTEL_RESOURCE_ATTRIBUTES"] {
            for (key, value) in PairList.read(text) {
                if let key, let value {
                    config.set(resource: key, value)
                } else {
                    log.add(
                        TracingDoubts.of(
                            "OTEL_RESOURCE_ATTRIBUTES", "holds what is no name=value pair; it is left out"))
                }
            }
        }
        if let name = environment["OTEL_SERVICE_NAME"] { config.set(resource: "service.name", name) }
    }

    private func readTimeout(_ config: inout HostConfig.Tracing, _ log: inout DiagnosticLog) {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"]
        guard let name = names.first(where: { environment[$0] != nil }), let text = environment[name] else { return }
        if let milliseconds = Int(text), (100...600_000).contains(milliseconds) {
            config.timeoutMs = milliseconds
        } else {
            log.add(
                TracingDoubts.of(
                    name, "'\(text)' is no number of milliseconds from 100 to 600000; \(config.timeoutMs) is used"))
        }
    }
}

extension HostConfig.Tracing {
    /// Names count whatever their case is.
    fileprivate mutating func set(header name: String, _ value: String) {
        headers.removeAll { $0.name.lowercased() == name.lowercased() }
        headers.append(TracingHeader(name: name, value: value))
    }

    fileprivate mutating func set(resource name: String, _ value: String) {
        if let place = resource.firstIndex(where: { $0.name == name }) {
            resource[place].value = value
        } else if resource.count < Self.maxResource {
            resource.append(TracingResource(name: name, value: value))
        }
    }

    private static let maxResource = 64
}
