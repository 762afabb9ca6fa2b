internal import PluginKit
internal import WireJSON

/// `contents` and `systemInstruction`.
extension GeminiRequest {
    mutating func contents(_ messages: [Message]) throws(PluginFailure) {
        begin("contents")
        out.append("[")
        let start = out.count
        var used: Set<Int> = []
        for (place, message) in messages.enumerated() where !used.contains(place) {
            switch message.role {
            case .system: continue
            case .user: user(message)
            case .tool: orphan(message)
            case .assistant:
                let answers = ToolAnswers(to: message, at: place, in: messages)
                assistant(message)
                used.formUnion(answers.places)
                toolResults(answers)
            }
        }
        // Gemini needs a turn to answer to.
        if out.count == start { systemAsUser(messages) }
        out.append("]")
    }

    /// All system and developer messages, in order: Gemini has one place for them.
    mutating func systemInstruction(_ messages: [Message]) {
        guard messages.contains(where: { $0.role == .system }), messages.contains(where: { $0.role != .system }) else {
            return
        }
        begin("systemInstruction")
        out.append(#"{"parts":["#)
        let start = out.count
        for message in messages where message.role == .system { systemParts(message) }
        if out.count == start { out.append(#"{"text":""}"#) }
        out.append("]}")
    }

    private mutating func systemAsUser(_ messages: [Message]) {
        beginTurn("user")
        let start = out.count
        for message in messages where message.role == .system { systemParts(message) }
        if out.count == start { out.append(#"{"text":""}"#) }
        endTurn()
    }

    private mutating func systemParts(_ message: Message) {
        guard let content = message.content else { return }
        if content.kind == .string { return textPart(content) }
        for part in content.elements {
            if let text = part["text"], text.kind == .string {
                textPart(text)
            } else {
                losses.drop("messages[*].content[*] of role system that is no text")
            }
        }
    }

    private mutating func user(_ message: Message) {
        let turn = out.count
        beginTurn("user")
        let start = out.count
        parts(message.content)
        if out.count == start {
            // A turn without parts is refused; what it had is noted.
            return out.truncate(to: turn)
        }
        endTurn()
    }

    // MARK: Turns and parts

    func beginTurn(_ role: StaticString) {
        if out.unsafeBytes.last != UInt8(ascii: "[") { out.append(",") }
        out.append(#"{"role":""#)
        out.append(role)
        out.append(#"","parts":["#)
    }

    func endTurn() { out.append("]}") }

    func beginPart() { out.append(out.unsafeBytes.last == UInt8(ascii: "[") ? "{" : ",{") }

    /// A JSON string's text as a part; an empty one says nothing.
    func textPart(_ text: JSONSpan) {
        guard !text.inner.isEmpty else { return }
        beginPart()
        out.append(#""text":"#)
        out.append(bytes: text.raw)
        out.append("}")
    }

    func textPart(_ text: String) {
        beginPart()
        out.append(#""text":"#)
        out.appendJSONString(text)
        out.append("}")
    }

    /// A user's or tool's content.
    mutating func parts(_ content: JSONSpan?) {
        guard let content else { return }
        if content.kind == .string { return textPart(content) }
        for part in content.elements { self.part(part) }
    }

    mutating func part(_ part: JSONSpan) {
        if part.kind == .string { return textPart(part) }
        let type = part["type"]?.string ?? ""
        if part.given("cache_control") != nil { losses.drop("messages[*].content[*].cache_control") }
        switch type {
        case "text", "input_text", "output_text": if let text = part["text"], text.kind == .string { textPart(text) }
        case "refusal": if let text = part["refusal"], text.kind == .string { textPart(text) }
        default:
            let start = out.count
            beginPart()
            if media(part, type) {
                out.append("}")
            } else {
                out.truncate(to: start)
                losses.drop("messages[*].content[*] (\(String((part["native"]?["type"]?.string ?? type).prefix(48))))")
            }
        }
    }

    /// Writes a part's data; false if it has none that Gemini takes.
    func media(_ part: JSONSpan, _ type: String) -> Bool {
        switch type {
        case "image_url":
            guard let image = part["image_url"] else { return false }
            return media(image.kind == .string ? image : image["url"], .image)
        case "video_url": return media(part["video_url"]?["url"] ?? part["video_url"], .video)
        case "input_audio":
            guard let audio = part["input_audio"], let data = audio["data"], data.kind == .string else { return false }
            let format = audio["format"]?.word ?? "wav"
            data.withText { Media.writeInline($0, type: Media.audio(format), to: out) }
            return true
        case "file": return part["file"].map { file($0) } ?? false
        default: return false
        }
    }

    private func media(_ text: JSONSpan?, _ kind: Media.Kind) -> Bool {
        guard let text, text.kind == .string else { return false }
        return text.withText { Media.write($0, kind, to: out) }
    }

    /// `file_data` is a data URL, an address, or bare base64; an id can only be an address.
    private func file(_ file: JSONSpan) -> Bool {
        let type = file["filename"].flatMap { $0.withText { Media.guess($0) } }
        for name in [file.given("file_data"), file.given("file_url"), file.given("file_id")] {
            guard let text = name, text.kind == .string else { continue }
            if text.withText({ Media.write($0, .document, type: type, to: out) }) { return true }
        }
        guard let data = file.given("file_data"), data.kind == .string, !data.inner.isEmpty else { return false }
        data.withText { Media.writeInline($0, type: type ?? Media.Kind.document.rawValue, to: out) }
        return true
    }
}
