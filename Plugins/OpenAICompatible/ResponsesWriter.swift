internal import PluginABI
internal import PluginKit
internal import WireJSON

/// From a canonical request to one of the Responses API (docs/openai-compatible.md, "Responses upstreams"). Values that
/// are used as they are keep their bytes. One pass over messages, parts and tools: linear in the request.
struct ResponsesWriter {
    let out: ByteWriter
    let root: JSONSpan
    let options: OpenAIOptions
    /// The client speaks Responses itself, so native parts and tools are its own.
    let isResponses: Bool
    var losses: CanonicalLosses
    /// Ids of calls of custom tools, whose results have a type of their own.
    var customCalls: Set<[UInt8]> = []

    /// The body. What it cannot say is added to `losses`.
    static func write(
        _ request: RequestView, _ options: OpenAIOptions, _ losses: inout CanonicalLosses
    ) throws(PluginFailure) -> [UInt8] {
        guard let outline = try? JSONOutline(request.json), outline.root.kind == .object else {
            throw PluginFailure(KIMI_E_ARG, KIMI_CAT_BAD_REQUEST, "The request is not a JSON object.")
        }
        var writer = ResponsesWriter(
            out: ByteWriter(capacity: request.json.count + 512), root: outline.root, options: options,
            isResponses: request.dialect.matches("openai.responses"), losses: losses)
        writer.request(isStream: request.wantsStream, model: request.model)
        withExtendedLifetime(outline) {}
        losses = writer.losses
        return writer.out.bytes
    }

    private mutating func request(isStream: Bool, model: UnsafeRawBufferPointer) {
        out.append(#"{"model":"#)
        out.appendJSONString(model)
        out.append(#","input":["#)
        input()
        out.append("]")
        if isStream { out.append(#","stream":true"#) }
        tools()
        parameters(model)
        out.append("}")
    }

    /// Begins a further member.
    func name(_ name: StaticString) {
        out.append(",\"")
        out.append(name)
        out.append("\":")
    }

    /// A further member with a value that is there already.
    func copy(_ name: StaticString, _ value: JSONSpan) {
        self.name(name)
        out.append(bytes: value.raw)
    }

    /// A further member, if it is there and not null.
    func copy(_ name: StaticString, as other: StaticString? = nil, from object: JSONSpan) {
        if let value = object[name], value.kind != .null { copy(other ?? name, value) }
    }
}

extension JSONSpan {
    /// The array's elements; none if it is missing or of another kind.
    static func elements(of array: JSONSpan?, in owner: JSONSpan) -> JSONSpanElements {
        array.map { $0.kind == .array ? $0.elements : .init(none: owner) } ?? .init(none: owner)
    }

    /// Nil for `null`.
    var present: JSONSpan? { kind == .null ? nil : self }
}
