import LogModel

/// Parts of requests and answers that are secret by their names, whatever the configuration says.
enum HiddenParts {
    private static let names: Set<String> = [
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token",
        "cookie", "set-cookie", "x-auth-token", "www-authenticate",
    ]
    /// Of a query's parameters.
    private static let words = ["key", "token", "secret", "sig", "auth", "password", "credential", "code"]

    static func isSecret(_ name: String) -> Bool { names.contains(name.lowercased()) }

    /// A URL without user and password, and without the values of parameters whose names sound secret.
    static func url(_ url: String) -> String {
        guard let question = url.firstIndex(of: "?") else { return withoutUser(url) }
        let parameters = url[url.index(after: question)...].split(separator: "&", omittingEmptySubsequences: false)
        let shown = parameters.map { parameter -> String in
            guard let equals = parameter.firstIndex(of: "=") else { return String(parameter) }
            let name = parameter[..<equals].lowercased()
            return words.contains { name.contains($0) }
                ? String(parameter[...equals]) + ExchangeRecord.hidden : String(parameter)
        }
        return withoutUser(String(url[..<question])) + "?" + shown.joined(separator: "&")
    }

    private static func withoutUser(_ url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound else { return url }
        let authority = url[start...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return url }
        return String(url[..<start] + url[url.index(after: at)...])
    }

    /// The lines of a head.
    static func headers(_ head: [UInt8]) -> [AttemptRecord.Header] {
        head.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else { return nil }
            let name = String(decoding: line[..<colon], as: UTF8.self)
            let value = line[(colon + 1)...].drop { $0 == 0x20 || $0 == 0x09 }
            let end = value.lastIndex { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
            return .init(name: name, value: end.map { String(decoding: value[...$0], as: UTF8.self) } ?? "")
        }
    }
}
