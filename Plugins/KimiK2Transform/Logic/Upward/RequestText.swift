import WireJSON

/// Decodes texts of the request; parsers are made when the first one is needed.
final class RequestText {
    let json: Bytes
    private var outer: JSONParser?
    private var inner: JSONParser?

    init(_ json: Bytes) { self.json = json }

    func isString(_ span: Span) -> Bool { json[span.range.lowerBound] == UInt8(ascii: "\"") }

    func isNull(_ span: Span) -> Bool { json[span.range.lowerBound] == UInt8(ascii: "n") }

    /// A string's text, borrowed for the closure; nil for other kinds and for what cannot be decoded.
    func withText<Result>(_ span: Span, _ body: (Bytes) -> Result) -> Result? {
        guard isString(span) else { return nil }
        if !span.isEscaped { return body(json.slice(span.inner)) }
        return withValue(json.slice(span.range)) { $0.stringBytes.map(body) } ?? nil
    }

    /// A string's text, copied.
    func text(_ span: Span) -> [UInt8]? { withText(span) { [UInt8]($0) } }

    /// Is the value a string with nothing but blanks in it?
    func isBlankText(_ span: Span) -> Bool {
        guard isString(span) else { return false }
        let raw = json.slice(span.inner)
        if raw.isEmpty { return true }
        guard isBlank(raw[0]) || raw[0] == UInt8(ascii: "\\") else { return false }
        return withText(span) { $0.trimmedRange().isEmpty } ?? false
    }

    /// A parsed part of the request, valid in the closure; nil if it is no JSON or very deep.
    func withValue<Result>(_ bytes: Bytes, _ body: (JSONValue) -> Result) -> Result? {
        let parser = outer ?? JSONParser(maxDepth: UpwardLimits.depth)
        outer = parser
        guard let value = try? parser.parse(bytes) else { return nil }
        return body(value)
    }

    /// The same for JSON inside a value that `withValue` gave.
    func withInnerValue<Result>(_ bytes: Bytes, _ body: (JSONValue) -> Result) -> Result? {
        let parser = inner ?? JSONParser(maxDepth: UpwardLimits.depth)
        inner = parser
        guard let value = try? parser.parse(bytes) else { return nil }
        return body(value)
    }
}

/// Bounds of what is done on the request's way up.
enum UpwardLimits {
    /// Nesting of what is parsed: arguments, tools, lists of content.
    static let depth = 128
    /// Thought that is remembered for one message. Bytes.
    static let thought = 256 << 10
    /// Arguments of one message's calls, all together, that its thought can be filed under. Bytes.
    static let arguments = 256 << 10
    static let calls = 256
    /// What an answer without calls is known by: so much of its beginning, and its length. Bytes.
    static let answer = 512
    /// What a conversation is known by: so much of its first message. Bytes.
    static let opening = 4096
    /// Nodes of one tool's schema after its references were put in.
    static let schemaNodes = 20_000
    static let schemaDepth = 48
    /// The most that a note tells of a name. Bytes.
    static let noteName = 64
}
