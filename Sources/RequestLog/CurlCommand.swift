import WireJSON

/// An exchange as a command for a shell.
package enum CurlCommand {
    /// Bytes of a body that stands in the command itself; kernels bound a word, Linux at 128 KiB.
    private static let maxWord = 64 << 10
    private static let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)

    /// The client's request against a host at `base`, as curl sends it again: a long body stands behind it, as the
    /// command's input. Without a kept body, or if it was cut, the command has none and a comment says so. Headers of
    /// the client's are not kept, keys least of all.
    package static func text(of row: LogRow, bodies: [LogBody], base: String) -> String {
        let words = ["curl", "-sS", quoted(base + path(row)), "-H", quoted("content-type: application/json")]
        let command = words.joined(separator: " ")
        guard let body = bodies.first(where: { $0.kind == .request }), !body.isCut,
            let text = String(validating: body.bytes, as: UTF8.self), !text.utf8.contains(0)
        else {
            return command + "  # the body of \(row.id) was not kept whole"
        }
        let word = quoted(text)
        guard word.utf8.count > maxWord else { return "\(command) --data-raw \(word)" }
        let end = delimiter(for: body.bytes)
        return "\(command) --data-binary @- <<'\(end)'\n\(text)\n\(end)"
    }

    private static func path(_ row: LogRow) -> String {
        let profile = profile(of: row).map { "/" + escaped($0) } ?? ""
        return profile + path(row.dialect)
    }

    private static func profile(of row: LogRow) -> String? {
        // Values live as long as their parser does.
        let parser = JSONParser()
        return withExtendedLifetime(parser) { try? parser.parse(row.detail)["profile"]?.string }
    }

    private static func path(_ dialect: String) -> String {
        switch dialect {
        case "openai.responses": "/v1/responses"
        case "openai.completions": "/v1/completions"
        case "openai.embeddings": "/v1/embeddings"
        case "anthropic.messages": "/v1/messages"
        case "anthropic.count_tokens": "/v1/messages/count_tokens"
        default: "/v1/chat/completions"
        }
    }

    /// One segment of a URL's path (RFC 3986, 2.1).
    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if plain.contains(byte) {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    /// A line that the body does not have.
    private static func delimiter(for body: [UInt8]) -> String {
        let taken = Set(body.split(separator: 0x0A).filter { $0.starts(with: "EOF".utf8) && $0.count < 16 })
        var (name, number) = ("EOF", 0)
        while taken.contains(Array(name.utf8)[...]) {
            number += 1
            name = "EOF\(number)"
        }
        return name
    }

    /// One word for a POSIX shell, whatever is in it.
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
