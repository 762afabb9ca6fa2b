/// What a request's path asks for. A value, from the bytes of the request line.
struct RequestTarget: Equatable {
    enum Endpoint: Equatable {
        case chatCompletions
    }

    let endpoint: Endpoint
    /// The first path segment of `/<profile>/v1/…`.
    let profile: String?

    private static let chatCompletions = Array("/v1/chat/completions".utf8)

    /// Nil for every path that the exchange pipeline does not serve.
    init?(uri: String) {
        let path = Self.withoutAuthority(uri.utf8[...]).prefix { $0 != 0x3F && $0 != 0x23 }
        let suffix = Self.chatCompletions
        guard path.count >= suffix.count, path.suffix(suffix.count).elementsEqual(suffix) else { return nil }
        let front = path.dropLast(suffix.count)
        endpoint = .chatCompletions
        if front.isEmpty {
            profile = nil
        } else {
            let name = front.dropFirst()
            guard front.first == 0x2F, !name.isEmpty, !name.contains(0x2F) else { return nil }
            guard let decoded = Self.percentDecoded(name) else { return nil }
            profile = decoded
        }
    }

    /// `http://host/path` is as good as `/path` (RFC 9112, 3.2.2).
    private static func withoutAuthority(_ uri: Substring.UTF8View) -> Substring.UTF8View {
        guard uri.first != 0x2F else { return uri }
        for scheme in ["http://", "https://"] where uri.starts(with: scheme.utf8) {
            return uri.dropFirst(scheme.utf8.count).drop { $0 != 0x2F }
        }
        return uri
    }

    /// Nil for a broken escape.
    private static func percentDecoded(_ text: Substring.UTF8View) -> String? {
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
