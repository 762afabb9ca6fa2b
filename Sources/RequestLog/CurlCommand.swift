/// An exchange as a command for a shell.
package enum CurlCommand {
    /// The client's request against a host at `base`, as curl sends it again. Without a kept body, or if it was cut, the
    /// command has none and a comment says so. Headers of the client's are not kept, keys least of all.
    package static func text(of row: LogRow, bodies: [LogBody], base: String) -> String {
        var words = ["curl", "-sS", quoted(base + path(row.dialect)), "-H", quoted("content-type: application/json")]
        guard let body = bodies.first(where: { $0.kind == .request }), !body.isCut,
            let text = String(validating: body.bytes, as: UTF8.self), !text.utf8.contains(0)
        else {
            return words.joined(separator: " ") + "  # the body of \(row.id) was not kept whole"
        }
        words += ["--data-raw", quoted(text)]
        return words.joined(separator: " ")
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

    /// One word for a POSIX shell, whatever is in it.
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
