import LogModel

/// Parts of requests and answers that are secret by their names, whatever the configuration says.
enum HiddenParts {
    private static let names: Set<String> = [
        "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token",
        "cookie", "set-cookie", "x-auth-token", "www-authenticate",
    ]
    /// Of a query's parameters.
    private static let words = ["key", "token", "secret", "sig", "auth", "password", "credential", "code"]

    static func isSecret(_ name: String) -> Bool {
        guard let first = name.utf8.first, mayBeSecret(first), name.utf8.count <= longestName else { return false }
        return names.contains(name.lowercased())
    }

    /// Hides them in a record. Most records have none, and are only looked at.
    static func hide(in record: inout ExchangeRecord) {
        for place in record.attempts.indices {
            hide(in: &record.attempts[place])
        }
    }

    private static func hide(in attempt: inout AttemptRecord) {
        if attempt.url.utf8.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "@") }) {
            attempt.url = url(attempt.url)
        }
        for index in attempt.headers.indices
        where isSecret(attempt.headers[index].name) && attempt.headers[index].value != ExchangeRecord.hidden {
            attempt.headers[index].value = ExchangeRecord.hidden
        }
        if let answer = head(attempt.answer) { attempt.answer = answer }
    }

    /// A head with `***` in lines whose names are secret; nil if there are none.
    private static func head(_ bytes: [UInt8]) -> [UInt8]? {
        guard lineStarts(of: bytes).contains(where: { hiddenName(in: bytes, at: $0) != nil }) else { return nil }
        let shown = bytes.split(separator: UInt8(ascii: "\n")).map { line -> [UInt8] in
            guard let colon = hiddenName(in: bytes, at: line.startIndex) else { return Array(line) }
            return Array(line[...colon]) + Array(" ***\r".utf8)
        }
        return Array(shown.joined(separator: [UInt8(ascii: "\n")]))
    }

    /// Only of lines whose first letter is one that matters.
    private static func lineStarts(of bytes: [UInt8]) -> [Int] {
        var starts: [Int] = []
        var isStart = true
        for (place, byte) in bytes.enumerated() {
            if isStart, mayBeSecret(byte) { starts.append(place) }
            isStart = byte == UInt8(ascii: "\n")
        }
        return starts
    }

    /// Where the name that begins at `start` ends, if it is a secret's.
    private static func hiddenName(in bytes: [UInt8], at start: Int) -> Int? {
        guard let colon = bytes[start...].prefix(longestName + 1).firstIndex(of: UInt8(ascii: ":")) else { return nil }
        return isSecret(String(decoding: bytes[start..<colon], as: UTF8.self)) ? colon : nil
    }

    private static let longestName = names.reduce(0) { max($0, $1.utf8.count) }

    /// By its first letter.
    private static func mayBeSecret(_ first: UInt8) -> Bool {
        switch first | 0x20 {
        case UInt8(ascii: "a"), UInt8(ascii: "p"), UInt8(ascii: "x"), UInt8(ascii: "c"), UInt8(ascii: "s"),
            UInt8(ascii: "w"):
            return true
        default: return false
        }
    }

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
