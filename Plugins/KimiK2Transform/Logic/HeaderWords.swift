/// The parts of a call's header, by spelling alone.
struct HeaderWords {
    /// Without quotes and brackets around it.
    let whole: Substring
    /// Up to the last colon, if what follows can be an index or an id; else all of it.
    let head: Substring
    /// What follows that colon.
    let suffix: Substring?

    init(_ text: String) {
        // Some write the colon as Chinese texts do.
        let text = text.contains("：") ? String(text.map { $0 == "：" ? ":" : $0 }) : text
        whole = Self.unwrapped(text[...])
        (head, suffix) = Self.split(whole)
    }

    /// The index, or the id in its place; `2.0` is 2. nil if there is none.
    var index: String? {
        guard let suffix, !suffix.isEmpty else { return nil }
        if let dot = suffix.firstIndex(of: "."), suffix[..<dot].utf8.allSatisfy(isDigit) {
            return String(suffix[..<dot])
        }
        return String(suffix)
    }

    /// Is the suffix a number, or the room for one?
    var hasNumber: Bool { suffix?.utf8.allSatisfy { isDigit($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x2B } ?? false }

    /// The head without further numbers at its end.
    var headWithoutNumbers: Substring {
        var rest = head
        while let colon = rest.lastIndex(of: ":"), rest[rest.index(after: colon)...].utf8.allSatisfy(isDigit) {
            rest = rest[..<colon]
        }
        return rest
    }

    /// The name as the native grammar reads it.
    var plainName: Substring { Self.withoutPrefix(head) ?? head }

    var hasPrefix: Bool { Self.withoutPrefix(head) != nil }

    // MARK: - Cutting

    private static func split(_ text: Substring) -> (head: Substring, suffix: Substring?) {
        guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
        let suffix = trimmed(text[text.index(after: colon)...])
        guard suffix.utf8.allSatisfy({ isNameByte($0) || $0 == 0x2B }) else { return (text, nil) }
        return (unwrapped(text[..<colon]), suffix)
    }

    /// The names that `head` may mean, the likeliest first.
    static func spellings(_ head: Substring) -> [Substring] {
        var result = [head]
        if let name = withoutPrefix(head) { result.append(name) }
        if let rest = withoutPrefixWord(head) { result.append(unwrapped(rest)) }
        if let dot = head.lastIndex(of: ".") {
            let last = unwrapped(head[head.index(after: dot)...])
            if !last.isEmpty { result.append(last) }
        }
        return result
    }

    /// What follows `functions.`, once or repeated, or stands in `functions(…)`.
    static func withoutPrefix(_ head: Substring) -> Substring? {
        guard head.hasPrefix("functions") else { return nil }
        let rest = head.dropFirst(9)
        if rest.hasPrefix(".") {
            let name = unwrapped(rest.dropFirst())
            return name.hasPrefix("functions.") || name.hasPrefix("functions(") ? withoutPrefix(name) ?? name : name
        }
        for (open, close) in [("(", ")"), ("[", "]")] where rest.hasPrefix(open) && rest.hasSuffix(close) {
            if rest.count > 2 { return unwrapped(rest.dropFirst().dropLast()) }
        }
        return rest.isEmpty ? rest : nil
    }

    /// What follows `functions`, in any case and with any separator or none.
    static func withoutPrefixWord(_ head: Substring) -> Substring? {
        for word in ["functions", "function"] where head.prefix(word.count).lowercased() == word {
            let rest = head.dropFirst(word.count).drop { "._-:/ ".contains($0) }
            return rest.isEmpty ? nil : rest
        }
        return nil
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var rest = text
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }

    /// Without blanks, and without quotes or brackets around all of it.
    private static func unwrapped(_ text: Substring) -> Substring {
        var rest = trimmed(text)
        while rest.count > 1, let first = rest.first, let last = rest.last,
            ["\"\"", "''", "``", "<>", "()", "[]", "“”"].contains("\(first)\(last)")
        {
            rest = trimmed(rest.dropFirst().dropLast())
        }
        return rest
    }

    // MARK: - Kinds of words

    /// `15`, `call00003`, `call_9f2c`, `toolu_01…`: counts or marks calls, names nothing.
    static func isCounter(_ text: Substring) -> Bool {
        if text.utf8.allSatisfy(isDigit) { return !text.isEmpty }
        for mark in ["call_", "call-", "chatcmpl-", "toolu_", "tooluse_"] where text.hasPrefix(mark) { return true }
        return text.hasPrefix("call") && text.count > 4 && text.dropFirst(4).utf8.allSatisfy(isDigit)
    }

    /// The same where a name stands: one without a digit is a name after all.
    static func countsWithDigits(_ text: Substring) -> Bool { isCounter(text) && text.utf8.contains(where: isDigit) }

    static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isNameByte($0) || $0 == 0x3A || $0 == 0x2F || $0 >= 0x80 }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
    }
}
