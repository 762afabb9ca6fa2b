import CanonicalModel
import PluginABI
import WireJSON

/// PART and JSON events: blocks that come whole, and what only other APIs have.
extension MessageAssembler {
    /// A block of this API goes out as it is; of other parts, texts and the addresses of images become text.
    mutating func part(_ event: CanonicalEvent) {
        guard event.a.len > 0, let outline = try? JSONOutline(event.a.buffer) else { return skip("an empty part") }
        defer { withExtendedLifetime(outline) {} }
        let root = outline.root
        let block = root["type"]?.matches("native") == true ? root["native"] ?? root : root
        if let text = block.plainText {
            text.withUnsafeBytes { self.text($0) }
        } else if block.isReplyBlock {
            whole(block)
        } else if let url = block.imageURL {
            let text = Array("![image](".utf8) + url + Array(")".utf8)
            text.withUnsafeBytes { self.text($0) }
        } else {
            skip("a part of type '\(LogText.oneLine(block["type"]?.string ?? ""))'")
        }
    }

    mutating func extra(_ event: CanonicalEvent) {
        let json = event.a.buffer
        switch kimi_scope(UInt32(clamping: event.i0)) {
        case KIMI_SCOPE_CHOICE where event.b.buffer.matches("stop_sequence"):
            stop.setSequence(json)
        case KIMI_SCOPE_MESSAGE where event.b.buffer.matches("refusal"):
            refusal(json)
        case KIMI_SCOPE_MESSAGE where event.b.buffer.matches("citations"):
            citations(json)
        case KIMI_SCOPE_MESSAGE where event.b.buffer.matches("reasoning_details"):
            encryptedReasoning(json)
        default:
            if json.isEmpty || json.matches("null") || Self.isNoLoss(event) { return }
            skip("member '\(LogText.oneLine(event.b.text))'")
        }
    }

    /// Members of the response that say nothing about its content.
    private static func isNoLoss(_ event: CanonicalEvent) -> Bool {
        guard event.i0 == Int64(KIMI_SCOPE_RESPONSE.rawValue) else { return false }
        return ["system_fingerprint", "service_tier"].contains { (name: StaticString) in event.b.buffer.matches(name) }
    }

    /// Chat's refusals are texts beside the content; here they are content, and the reason to stop.
    private mutating func refusal(_ json: UnsafeRawBufferPointer) {
        guard let outline = try? JSONOutline(json), outline.root.kind == .string else { return }
        defer { withExtendedLifetime(outline) {} }
        stop.isRefusal = true
        outline.root.decoded.withUnsafeBytes { text($0) }
    }

    /// Sources of the text that is being told, in this API's own form.
    private mutating func citations(_ json: UnsafeRawBufferPointer) {
        guard let outline = try? JSONOutline(json) else { return }
        defer { withExtendedLifetime(outline) {} }
        for citation in outline.root.elements where citation["type"]?.kind == .string {
            cite(citation.raw)
        }
    }

    /// Encrypted thoughts: the client sends them back as `redacted_thinking`.
    private mutating func encryptedReasoning(_ json: UnsafeRawBufferPointer) {
        guard let outline = try? JSONOutline(json) else { return }
        defer { withExtendedLifetime(outline) {} }
        for detail in outline.root.elements {
            guard detail["type"]?.matches("reasoning.encrypted") == true, let data = detail["data"],
                data.kind == .string
            else {
                skip("an entry of reasoning_details")
                continue
            }
            let block = ByteWriter(capacity: data.raw.count + 48)
            block.append(#"{"type":"redacted_thinking","data":"#)
            block.append(bytes: data.raw)
            block.append("}")
            close()
            blocks.whole(block.unsafeBytes)
        }
    }

    private mutating func whole(_ block: JSONSpan) {
        close()
        if let input = block["input"] {
            blocks.whole(block.raw, input: input.raw)
        } else {
            blocks.whole(block.raw)
        }
    }
}

extension JSONSpan {
    /// The text of a text part without citations.
    fileprivate var plainText: [UInt8]? {
        guard self["type"]?.matches("text") == true, let text = self["text"], text.kind == .string else { return nil }
        return text.decoded
    }

    /// The address of an image part; not if it is the image itself.
    fileprivate var imageURL: [UInt8]? {
        guard self["type"]?.matches("image_url") == true, let image = self["image_url"] else { return nil }
        let url = image.kind == .string ? image : image["url"]
        guard let bytes = url?.decoded, bytes.starts(with: "http".utf8) else { return nil }
        return bytes
    }

    /// Is this a block that a reply of the Messages API may hold, with the members it must have?
    fileprivate var isReplyBlock: Bool {
        guard let type = self["type"], type.kind == .string else { return false }
        if type.matches("redacted_thinking") { return has("data", .string) }
        if type.matches("container_upload") { return has("file_id", .string) }
        if type.matches("server_tool_use") || type.matches("mcp_tool_use") {
            return has("id", .string) && has("name", .string) && has("input", .object)
        }
        return Self.resultTypes.contains { type.matches($0) } && has("tool_use_id", .string) && self["content"] != nil
    }

    private func has(_ name: StaticString, _ kind: JSONKind) -> Bool { self[name]?.kind == kind }

    private static let resultTypes: [StaticString] = [
        "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result",
        "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
        "mcp_tool_result",
    ]
}
