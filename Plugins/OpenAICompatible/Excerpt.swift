/// The beginning of a body, fit for a sentence: no tags, no line breaks, at most 200 characters.
package enum Excerpt {
    private static let maxCharacters = 200
    /// Looked at: enough for the head of an HTML page.
    private static let maxBytes = 16 << 10

    package static func of(_ body: UnsafeRawBufferPointer) -> String {
        let text = String(decoding: body.prefix(maxBytes), as: UTF8.self)
        let words = withoutTags(text).split { $0.isWhitespace || $0.isNewline }
        var result = ""
        for word in words where result.count <= maxCharacters {
            if !result.isEmpty { result += " " }
            result += word
        }
        guard !result.isEmpty else { return body.isEmpty ? "(empty)" : "(no text)" }
        return result.count > maxCharacters ? String(result.prefix(maxCharacters - 1)) + "…" : result
    }

    private static func withoutTags(_ text: String) -> String {
        guard text.contains("<") else { return text.filter { !isControl($0) } }
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "<") {
            result += rest[..<open]
            let tag = rest[open...].prefix { $0 != ">" }
            let after = tag.endIndex < rest.endIndex ? rest.index(after: tag.endIndex) : rest.endIndex
            rest = skipHidden(tag, rest[after...])
            result += " "
        }
        return (result + rest).filter { !isControl($0) }
    }

    /// What is inside style and script is no text.
    private static func skipHidden(_ tag: Substring, _ rest: Substring) -> Substring {
        let name = tag.dropFirst().prefix(6).lowercased()
        for hidden in ["style", "script"] where name.hasPrefix(hidden) {
            var candidate = rest
            while let open = candidate.firstIndex(of: "<") {
                candidate = candidate[open...]
                if candidate.lowercased().hasPrefix("</" + hidden) { return candidate }
                candidate = candidate.dropFirst()
            }
            return ""
        }
        return rest
    }

    private static func isControl(_ character: Character) -> Bool {
        !character.isWhitespace && character.unicodeScalars.allSatisfy { $0.value < 0x20 || $0.value == 0x7F }
    }
}
