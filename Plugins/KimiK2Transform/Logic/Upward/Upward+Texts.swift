import WireJSON

/// Empty texts beside calls, and lists of nothing but text.
extension Upward {
    /// Makes the content of a message one string, if it is a list of texts.
    mutating func tidyText(_ at: Int) {
        guard isOn(.historyText), let content = history.messages[at].content else { return }
        tidyList(content, hasCalls: false)
    }

    /// The same for an answer, which beside calls has no empty text.
    mutating func tidyAnswer(_ message: HistoryMessage, hasCalls: Bool) {
        guard isOn(.historyText), let content = message.content else { return }
        if hasCalls, text.isBlankText(content) {
            counts.add(.historyText, "empty texts beside calls became null")
            edits.replace(content.range) { $0.append("null") }
        } else {
            tidyList(content, hasCalls: hasCalls)
        }
    }

    private mutating func tidyList(_ content: Span, hasCalls: Bool) {
        guard json[content.range.lowerBound] == UInt8(ascii: "[") else { return }
        let parts = ContentParts(json, content)
        guard parts.isReadable, hasCalls || !parts.list.isEmpty else { return }
        if parts.list.isEmpty || !parts.list.allSatisfy(\.isPlainText) {
            dropEmpty(content, parts, hasCalls: hasCalls)
        } else {
            flatten(content, parts, hasCalls: hasCalls)
        }
    }

    private mutating func flatten(_ content: Span, _ parts: ContentParts, hasCalls: Bool) {
        let texts = parts.list.compactMap(\.text)
        let isBlank = texts.allSatisfy(text.isBlankText)
        counts.add(.historyText, "lists of nothing but text became one string")
        edits.replace(content.range) { [json] output in
            if isBlank, hasCalls { return output.append("null") }
            output.append("\"")
            for text in texts { output.append(bytes: json.slice(text.inner)) }
            output.append("\"")
        }
    }

    /// Empty texts are refused, whatever is marked on them; beside calls so are blank ones.
    private mutating func dropEmpty(_ content: Span, _ parts: ContentParts, hasCalls: Bool) {
        let kept = parts.list.filter { part in
            guard part.isText, let own = part.text else { return true }
            return !(hasCalls ? text.isBlankText(own) : own.inner.isEmpty)
        }
        guard kept.count < parts.list.count || kept.isEmpty else { return }
        // A message that would have nothing left is the client's to mend.
        guard hasCalls || !kept.isEmpty else { return }
        counts.add(.historyText, "empty parts were left out", count: max(1, parts.list.count - kept.count))
        edits.replace(content.range) { [json] output in
            if kept.isEmpty { return output.append("null") }
            output.append("[")
            for (number, part) in kept.enumerated() {
                if number > 0 { output.append(",") }
                output.append(bytes: json.slice(part.span.range))
            }
            output.append("]")
        }
    }
}

/// A list of content parts.
struct ContentParts {
    struct Part {
        var span: Span
        /// The string in `text`.
        var text: Span?
        /// Is its type `text`?
        var isText = false
        /// Is there nothing in it but `type: text` and `text`?
        var isPlainText: Bool
    }

    private(set) var list: [Part] = []
    private(set) var isReadable = false

    init(_ json: Bytes, _ content: Span) {
        var cursor = JSONCursor(json, at: content.range.lowerBound)
        guard cursor.enter(UInt8(ascii: "[")) else { return }
        var isFirst = true
        while cursor.nextElement(&isFirst) { list.append(Self.part(&cursor)) }
        isReadable = !cursor.isBroken
    }

    private static func part(_ cursor: inout JSONCursor) -> Part {
        cursor.skipSpace()
        let start = cursor.position
        var part = Part(span: Span(range: start..<start), isPlainText: false)
        var (isText, others) = (false, 0)
        if cursor.enter(UInt8(ascii: "{")) {
            var isFirst = true
            while let key = cursor.nextKey(&isFirst) {
                guard let value = cursor.value() else { break }
                let (name, shown) = (cursor.bytes.slice(key.inner), cursor.bytes.slice(value.range))
                if name.matches("text"), shown[0] == UInt8(ascii: "\"") {
                    part.text = value
                } else if name.matches("type"), shown.matches("\"text\"") {
                    isText = true
                } else {
                    others += 1
                }
            }
        } else {
            _ = cursor.value()
        }
        part.span = Span(range: start..<cursor.position)
        part.isText = isText
        part.isPlainText = isText && others == 0 && part.text != nil
        return part
    }
}
