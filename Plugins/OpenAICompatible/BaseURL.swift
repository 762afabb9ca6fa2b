internal import PluginABI
internal import PluginKit
internal import WireJSON

/// What of the API a request is for.
public enum Endpoint: String, Sendable, CaseIterable {
    case chat = "/chat/completions"
    case responses = "/responses"
    case completions = "/completions"
    case embeddings = "/embeddings"

    /// The endpoint of a client dialect; nil for one that is not OpenAI's.
    init?(dialect: UnsafeRawBufferPointer) {
        if dialect.matches("openai.chat") {
            self = .chat
        } else if dialect.matches("openai.responses") {
            self = .responses
        } else if dialect.matches("openai.completions") {
            self = .completions
        } else if dialect.matches("openai.embeddings") {
            self = .embeddings
        } else {
            return nil
        }
    }
}

/// A configured base URL, taken apart: trailing slashes count for nothing, a base without a path gets `/v1`, a query
/// stays at the end, and a base that names an endpoint already stands for its siblings too.
struct BaseURL: Sendable {
    let scheme: String
    let host: Substring
    /// With a slash at the front, none at the end; may be empty.
    var path: String
    var query: String
    /// The base named this endpoint.
    let named: Endpoint?

    init(_ text: String) throws(PluginFailure) {
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var base = parts[0]
        while base.last == "/" { base.removeLast() }
        let lower = base.lowercased()
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }), base.count > scheme.count,
            !text.contains(where: { $0.isWhitespace || $0 == "#" })
        else {
            throw PluginFailure(
                KIMI_E_CONFIG, KIMI_CAT_CONFIG,
                "baseUrl is '\(text)'; it must be an address such as https://api.example.com/v1.")
        }
        self.scheme = String(base.prefix(scheme.count))
        let rest = base.dropFirst(scheme.count)
        host = rest.prefix { $0 != "/" }
        path = String(rest.dropFirst(host.count))
        query = parts.count > 1 ? String(parts[1]) : ""
        named = Endpoint.allCases.first { [path] in path.hasSuffix($0.rawValue) }
        if let named { path.removeLast(named.rawValue.count) } else if path.isEmpty { path = "/v1" }
    }

    /// Path segments are added as they are.
    func url(_ tail: String) -> String {
        scheme + host + path + tail + (query.isEmpty ? "" : "?" + query)
    }

    /// Host, in lower case, and port of a URL; empty if it has none.
    static func authority(of url: String) -> (host: String, port: String) {
        guard let scheme = url.utf8.firstIndex(of: UInt8(ascii: ":")) else { return ("", "") }
        let rest = url[scheme...].dropFirst().drop { $0 == "/" }.prefix { !"/?#".contains($0) }
        let authority = rest.split(separator: "@").last ?? ""
        return (authority.prefix { $0 != ":" }.lowercased(), String(authority.drop { $0 != ":" }.dropFirst()))
    }
}

/// Where each endpoint is.
struct Endpoints: Sendable {
    private let base: BaseURL
    private let isAzure: Bool
    /// Azure's path has the deployment's name in it, which is the model's unless one is configured.
    private let hasDeployments: Bool
    private let deployment: String?

    /// - Parameters:
    ///   - apiVersion: Azure's `api-version`; a dated one wants URLs of deployments, none or a word (`preview`,
    ///     `latest`, `v1`) its newer API.
    init(_ url: String, flavour: Flavour, apiVersion: String?, deployment: String?) throws(PluginFailure) {
        var base = try BaseURL(url)
        let isDated =
            (apiVersion ?? Self.version(in: base.query))?.utf8.first.map { (0x30...0x39).contains($0) } ?? false
        var hasDeployments = false
        if flavour == .azure {
            let isBare = base.named == nil && ["/v1", "/openai", "/openai/v1"].contains(base.path)
            if isDated || deployment != nil, isBare {
                base.path = "/openai"
                hasDeployments = true
            } else if isBare {
                base.path = "/openai/v1"
            }
        }
        if let apiVersion {
            base.query = Self.adding("api-version", apiVersion, to: base.query)
        }
        self.base = base
        isAzure = flavour == .azure
        self.hasDeployments = hasDeployments
        self.deployment = deployment
    }

    /// - Parameter model: the upstream's name.
    func url(_ endpoint: Endpoint, model: UnsafeRawBufferPointer) -> String {
        if hasDeployments, endpoint != .responses {
            let name = deployment ?? String(decoding: model, as: UTF8.self)
            return base.url("/deployments/" + Self.segment(name) + endpoint.rawValue)
        }
        guard isAzure, endpoint == .responses, let end = Self.range(of: "/deployments/", in: base.path) else {
            return base.url(endpoint.rawValue)
        }
        // Azure's responses are not under a deployment; the body names the model.
        var above = base
        above.path = String(base.path.prefix(end))
        return above.url(endpoint.rawValue)
    }

    private static func range(of word: String, in path: String) -> Int? {
        let path = Array(path.utf8)
        let word = Array(word.utf8)
        guard path.count >= word.count else { return nil }
        return (0...(path.count - word.count)).first { path[$0...].starts(with: word) }
    }

    private static func version(in query: String) -> String? {
        query.split(separator: "&").first { $0.hasPrefix("api-version=") }.map { String($0.dropFirst(12)) }
    }

    private static func adding(_ name: String, _ value: String, to query: String) -> String {
        let others = query.split(separator: "&").filter { !$0.hasPrefix(name + "=") }
        return (others + ["\(name)=\(segment(value))"[...]]).joined(separator: "&")
    }

    /// Percent-encoded, as a path segment or a query's value.
    static func segment(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = Array("0123456789ABCDEF")
                result += "%"
                result.append(digits[Int(byte >> 4)])
                result.append(digits[Int(byte & 15)])
            }
        }
        return result
    }
}
