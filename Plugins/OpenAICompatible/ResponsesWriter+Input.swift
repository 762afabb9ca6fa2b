internal import WireJSON

/// Messages become items.
extension ResponsesWriter {
    mutating func input() {
        var items = ItemList(out)
        for message in JSONSpan.elements(of: root["messages"], in: root) {
            let role = message["role"]
            if role?.matches("tool") == true {
                toolResult(message, &items)
            } else if role?.matches("assistant") == true {
                assistant(message, &items)
            } else {
                plain(message, role, &items)
            }
        }
    }

    private mutating func plain(_ message: JSONSpan, _ role: JSONSpan?, _ items: inout ItemList) {
        items.next()
        out.append(#"{"type":"message","role":"#)
        if let role { out.append(bytes: role.raw) } else { out.append(#""user""#) }
        out.append(#","content":"#)
        content(message["content"])
        out.append("}")
        countCaches(message)
    }

    /// A string, or parts.
    private mutating func content(_ content: JSONSpan?) {
        guard let content, content.kind == .array else {
            if let content, content.kind == .string { out.append(bytes: content.raw) } else { out.append(#""""#) }
            return
        }
        parts(content)
    }

    private mutating func parts(_ content: JSONSpan, prefix: StaticString? = nil) {
        var parts = ItemList(out)
        out.append("[")
        if let prefix {
            parts.next()
            out.append(#"{"type":"input_text","text":""#)
            out.append(prefix)
            out.append(#""}"#)
        }
        for part in content.elements { self.part(part, &parts) }
        out.append("]")
    }

    private mutating func part(_ part: JSONSpan, _ parts: inout ItemList) {
        guard let type = part["type"] else { return losses.add(.nativePart) }
        if type.matches("text"), let text = part["text"], text.kind == .string {
            parts.next()
            out.append(#"{"type":"input_text","text":"#)
            out.append(bytes: text.raw)
            out.append("}")
        } else if type.matches("image_url"), let image = part["image_url"] {
            parts.next()
            out.append(#"{"type":"input_image""#)
            let isObject = image.kind == .object
            if let url = isObject ? image["url"] : image { copy("image_url", url) }
            name("detail")
            if let detail = image["detail"]?.present { out.append(bytes: detail.raw) } else { out.append(#""auto""#) }
            out.append("}")
        } else if type.matches("file"), let file = part["file"] {
            parts.next()
            out.append(#"{"type":"input_file""#)
            for (key, value) in file.members where value.kind != .null {
                out.append(",")
                out.append(bytes: key.raw)
                out.append(":")
                out.append(bytes: value.raw)
            }
            copy("detail", from: part)
            out.append("}")
        } else if type.matches("input_audio") || isResponses && type.matches("native") {
            parts.next()
            out.append(bytes: (part["native"] ?? part).raw)
        } else {
            losses.add(.nativePart, type: part["native"]?["type"] ?? type)
        }
        labels(part)
    }

    private mutating func labels(_ part: JSONSpan) {
        if part["cache_control"]?.present != nil { losses.add(.partCache) }
        if part["citations"]?.present != nil { losses.add(.citations) }
        if part["document"]?.present != nil { losses.add(.document) }
        if part["search_result"]?.present != nil { losses.add(.searchResult) }
        if part["title"]?.present != nil { losses.add(.title) }
        if part["context"]?.present != nil { losses.add(.context) }
    }

    private mutating func countCaches(_ message: JSONSpan) {
        if message["cache_control"]?.present != nil { losses.add(.messageCache) }
    }

    // MARK: Tools

    private mutating func toolResult(_ message: JSONSpan, _ items: inout ItemList) {
        items.next()
        let isCustom = customCalls.contains(message["tool_call_id"]?.decoded ?? [])
        out.append(isCustom ? #"{"type":"custom_tool_call_output""# : #"{"type":"function_call_output""#)
        copy("tool_call_id", as: "call_id", from: message)
        name("output")
        let isError = message["is_error"]?.bool == true
        let content = message["content"]
        if let content, content.kind == .array {
            parts(content, prefix: isError ? "Error: " : nil)
        } else if let content, content.kind == .string {
            out.append(isError ? "\"Error: " : "\"")
            out.append(bytes: content.inner)
            out.append("\"")
        } else {
            out.append(isError ? #""Error""# : #""""#)
        }
        out.append("}")
        countCaches(message)
    }

    private mutating func call(_ call: JSONSpan, _ items: inout ItemList) {
        items.next()
        if let custom = call["custom"] {
            out.append(#"{"type":"custom_tool_call""#)
            copy("id", as: "call_id", from: call)
            copy("name", from: custom)
            copy("input", from: custom)
            if let id = call["id"] { customCalls.insert(id.decoded) }
        } else {
            out.append(#"{"type":"function_call""#)
            copy("id", as: "call_id", from: call)
            if let function = call["function"] {
                copy("name", from: function)
                name("arguments")
                let arguments = function["arguments"]
                if let arguments, arguments.kind == .string, !arguments.inner.isEmpty {
                    out.append(bytes: arguments.raw)
                } else if let arguments = arguments?.present, arguments.kind != .string {
                    out.appendJSONString(arguments.raw)
                } else {
                    out.append(#""{}""#)
                }
            }
        }
        out.append("}")
        if call["cache_control"]?.present != nil { losses.add(.callCache) }
        if call["extra_content"]?.present != nil { losses.add(.callExtras) }
    }

    // MARK: Assistant

    /// Thoughts, then what was said, then calls.
    private mutating func assistant(_ message: JSONSpan, _ items: inout ItemList) {
        thoughts(message, &items)
        said(message, &items)
        for call in JSONSpan.elements(of: message["tool_calls"], in: message) { self.call(call, &items) }
        countCaches(message)
    }

    private mutating func said(_ message: JSONSpan, _ items: inout ItemList) {
        let content = message["content"]?.present
        let refusal = message["refusal"].flatMap { $0.kind == .string ? $0 : nil }
        let isText = content?.kind == .string && content?.inner.isEmpty == false
        let isList = content?.kind == .array && content?.elements.contains { _ in true } == true
        guard isText || isList || refusal != nil else { return }
        items.next()
        out.append(#"{"type":"message","role":"assistant","content":["#)
        var parts = ItemList(out)
        if let content, isText { outputText(content, &parts) }
        for part in JSONSpan.elements(of: content, in: message) {
            if let text = part["text"], text.kind == .string {
                outputText(text, &parts)
            } else if let text = part["refusal"], text.kind == .string {
                self.refusal(text, &parts)
            } else {
                losses.add(.nativePart, type: part["native"]?["type"] ?? part["type"])
            }
            labels(part)
        }
        if let refusal { self.refusal(refusal, &parts) }
        out.append("]}")
    }

    private func outputText(_ text: JSONSpan, _ parts: inout ItemList) {
        parts.next()
        out.append(#"{"type":"output_text","text":"#)
        out.append(bytes: text.raw)
        out.append("}")
    }

    private func refusal(_ text: JSONSpan, _ parts: inout ItemList) {
        parts.next()
        out.append(#"{"type":"refusal","refusal":"#)
        out.append(bytes: text.raw)
        out.append("}")
    }

    private mutating func thoughts(_ message: JSONSpan, _ items: inout ItemList) {
        var isSent = false
        for item in JSONSpan.elements(of: message["reasoning_items"], in: message) where item.kind == .object {
            item.withReasoningItem { item in
                if RouteMark.stands(in: item["encrypted_content"]) { return losses.add(.reasoningItems) }
                reasoning(item, &items)
                isSent = true
            }
        }
        for block in JSONSpan.elements(of: message["thinking_blocks"], in: message) {
            if let signature = block["signature"], let item = Sealed.item.open(signature) {
                item.withUnsafeBytes { item in
                    guard let outline = try? JSONOutline(item) else { return }
                    reasoning(outline.root, &items)
                    withExtendedLifetime(outline) {}
                }
                isSent = true
            } else if block["signature"].map({ !$0.inner.isEmpty }) ?? (block["data"] != nil) {
                losses.add(.thinkingBlocks)
            }
        }
        if !isSent, let text = message["reasoning_content"], text.kind == .string, !text.inner.isEmpty {
            losses.add(.reasoning)
        }
        if message["reasoning_details"]?.present != nil { losses.add(.details) }
    }

    /// Only what the API takes back: `status` and the like are told, not asked.
    private func reasoning(_ item: JSONSpan, _ items: inout ItemList) {
        items.next()
        out.append(#"{"type":"reasoning""#)
        copy("id", from: item)
        name("summary")
        if let summary = item["summary"], summary.kind == .array {
            out.append(bytes: summary.raw)
        } else {
            out.append("[]")
        }
        copy("encrypted_content", from: item)
        out.append("}")
    }
}

/// A comma before every entry but the first.
struct ItemList {
    private let out: ByteWriter
    private var isEmpty = true

    init(_ out: ByteWriter) { self.out = out }

    mutating func next() {
        if !isEmpty { out.append(",") }
        isEmpty = false
    }
}
