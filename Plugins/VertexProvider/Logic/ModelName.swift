internal import PluginABI
internal import PluginKit

/// What a model's id says about where and how it is served.
struct ModelName: Sendable, Equatable {
    /// The two APIs that this plugin speaks.
    enum API: String, Sendable {
        /// The OpenAI-compatible endpoint of open models ("MaaS").
        case chat
        /// `generateContent`.
        case gemini
    }

    let api: API
    /// As the upstream gets it: the body's `model` (chat), or the path after the version (gemini).
    let id: String
    /// The place that the id itself names.
    let location: String?
    /// The generation of a Gemini model, such as 2.5; nil for others and for tuned ones.
    let generation: Double?
    /// Lower case, without publisher: `gemini-2.5-flash`.
    let shortName: String

    /// Fails for an id that could not be part of a URL, and for models that need another API.
    init(_ text: String, api chosen: API?) throws(PluginFailure) {
        try Self.check(text)
        let lower = text.lowercased()
        if chosen != .gemini, lower.contains("claude") || lower.contains("publishers/anthropic/") {
            throw .badRequest(
                "Model '\(text)' is an Anthropic model: on Vertex AI those speak the Messages API, which the provider "
                    + "'vertex' does not serve. Use the provider 'anthropic', or a Gemini or '-maas' model.")
        }
        api = chosen ?? (lower.contains("/") && lower.hasSuffix("-maas") ? .chat : .gemini)
        id = text
        let parts = text.split(separator: "/")
        location = Self.value(after: "locations", in: parts)
        let name = (parts.last.map(String.init) ?? text).lowercased()
        shortName = name
        generation = Self.generation(name)
    }

    /// The resource's path under `/v1/`, in that project and place.
    func resource(project: String, location: String) -> String {
        if id.hasPrefix("projects/") { return id }
        let base = "projects/\(project)/locations/\(location)/"
        if id.hasPrefix("publishers/") || id.hasPrefix("endpoints/") { return base + id }
        if id.hasPrefix("models/") { return base + "publishers/google/" + id }
        guard let slash = id.firstIndex(of: "/") else { return base + "publishers/google/models/" + id }
        return base + "publishers/\(id[..<slash])/models/\(id[id.index(after: slash)...])"
    }

    /// Is it Google's own model, which is found at the place for Gemini?
    var isGoogle: Bool {
        !id.contains("/") || ["google/", "models/", "publishers/google/"].contains { id.hasPrefix($0) }
    }

    private static func check(_ text: String) throws(PluginFailure) {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_.@:/".utf8.contains(byte)
            }
        }
        let segments = text.split(separator: "/", omittingEmptySubsequences: false)
        guard isPlain, !text.isEmpty, text.utf8.count <= 512,
            !segments.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." })
        else {
            throw .badRequest(
                "Model '\(String(text.prefix(80)))' is no id of Vertex AI; write one such as gemini-2.5-flash, "
                    + "moonshotai/kimi-k2-thinking-maas or projects/…/locations/…/endpoints/….")
        }
    }

    private static func value(after word: String, in parts: [Substring]) -> String? {
        guard parts.first == "projects", let place = parts.firstIndex(of: word[...]), place + 1 < parts.count else {
            return nil
        }
        return String(parts[place + 1])
    }

    /// `gemini-2.5-flash` is 2.5, `gemini-3-pro-preview` 3.
    private static func generation(_ name: String) -> Double? {
        guard name.hasPrefix("gemini-") else { return nil }
        let digits = name.dropFirst("gemini-".count).prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        return Double(digits)
    }
}
