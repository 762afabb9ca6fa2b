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
        let path = uri.utf8.prefix { $0 != 0x3F && $0 != 0x23 }
        let suffix = Self.chatCompletions
        guard path.count >= suffix.count, path.suffix(suffix.count).elementsEqual(suffix) else { return nil }
        let front = path.dropLast(suffix.count)
        endpoint = .chatCompletions
        if front.isEmpty {
            profile = nil
        } else {
            let name = front.dropFirst()
            guard front.first == 0x2F, !name.isEmpty, !name.contains(0x2F) else { return nil }
            profile = String(decoding: name, as: UTF8.self)
        }
    }
}
