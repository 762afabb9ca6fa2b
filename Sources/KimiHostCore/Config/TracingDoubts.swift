import CanonicalModel

/// OpenTelemetry's variables that others understand and the host does not: nobody shall believe that they work.
enum TracingDoubts {
    private static let exporter = ["OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"]
    /// Variables, and what there is in their place.
    private static let unused = [
        ("OTEL_TRACES_SAMPLER", "tracing.ratio says what is recorded"),
        ("OTEL_BSP_SCHEDULE_DELAY", "spans go out a second later"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "tracing.timeout says how long a request may take"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "tracing.queue_spans says how many may wait"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "a request has at most \(TracingLimits.batch) spans"),
    ]

    static func add(_ endpoint: String, _ environment: Environment, _ log: inout DiagnosticLog) {
        func tell(_ name: String, _ words: (String) -> String, unless: (String) -> Bool = { _ in false }) {
            guard let text = environment[name], !unless(text) else { return }
            log.add(of(name, words("'\(LogText.oneLine(String(text.prefix(40))))'")))
        }
        for (name, instead) in unused { tell(name) { "\($0) is not used; \(instead)" } }
        for prefix in exporter {
            tell(prefix + "PROTOCOL", { "\($0) is not spoken here; traces go out as http/json" }) { $0 == "http/json" }
            tell(prefix + "COMPRESSION", { "\($0) is not used; spans go out as they are" }) { $0 == "none" }
            tell(prefix + "CERTIFICATE") { "\($0) is not used; SSL_CERT_FILE names the certificates that are trusted" }
            tell(prefix + "CLIENT_CERTIFICATE") { "\($0) is not used; the host shows a collector no certificate" }
        }
        tell("OTEL_TRACES_EXPORTER", { "\($0) is not known; spans go out by OTLP" }) { $0 == "otlp" }
        tell("OTEL_PROPAGATORS", { "\($0) is not used; upstreams get traceparent, or nothing (tracing.propagate)" }) {
            $0.split(separator: ",").contains("tracecontext")
        }
        let place = endpoint.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first ?? ""
        if place.hasSuffix(":4317") {
            log.warning(
                at: nil, "tracing.endpoint", "port 4317 is where collectors take gRPC; OTLP/HTTP is at 4318, mostly")
        }
    }

    static func of(_ name: String, _ message: String) -> Diagnostic {
        Diagnostic(.warning, file: "environment", path: name, message: message)
    }
}
