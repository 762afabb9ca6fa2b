package import CanonicalModel
package import WireJSON

/// POST /v1/messages/count_tokens where no upstream counts: an estimate from the request's size.
///
/// Texts count one token per 3.5 bytes of UTF-8 as they stand in the request; tool inputs and schemas the same, with
/// their JSON. Fixed amounts: 1,600 per image, 3,000 per document that is not at hand, 4 per message, 300 once if there
/// are tools, and 300 per hosted tool. A document that is at hand counts one token per 30 bytes, 1,500 at least. Not
/// counted: signatures and encrypted data.
package struct TokenEstimate {
    private var bytes = 0
    private var tokens = 0

    /// The request, checked and canonical (`max_tokens` may be missing), and the estimate. `parser` is free again on return.
    package static func decode(
        _ body: UnsafeRawBufferPointer, parser: JSONParser, options: MessagesDecoder.Options = .init()
    ) throws(ExchangeError) -> (request: DecodedRequest, inputTokens: Int) {
        let outline = try MessagesDecoder.outline(of: body, parser)
        defer { withExtendedLifetime(outline) {} }
        let request = try MessagesDecoder.decode(outline.root, size: body.count, options, ByteWriter())
        var estimate = TokenEstimate()
        estimate.add(request: outline.root)
        return (request, estimate.total)
    }

    /// `{"input_tokens":N}`
    package static func write(_ inputTokens: Int, to out: ByteWriter) {
        out.append(#"{"input_tokens":"#)
        out.append(int: Int64(inputTokens))
        out.append("}")
    }

    private var total: Int { tokens + (bytes * 2 + 6) / 7 }

    private mutating func add(request: JSONSpan) {
        if let system = request["system"] { add(content: system) }
        if let messages = request["messages"] {
            for message in messages.elements {
                tokens += 4
                if let content = message["content"] { add(content: content) }
            }
        }
        guard let tools = request.some("tools"), tools.hasElements else { return }
        tokens += 300
        for tool in tools.elements { add(tool: tool) }
    }

    private mutating func add(tool: JSONSpan) {
        if let type = tool.some("type"), !type.matches("custom") {
            tokens += 300
            return
        }
        for name: StaticString in ["name", "description"] { bytes += tool[name]?.inner.count ?? 0 }
        bytes += tool["input_schema"]?.raw.count ?? 0
    }

    private mutating func add(content: JSONSpan) {
        bytes += content.inner.count
        for block in content.elements { add(block: block) }
    }

    private mutating func add(block: JSONSpan) {
        let type = block["type"]
        if type?.matches("image") == true {
            tokens += 1_600
        } else if type?.matches("document") == true {
            add(document: block)
        } else {
            for name: StaticString in ["text", "thinking", "name", "title", "source"] {
                bytes += block[name]?.inner.count ?? 0
            }
            bytes += block.some("input")?.raw.count ?? 0
            if let content = block["content"] { add(content: content) }
        }
    }

    private mutating func add(document: JSONSpan) {
        for name: StaticString in ["title", "context"] { bytes += document[name]?.inner.count ?? 0 }
        guard let source = document["source"], let type = source["type"] else { return }
        if type.matches("base64") {
            // Four characters of base64 are three bytes.
            tokens += max(1_500, (source["data"]?.inner.count ?? 0) / 40)
        } else if type.matches("text") {
            bytes += source["data"]?.inner.count ?? 0
        } else if type.matches("content"), let content = source["content"] {
            add(content: content)
        } else {
            tokens += 3_000
        }
    }
}
