internal import WireJSON

/// What tools answer: Chat takes text only, so all else goes into a user message behind the run of tool messages.
extension CanonicalAdapter {
    /// False if the content is neither a string nor parts of known kinds, or must not change; then it is none of this
    /// file's business.
    mutating func toolContent(
        _ content: JSONSpan, _ shape: CanonicalMessage, _ copy: inout CanonicalCopy
    ) -> Bool {
        guard let texts = Self.texts(content) else { return false }
        let prefixed = shape.isError && !Self.beginsWithError(texts)
        if content.kind == .string, !prefixed { return true }
        copy.remove(copy.range(content))
        write(texts, prefixed: prefixed, to: copy.out)
        guard content.kind == .array else { return true }
        if !shape.hasCacheControl { cacheControl(content, to: copy.out) }
        move(content, shape)
        return true
    }

    /// Can the message say that the call failed?
    func hasErrorText(_ shape: CanonicalMessage) -> Bool {
        shape.role == .tool && shape.content.map { Self.texts($0) != nil } ?? false
    }

    /// The message's texts; nil if a part is of no kind that a tool message has.
    private static func texts(_ content: JSONSpan) -> [JSONSpan]? {
        if content.kind == .string { return [content] }
        guard content.kind == .array, content.elements.contains(where: { _ in true }) else { return nil }
        var texts: [JSONSpan] = []
        for part in content.elements {
            guard let type = part["type"] else { return nil }
            if type.matches("text") {
                guard let text = part["text"], text.kind == .string else { return nil }
                texts.append(text)
            } else if !(type.matches("image_url") || type.matches("file") || type.matches("input_audio")
                || type.matches("native"))
            {
                return nil
            }
        }
        return texts
    }

    /// One JSON string, a line break between texts.
    private func write(_ texts: [JSONSpan], prefixed: Bool, to out: ByteWriter) {
        out.append(prefixed ? "\"Error: " : "\"")
        for (number, text) in texts.enumerated() {
            if number > 0 { out.append(#"\n"#) }
            out.append(bytes: text.inner)
        }
        out.append("\"")
    }

    private static func beginsWithError(_ texts: [JSONSpan]) -> Bool {
        guard let text = texts.first(where: { !$0.inner.isEmpty }) else { return false }
        let head = text.inner.prefix(5)
        if head.contains(UInt8(ascii: "\\")) {
            return text.decoded.prefix(5).withUnsafeBytes { $0.matchesIgnoringCase("error") }
        }
        return UnsafeRawBufferPointer(rebasing: head).matchesIgnoringCase("error")
    }

    /// The mark of a text that is no part any more stands on the message.
    private mutating func cacheControl(_ content: JSONSpan, to out: ByteWriter) {
        guard options.keepsCacheControl else { return }
        var control: JSONSpan?
        for part in content.elements where part["type"]?.matches("text") == true {
            if let value = part["cache_control"], value.kind != .null { control = value }
        }
        guard let control else { return }
        out.append(#","cache_control":"#)
        out.append(bytes: control.raw)
    }

    /// Counts what texts lose and files the other parts.
    private mutating func move(_ content: JSONSpan, _ shape: CanonicalMessage) {
        var isIntroduced = false
        for part in content.elements {
            if Self.isNative(part) {
                losses.add(.nativePart, type: part["native"]?["type"])
            } else if part["type"]?.matches("text") == true {
                countLosses(of: part)
            } else {
                if !isIntroduced { introduce(shape.callID) }
                isIntroduced = true
                moved.append(",")
                var copy = CanonicalCopy(of: part, to: moved)
                self.part(part, &copy)
                copy.finishWhole()
            }
        }
    }

    private func introduce(_ callID: JSONSpan?) {
        moved.append(#",{"type":"text","text":"Content of tool result"#)
        if let callID, callID.kind == .string, !callID.inner.isEmpty {
            moved.append(" ")
            moved.append(bytes: callID.inner)
        }
        moved.append(#":"}"#)
    }

    /// The user message, if there is anything for it.
    func insertMoved(at end: Int, _ copy: inout CanonicalCopy) {
        guard moved.count > 0 else { return }
        copy.insert(at: end)
        copy.out.append(#",{"role":"user","content":["#)
        copy.out.append(bytes: UnsafeRawBufferPointer(rebasing: moved.unsafeBytes.dropFirst()))
        copy.out.append("]}")
        moved.removeAll()
    }
}
