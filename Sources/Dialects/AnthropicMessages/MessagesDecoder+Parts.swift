import CanonicalModel
import WireJSON

/// Kinds of content blocks that the decoder tells apart; all others ride along.
enum BlockKind {
    case text, image, document, searchResult, thinking, redactedThinking, toolUse, toolResult, other
}

/// Content blocks as canonical parts.
extension MessagesDecoder {
    func kind(of block: JSONSpan) throws(ExchangeError) -> BlockKind {
        try object(block)
        let type = try string("type", of: block)
        if type.matches("text") { return .text }
        if type.matches("tool_result") { return .toolResult }
        if type.matches("tool_use") { return .toolUse }
        if type.matches("thinking") { return .thinking }
        if type.matches("image") { return .image }
        if type.matches("document") { return .document }
        if type.matches("redacted_thinking") { return .redactedThinking }
        return type.matches("search_result") ? .searchResult : .other
    }

    /// A string, or blocks.
    mutating func content(of value: JSONSpan) throws(ExchangeError) {
        switch value.kind {
        case .string: out.append(bytes: value.raw)
        case .array: try parts(Array(value.elements))
        default: throw wrong(value, "a string or an array of content blocks")
        }
    }

    /// One text without anything else is a plain string: every upstream takes that.
    mutating func parts(_ blocks: [JSONSpan]) throws(ExchangeError) {
        if blocks.count == 1, let text = try plainText(blocks[0]) { return out.append(bytes: text.raw) }
        let start = out.count
        partCount = 0
        out.append("[")
        for block in blocks { try part(block) }
        out.append("]")
        guard partCount == 0 else { return }
        out.truncate(to: start)
        out.append(#""""#)
    }

    private mutating func plainText(_ block: JSONSpan) throws(ExchangeError) -> JSONSpan? {
        guard try kind(of: block) == .text, block.some("cache_control") == nil, block.some("citations") == nil else {
            return nil
        }
        dropUnknown(block, blockPattern, known: ["type", "text", "cache_control", "citations"])
        return try string("text", of: block)
    }

    private mutating func part(_ block: JSONSpan) throws(ExchangeError) {
        switch try kind(of: block) {
        case .text: try text(block)
        case .image: try image(block)
        case .document: try document(block)
        case .searchResult: try searchResult(block)
        default: nativePart(block)
        }
    }

    func writeNative(_ value: JSONSpan) {
        out.append(#"{"type":"native","native":"#)
        out.append(bytes: value.raw)
        out.append("}")
    }

    mutating func nativePart(_ block: JSONSpan) {
        comma()
        writeNative(block)
    }

    /// Before each part.
    mutating func comma() {
        if partCount > 0 { out.append(",") }
        partCount += 1
    }

    private mutating func text(_ block: JSONSpan) throws(ExchangeError) {
        let text = try string("text", of: block)
        comma()
        out.append(#"{"type":"text","text":"#)
        out.append(bytes: text.raw)
        write("citations", try optionalArray("citations", of: block))
        try cacheControl(block)
        out.append("}")
        dropUnknown(block, blockPattern, known: ["type", "text", "cache_control", "citations"])
    }

    /// Anthropic's files are known at Anthropic only, so an image that is one rides along as it is.
    mutating func image(_ block: JSONSpan) throws(ExchangeError) {
        let source = try self.source(of: block)
        let type = try string("type", of: source)
        guard type.matches("base64") || type.matches("url") else { return nativePart(block) }
        comma()
        out.append(#"{"type":"image_url","image_url":{"url":"#)
        if type.matches("url") {
            out.append(bytes: try string("url", of: source).raw)
        } else {
            try dataURL(source)
        }
        out.append("}")
        try cacheControl(block)
        out.append("}")
        dropUnknown(block, blockPattern, known: ["type", "source", "cache_control"])
    }

    func source(of block: JSONSpan) throws(ExchangeError) -> JSONSpan {
        let source = try member("source", of: block)
        try object(source)
        return source
    }

    /// `"data:TYPE;base64,DATA"` from the two strings as they stand.
    func dataURL(_ source: JSONSpan) throws(ExchangeError) {
        let type = try string("media_type", of: source)
        let data = try string("data", of: source)
        out.append(#""data:"#)
        out.append(bytes: type.inner)
        out.append(";base64,")
        out.append(bytes: data.inner)
        out.append("\"")
    }
}
