import OpenAIProviderLogic
import OpenRouterProviderLogic
import PluginABI
import WireJSON

/// A canonical request on its way to an upstream.
struct Canonical {
    enum Upstream: CaseIterable { case openAI, compatible, openRouter }

    /// The body as the upstream gets it.
    let body: String
    let patch: String?
    /// As kind, count and detail, told with the first frame.
    let notes: [String]

    init(
        _ json: String, _ upstream: Upstream = .compatible, dialect: String = "anthropic.messages",
        stream: Bool = false, flags: UInt32 = 0
    ) {
        let attempt: Attempt
        switch upstream {
        case .openAI: attempt = Attempt(stream: stream, dialect: dialect, json: json, flags: flags)
        case .compatible:
            let config = #"{"apiKey":"k","baseUrl":"https://example.com/v1"}"#
            attempt = Attempt(config: config, stream: stream, dialect: dialect, json: json, flags: flags)
        case .openRouter:
            attempt = Attempt(
                OpenRouterProvider.self, config: #"{"apiKey":"sk-1","usage":false}"#, stream: stream, dialect: dialect,
                json: json, flags: flags)
        }
        let patch = attempt.plan.values(KIMI_FIELD_BODY_PATCH).first
        self.patch = patch
        body = patch.map { Self.merge($0, json) } ?? json
        attempt.head(200)
        attempt.events([chunk(#"{"content":"x"}"#)])
        notes = attempt.record.notes
    }

    /// The request with these messages, and what becomes of them.
    static func messages(_ list: String, _ upstream: Upstream = .compatible) -> String {
        let head = #"{"model": "m", "messages": ["#
        let body = Canonical(head + list + "], \"seed\": 1}", upstream).body
        guard body.hasPrefix(head), body.hasSuffix("], \"seed\": 1}") else { return "not kept: " + body }
        return String(body.dropFirst(head.count).dropLast("], \"seed\": 1}".count))
    }

    static func merge(_ patch: String, _ json: String) -> String {
        let merged = Array(patch.utf8).withUnsafeBytes { patch in
            Array(json.utf8).withUnsafeBytes { try? JSONEdit.mergePatch(patch, into: $0) }
        }
        return merged.map { String(decoding: $0, as: UTF8.self) } ?? "no patch: \(patch)"
    }
}

/// How long the provider's `begin` takes.
enum BeginTime {
    /// Nanoseconds of the fastest of some runs.
    static func best(of runs: Int, _ json: String) -> Int {
        let bytes = Array(json.utf8)
        return bytes.withUnsafeBytes { bytes in
            let attempt = Attempt()
            return (0..<runs).map { _ in attempt.timeAgain(bytes, dialect: "anthropic.messages") }.min() ?? 0
        }
    }
}
