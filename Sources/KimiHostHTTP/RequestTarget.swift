import Dialects

/// What a request's path asks for. A value, from the bytes of the request line.
struct RequestTarget: Equatable {
    enum Endpoint: Equatable, CaseIterable {
        case chatCompletions, messages, countTokens, responses, completions, embeddings

        var dialect: ClientDialect {
            switch self {
            case .chatCompletions: .chat
            case .messages, .countTokens: .messages
            case .responses: .responses
            case .completions: .completions
            case .embeddings: .embeddings
            }
        }

        /// The API with its name in the log and in manifests.
        var native: NativeDialect {
            switch self {
            case .chatCompletions: .chat
            case .messages: .messages
            case .countTokens: .countTokens
            case .responses: .responses
            case .completions: .completions
            case .embeddings: .embeddings
            }
        }
    }

    init(endpoint: Endpoint, profile: String?) {
        (self.endpoint, self.profile) = (endpoint, profile)
    }

    let endpoint: Endpoint
    /// The first path segment of `/<profile>/v1/…`.
    let profile: String?

    private struct Profile {
        let name: String?
    }

    private static let endpoints: [([UInt8], Endpoint)] = [
        (Array("/chat/completions".utf8), .chatCompletions), (Array("/messages".utf8), .messages),
        (Array("/messages/count_tokens".utf8), .countTokens), (Array("/responses".utf8), .responses),
        (Array("/completions".utf8), .completions), (Array("/embeddings".utf8), .embeddings),
    ]
    private static let version = Array("/v1".utf8)

    /// Nil for every path that the exchange pipeline does not serve.
    init?(uri: String) {
        let path = Self.withoutAuthority(uri.utf8[...]).prefix { $0 != 0x3F && $0 != 0x23 }
        guard let (front, endpoint) = Self.endpoint(of: path), let profile = Self.profile(of: front) else { return nil }
        self.endpoint = endpoint
        self.profile = profile.name
    }

    /// The endpoint, and the path before its version.
    private static func endpoint(
        of path: Substring.UTF8View
    ) -> (front: Substring.UTF8View, endpoint: Endpoint)? {
        for (suffix, endpoint) in endpoints where ends(path, with: suffix) {
            var front = path.dropLast(suffix.count)
            guard ends(front, with: version) else { continue }
            front = front.dropLast(version.count)
            // Clients that add `/v1` to a base URL that has it already are forgiven.
            if ends(front, with: version) { front = front.dropLast(version.count) }
            return (front, endpoint)
        }
        return nil
    }

    /// The profile that `/<profile>` names, or none; nil if this is no such path.
    private static func profile(of front: Substring.UTF8View) -> Profile? {
        if front.isEmpty { return Profile(name: nil) }
        let name = front.dropFirst()
        guard front.first == 0x2F, !name.isEmpty, !name.contains(0x2F), let decoded = PercentEncoding.decoded(name)
        else {
            return nil
        }
        return Profile(name: decoded)
    }

    private static func ends(_ path: Substring.UTF8View, with suffix: [UInt8]) -> Bool {
        path.count >= suffix.count && path.suffix(suffix.count).elementsEqual(suffix)
    }

    /// `http://host/path` is as good as `/path` (RFC 9112, 3.2.2).
    private static func withoutAuthority(_ uri: Substring.UTF8View) -> Substring.UTF8View {
        guard uri.first != 0x2F else { return uri }
        for scheme in ["http://", "https://"] where uri.starts(with: scheme.utf8) {
            return uri.dropFirst(scheme.utf8.count).drop { $0 != 0x2F }
        }
        return uri
    }
}

/// Escapes of a URL's path (RFC 3986, 2.1).
enum PercentEncoding {
    /// Nil for a broken escape.
    static func decoded(_ text: Substring.UTF8View) -> String? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
