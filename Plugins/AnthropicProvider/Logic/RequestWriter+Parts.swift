internal import PluginKit
internal import WireJSON

/// Content, part by part.
extension RequestWriter {
    enum Speaker { case system, user, assistant, tool }

    /// The message's `content` as blocks.
    mutating func content(_ message: JSONSpan, _ speaker: Speaker, _ list: BlockList) throws(PluginFailure) {
        guard let content = message.some("content") else { return }
        switch content.kind {
        case .string:
            // Empty texts are refused upstream, and say nothing.
            guard !content.inner.isEmpty else { return }
            let out = list.next()
            out.append(#"{"type":"text","text":"#)
            out.append(bytes: content.raw)
            rider("cache_control", of: message, to: out)
            out.append("}")
        case .array:
            for part in content.elements { try self.part(part, speaker, list) }
        default: throw .unsupported("\(place(content)): must be a string or a list of parts.")
        }
    }

    private mutating func part(_ part: JSONSpan, _ speaker: Speaker, _ list: BlockList) throws(PluginFailure) {
        if part.kind == .string { return textBlock(part, of: part, list) }
        let type = part["type"]
        switch type?.string {
        case "text", "input_text", "output_text":
            if let text = part.text("text") { textBlock(text, of: part, list) }
        case "refusal":
            if let text = part.text("refusal") { textBlock(text, of: part, list) }
        case "native":
            guard let block = part.some("native") else { return }
            list.next().append(bytes: block.raw)
        case "image_url" where speaker == .user || speaker == .tool: try image(part, list)
        case "file" where speaker == .user || speaker == .tool: try file(part, list)
        case "image_url", "file":
            guard speaker == .assistant else { throw .unsupported("\(place(part)): system messages hold texts only.") }
            losses.add("messages[*].content[*] (assistant's)", "only users show images and files")
        case "image", "document", "search_result", "container_upload", "tool_reference":
            // The API's own blocks, from a client that knows where it talks to.
            list.next().append(bytes: part.raw)
        default:
            let name = type?.string.map { "'\($0.prefix(64))'" } ?? "a part without a type"
            throw .unsupported("\(place(part)): the upstream takes no \(name).")
        }
    }

    private mutating func textBlock(_ text: JSONSpan, of part: JSONSpan, _ list: BlockList) {
        guard !text.inner.isEmpty else { return }
        let out = list.next()
        if let document = part.some("document") {
            out.append(#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"#)
            out.append(bytes: text.raw)
            out.append("}")
            labels(document, to: out)
        } else if let result = part.some("search_result") {
            searchResult(result, text, to: out)
        } else {
            out.append(#"{"type":"text","text":"#)
            out.append(bytes: text.raw)
            rider("citations", of: part, to: out)
        }
        rider("cache_control", of: part, to: out)
        out.append("}")
    }

    private func searchResult(_ result: JSONSpan, _ text: JSONSpan, to out: ByteWriter) {
        out.append(#"{"type":"search_result","source":"#)
        if let source = result["source"] { out.append(bytes: source.raw) } else { out.append(#""""#) }
        out.append(#","title":"#)
        if let title = result.some("title") { out.append(bytes: title.raw) } else { out.append(#""""#) }
        out.append(#","content":[{"type":"text","text":"#)
        out.append(bytes: text.raw)
        out.append("}]")
        rider("citations", of: result, to: out)
    }

    func labels(_ part: JSONSpan, to out: ByteWriter) {
        rider("title", of: part, to: out)
        rider("context", of: part, to: out)
        rider("citations", of: part, to: out)
    }

    // MARK: Images

    private mutating func image(_ part: JSONSpan, _ list: BlockList) throws(PluginFailure) {
        guard let image = part.some("image_url"), let url = image.kind == .string ? image : image.text("url") else {
            throw .unsupported("\(place(part)).image_url.url: is missing.")
        }
        if let detail = image.text("detail"), !detail.matches("auto") {
            losses.add("messages[*].content[*].image_url.detail", "the upstream decides how closely it looks")
        }
        guard let data = DataURL(url) else {
            let out = list.next()
            out.append(#"{"type":"image","source":{"type":"url","url":"#)
            out.append(bytes: url.raw)
            out.append("}")
            rider("cache_control", of: part, to: out)
            return out.append("}")
        }
        try base64(data, part, title: nil, list)
    }

    /// Images and PDFs go up as they are, texts as texts.
    func base64(_ data: DataURL, _ part: JSONSpan, title: JSONSpan?, _ list: BlockList) throws(PluginFailure) {
        let isImage = data.mediaType.hasPrefix("image/")
        if data.isText { return try textFile(data, part, title: title, list) }
        guard data.isBase64, isImage || data.mediaType == "application/pdf" else {
            let kind = data.isBase64 ? "'\(data.mediaType.prefix(64))'" : "data that is not base64"
            throw .unsupported("\(place(part)): the upstream takes images, PDFs and texts, not \(kind).")
        }
        let out = list.next()
        out.append(isImage ? #"{"type":"image","source":"# : #"{"type":"document","source":"#)
        data.writeSource(to: out)
        if !isImage { titled(part, title, to: out) }
        rider("cache_control", of: part, to: out)
        out.append("}")
    }

    private func textFile(
        _ data: DataURL, _ part: JSONSpan, title: JSONSpan?, _ list: BlockList
    ) throws(PluginFailure) {
        guard let text = data.text else {
            throw .unsupported("\(place(part)): the file says it is a text, and is not UTF-8 in base64.")
        }
        let out = list.next()
        out.append(#"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"#)
        out.appendJSONString(text)
        out.append("}")
        titled(part, title, to: out)
        rider("cache_control", of: part, to: out)
        out.append("}")
    }

    func titled(_ part: JSONSpan, _ title: JSONSpan?, to out: ByteWriter) {
        if part.some("title") == nil, let title {
            out.append(#","title":"#)
            out.append(bytes: title.raw)
        }
        labels(part, to: out)
    }

    // MARK: Files

    private mutating func file(_ part: JSONSpan, _ list: BlockList) throws(PluginFailure) {
        guard let file = part.some("file") else { throw .unsupported("\(place(part)).file: is missing.") }
        let title = file.text("filename")
        if let value = file.text("file_data") {
            return try base64(DataURL(value) ?? DataURL(bare: value, name: title), part, title: title, list)
        }
        let isURL = file.text("file_url") != nil
        guard let value = file.text(isURL ? "file_url" : "file_id") else {
            throw .unsupported("\(place(file)): needs file_data, file_url or file_id.")
        }
        let out = list.next()
        out.append(#"{"type":"document","source":{"type":"#)
        out.append(isURL ? #""url","url":"# : #""file","file_id":"#)
        out.append(bytes: value.raw)
        out.append("}")
        titled(part, title, to: out)
        rider("cache_control", of: part, to: out)
        out.append("}")
    }
}
