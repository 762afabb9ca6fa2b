import CanonicalModel
import WireJSON

/// Documents and search results: files stay files, texts become text parts that say what they are.
extension MessagesDecoder {
    mutating func document(_ block: JSONSpan) throws(ExchangeError) {
        let source = try self.source(of: block)
        let type = try string("type", of: source)
        try checkLabels(block)
        if type.matches("text") {
            let mediaType = try optionalString("media_type", of: source)
            try textDocument(block, try string("data", of: source), mediaType: mediaType)
            try closePart(block)
        } else if type.matches("content") {
            try contentDocument(block, source)
        } else if type.matches("base64") || type.matches("url") || type.matches("file") {
            try file(block, source, type)
        } else {
            return nativePart(block)
        }
        dropUnknown(
            block, blockPattern,
            known: ["type", "source", "cache_control", "title", "context", "citations"])
    }

    private func checkLabels(_ block: JSONSpan) throws(ExchangeError) {
        _ = try optionalString("title", of: block)
        _ = try optionalString("context", of: block)
        _ = try optionalObject("citations", of: block)
    }

    private mutating func file(_ block: JSONSpan, _ source: JSONSpan, _ type: JSONSpan) throws(ExchangeError) {
        comma()
        out.append(#"{"type":"file","file":{"#)
        if type.matches("base64") {
            out.append(#""file_data":"#)
            try dataURL(source)
        } else if type.matches("url") {
            out.append(#""file_url":"#)
            out.append(bytes: try string("url", of: source).raw)
        } else {
            out.append(#""file_id":"#)
            out.append(bytes: try string("file_id", of: source).raw)
        }
        write("filename", block.some("title"))
        out.append("}")
        write("title", block.some("title"))
        write("context", block.some("context"))
        write("citations", block.some("citations"))
        try closePart(block)
    }

    private func closePart(_ block: JSONSpan) throws(ExchangeError) {
        try cacheControl(block)
        out.append("}")
    }

    /// Leaves the part open, for `cache_control`.
    private mutating func textDocument(
        _ block: JSONSpan, _ text: JSONSpan, mediaType: JSONSpan?
    ) throws(ExchangeError) {
        comma()
        out.append(#"{"type":"text","text":"#)
        out.append(bytes: text.raw)
        write("document")
        out.append(#"{"media_type":"#)
        if let mediaType { out.append(bytes: mediaType.raw) } else { out.append(#""text/plain""#) }
        write("title", block.some("title"))
        write("context", block.some("context"))
        write("citations", block.some("citations"))
        out.append("}")
    }

    /// Texts and images of a document become parts of their own; the document's `cache_control` goes on the last.
    private mutating func contentDocument(_ block: JSONSpan, _ source: JSONSpan) throws(ExchangeError) {
        let content = try member("content", of: source)
        if content.kind == .string {
            try textDocument(block, content, mediaType: nil)
            return try closePart(block)
        }
        guard content.kind == .array else { throw wrong(content, "a string or an array of content blocks") }
        var rest = content.elements
        var next = rest.next()
        while let inner = next {
            next = rest.next()
            try contentElement(inner, of: block, isLast: next == nil)
        }
    }

    private mutating func contentElement(
        _ inner: JSONSpan, of block: JSONSpan, isLast: Bool
    ) throws(ExchangeError) {
        switch try kind(of: inner) {
        case .text:
            try textDocument(block, try string("text", of: inner), mediaType: nil)
            try closePart(inner.some("cache_control") == nil && isLast ? block : inner)
        case .image: try image(inner)
        default: throw problem(inner, "must be a text or an image block")
        }
    }

    /// One text part per text of the result, each with the member `search_result`.
    mutating func searchResult(_ block: JSONSpan) throws(ExchangeError) {
        let content = try member("content", of: block)
        let source = try string("source", of: block)
        let title = try string("title", of: block)
        let citations = try optionalObject("citations", of: block)
        try array(content)
        for inner in content.elements {
            guard try kind(of: inner) == .text else { throw problem(inner, "must be a text block") }
            comma()
            out.append(#"{"type":"text","text":"#)
            out.append(bytes: try string("text", of: inner).raw)
            write("search_result")
            out.append(#"{"source":"#)
            out.append(bytes: source.raw)
            write("title", title)
            write("citations", citations)
            out.append("}")
            try closePart(inner.some("cache_control") == nil ? block : inner)
        }
        dropUnknown(
            block, blockPattern,
            known: ["type", "source", "title", "content", "citations", "cache_control"])
    }
}
