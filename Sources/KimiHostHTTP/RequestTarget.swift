/// What a request's path asks for. A value, from the bytes of the request line.
struct RequestTarget: Equatable {
    enum Endpoint: Equatable {
        case chatCompletions
    }

    let endpoint: Endpoint
    /// The first path segment of `/<profile>/v1/…`.
    let profile: String?

    /// Nil for every path that the exchange pipeline does not serve.
    init?(uri: String) {
        let path = uri.prefix { $0 != "?" && $0 != "#" }
        let suffix = "/v1/chat/completions"
        guard path.hasSuffix(suffix) else { return nil }
        let front = path.dropLast(suffix.count)
        if front.isEmpty {
            profile = nil
        } else {
            let name = front.dropFirst()
            guard front.first == "/", !name.isEmpty, !name.contains("/") else { return nil }
            profile = String(name)
        }
        endpoint = .chatCompletions
    }
}
