internal import PluginKit
internal import WireJSON

/// An assistant message's thoughts as OpenRouter's `reasoning_details`: signed and redacted thinking blocks, reasoning
/// items of the Responses API, and details that the message has already.
struct ReasoningDetails {
    private let entries = ByteWriter(capacity: 256)
    private var count: Int64 = 0
    private var hasText = false
    /// Thoughts that only another route's upstream can read.
    private(set) var lost = 0
    /// The member OpenRouter would know the maker by.
    private let format: StaticString?

    /// Nil if the message has nothing to convert: then all stays as it is.
    init?(_ message: JSONSpan, model: UnsafeRawBufferPointer) {
        format = Self.format(model)
        for block in message["thinking_blocks"]?.elements ?? .init(none: message) { add(block: block) }
        for item in message["reasoning_items"]?.elements ?? .init(none: message) {
            item.withReasoningItem { add(item: $0) }
        }
        guard count > 0 || lost > 0 else { return nil }
        for detail in message["reasoning_details"]?.elements ?? .init(none: message) {
            begin().append(bytes: detail.raw)
        }
    }

    /// Does this say again, or worse, what the details say?
    func replaces(_ key: JSONSpan) -> Bool {
        key.matches("thinking_blocks") || key.matches("reasoning_items") || key.matches("reasoning_details")
            || (hasText && key.matches("reasoning_content"))
    }

    /// A further member of the message.
    func write(to out: ByteWriter) {
        guard count > 0 else { return }
        out.append(#","reasoning_details":["#)
        entries.withBytes { out.append(bytes: $0) }
        out.append("]")
    }

    private func comma() { if entries.count > 0 { entries.append(",") } }

    private mutating func begin() -> ByteWriter {
        comma()
        count += 1
        return entries
    }

    private mutating func add(block: JSONSpan) {
        if let signature = block["signature"], signature.kind == .string, !signature.inner.isEmpty {
            if let item = Sealed.item.open(signature) { return add(sealed: item) }
            if RouteMark.stands(in: signature) { return lost += 1 }
            let out = begin()
            out.append(#"{"type":"reasoning.text","text":"#)
            if let text = block["thinking"], text.kind == .string {
                out.append(bytes: text.raw)
                hasText = true
            } else {
                out.append(#""""#)
            }
            out.append(#","signature":"#)
            out.append(bytes: signature.raw)
            finish(out, format)
        } else if let data = block["data"], data.kind == .string, !data.inner.isEmpty {
            if let detail = Sealed.detail.open(data) { return begin().append(bytes: detail) }
            if RouteMark.stands(in: data) { return lost += 1 }
            let out = begin()
            out.append(#"{"type":"reasoning.encrypted","data":"#)
            out.append(bytes: data.raw)
            finish(out, format)
        }
    }

    private mutating func add(sealed item: [UInt8]) {
        item.withUnsafeBytes { item in
            guard let outline = try? JSONOutline(item) else { return }
            add(item: outline.root)
            withExtendedLifetime(outline) {}
        }
    }

    private mutating func add(item: JSONSpan) {
        guard let content = item["encrypted_content"], content.kind == .string else { return }
        if RouteMark.stands(in: content) { return lost += 1 }
        for part in item["summary"]?.elements ?? .init(none: item) {
            guard let text = part["text"], text.kind == .string else { continue }
            let out = begin()
            out.append(#"{"type":"reasoning.summary","summary":"#)
            out.append(bytes: text.raw)
            hasText = true
            finish(out, "openai-responses-v1")
        }
        let out = begin()
        out.append(#"{"type":"reasoning.encrypted","data":"#)
        out.append(bytes: content.raw)
        if let id = item["id"], id.kind == .string {
            out.append(#","id":"#)
            out.append(bytes: id.raw)
        }
        finish(out, "openai-responses-v1")
    }

    private func finish(_ out: ByteWriter, _ format: StaticString?) {
        if let format {
            out.append(#","format":""#)
            out.append(format)
            out.append("\"")
        }
        out.append(#","index":"#)
        out.append(int: count - 1)
        out.append("}")
    }

    private static func format(_ model: UnsafeRawBufferPointer) -> StaticString? {
        let vendor = UnsafeRawBufferPointer(rebasing: model.prefix { $0 != UInt8(ascii: "/") })
        if vendor.matches("anthropic") { return "anthropic-claude-v1" }
        if vendor.matches("google") { return "google-gemini-v1" }
        if vendor.matches("openai") { return "openai-responses-v1" }
        return vendor.matches("x-ai") ? "xai-responses-v1" : nil
    }
}
