package import CanonicalModel
package import WireJSON

/// Reads requests of the Anthropic Messages API and writes the canonical request.
///
/// The text is checked whole by the parser; then its values' places are listed once, and everything that is used as it
/// is goes over as a copy of its bytes. Linear in the request.
package struct MessagesDecoder {
    /// What becomes of tools that Anthropic defines, such as `web_search_20250305` or `bash_20250124`.
    package enum HostedTools: Sendable {
        /// They ride along as `{"type":"native","native":{…}}`; the provider decides.
        case pass
        /// They are left out and listed in `DecodedRequest.dropped`.
        case strip
        /// The request fails, and the error names the tool.
        case refuse
    }

    package struct Options: Sendable {
        package var hostedTools: HostedTools
        /// The words of the `anthropic-beta` header; they become `anthropic_beta`.
        package var betas: [String]

        package init(hostedTools: HostedTools = .pass, betas: [String] = []) {
            self.hostedTools = hostedTools
            self.betas = betas
        }
    }

    let root: JSONSpan
    let options: Options
    let out: ByteWriter
    var dropped = DroppedFields()
    /// Names of hosted tools that were left out.
    var stripped: [String] = []
    var toolCount = 0
    var messageCount = 0
    var partCount = 0
    /// How the list of dropped fields calls the blocks at hand.
    var blockPattern: StaticString = "messages[*].content[*]"

    /// The body of POST /v1/messages, or of POST /v1/messages/count_tokens. `parser` and `scratch` are free again on
    /// return; a scratch that is kept saves a large request the pages of a new one.
    package static func decode(
        _ body: UnsafeRawBufferPointer, parser: JSONParser, options: Options = Options(),
        scratch: ByteWriter = ByteWriter()
    ) throws(ExchangeError) -> DecodedRequest {
        let outline = try outline(of: body, parser)
        defer { withExtendedLifetime(outline) {} }
        return try decode(outline.root, size: body.count, options, scratch)
    }

    static func outline(
        of body: UnsafeRawBufferPointer, _ parser: JSONParser
    ) throws(ExchangeError) -> JSONOutline {
        do {
            _ = try parser.parse(body)
            return try JSONOutline(body)
        } catch {
            throw .badRequest("the body is not valid JSON: \(error.message)", code: "invalid_json")
        }
    }

    static func decode(
        _ root: JSONSpan, size: Int, _ options: Options, _ scratch: ByteWriter
    ) throws(ExchangeError) -> DecodedRequest {
        guard root.kind == .object else {
            throw .badRequest("the body must be a JSON object, it is \(root.kind.article)")
        }
        scratch.removeAll()
        scratch.reserve(size + size / 8 + 512)
        var decoder = MessagesDecoder(root: root, options: options, out: scratch)
        return try decoder.run()
    }

    private init(root: JSONSpan, options: Options, out: ByteWriter) {
        self.root = root
        self.options = options
        self.out = out
    }

    private mutating func run() throws(ExchangeError) -> DecodedRequest {
        let model = try string("model", of: root)
        guard !model.inner.isEmpty else {
            throw .badRequest("model: must not be empty: name a model that GET /v1/models lists", param: "model")
        }
        try refuseThread()
        out.append(#"{"model":"#)
        out.append(bytes: model.raw)
        try messages()
        try tools()
        try toolChoice()
        try limits()
        try thinking()
        try outputFormat()
        try identity()
        betas()
        let wantsStream = try stream()
        try rest()
        out.append("}")
        return DecodedRequest(
            model: model.string ?? "", wantsStream: wantsStream, json: out.bytes, dropped: dropped.list)
    }
}

/// What has no equivalent, bounded: a request cannot make the list longer than `maxCount`.
struct DroppedFields {
    static let maxCount = 64
    private(set) var list: [DroppedField] = []

    /// Each path once.
    mutating func add(_ path: String, _ reason: String) {
        guard list.count < Self.maxCount, !list.contains(where: { $0.path == path }) else { return }
        let isLast = list.count == Self.maxCount - 1
        list.append(
            isLast
                ? DroppedField(path: "…", reason: "further members are not listed")
                : DroppedField(path: LogText.oneLine(path), reason: reason))
    }

    var isFull: Bool { list.count >= Self.maxCount }
}
