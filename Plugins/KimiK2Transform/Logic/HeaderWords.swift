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
        let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
        let text = isASCII ? text : String(text.map { $0 == "：" ? ":" : $0 })
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
        while let colon = rest.last(":"), rest.utf8[colon...].dropFirst().allSatisfy(isDigit) {
            rest = rest[..<colon]
        }
        return rest
    }

    /// The name as the native grammar reads it.
    var plainName: Substring { Self.withoutPrefix(head) ?? head }

    var hasPrefix: Bool { Self.withoutPrefix(head) != nil }

    // MARK: - Cutting

    private static func split(_ text: Substring) -> (head: Substring, suffix: Substring?) {
        guard let colon = text.last(":") else { return (text, nil) }
        let suffix = trimmed(text[text.utf8.index(after: colon)...])
        guard suffix.utf8.allSatisfy({ isNameByte($0) || $0 == 0x2B }) else { return (text, nil) }
        return (unwrapped(text[..<colon]), suffix)
    }

    /// The names that `head` may mean, the likeliest first.
    static func spellings(_ head: Substring) -> [Substring] {
        var result = [head]
        if let name = withoutPrefix(head) { result.append(name) }
        if let rest = withoutPrefixWord(head) { result.append(unwrapped(rest)) }
        if let dot = head.last(".") {
            let last = unwrapped(head[head.utf8.index(after: dot)...])
            if !last.isEmpty { result.append(last) }
        }
        return result
    }

    /// What follows `functions.`, once or repeated, or stands in `functions(…)`.
    static func withoutPrefix(_ head: Substring) -> Substring? {
        guard let rest = head.dropping("functions") else { return nil }
        if let rest = rest.dropping(".") {
            let name = unwrapped(rest)
            let isRepeated = name.dropping("functions.") != nil || name.dropping("functions(") != nil
            return isRepeated ? withoutPrefix(name) ?? name : name
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
        if let first = rest.utf8.first, let last = rest.utf8.last, isSign(first), isSign(last) { return rest }
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return rest
    }

    /// Without blanks, and without quotes or brackets around all of it.
    private static func unwrapped(_ text: Substring) -> Substring {
        var rest = trimmed(text)
        if let first = rest.utf8.first, let last = rest.utf8.last, isNameByte(first), isNameByte(last) { return rest }
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
        for mark in ["call_", "call-", "chatcmpl-", "toolu_", "tooluse_"] where text.dropping(mark) != nil {
            return true
        }
        guard let rest = text.dropping("call") else { return false }
        return !rest.isEmpty && rest.utf8.allSatisfy(isDigit)
    }

    /// The same where a name stands: one without a digit is a name after all.
    static func countsWithDigits(_ text: Substring) -> Bool { isCounter(text) && text.utf8.contains(where: isDigit) }

    static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isNameByte($0) || $0 == 0x3A || $0 == 0x2F || $0 >= 0x80 }
    }

    /// Neither a blank nor a part of a character that could be one.
    private static func isSign(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7F }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
    }
}

/// Bytes tell where the neighbours are ASCII; elsewhere a sign may be a part of a character.
extension Substring {
    /// What follows `word`; nil if it does not begin so.
    fileprivate func dropping(_ word: String) -> Substring? {
        guard utf8.starts(with: word.utf8) else { return nil }
        let rest = self[utf8.index(startIndex, offsetBy: word.utf8.count)...]
        if let next = rest.utf8.first, next >= 0x80, !hasPrefix(word) { return nil }
        return rest
    }

    /// The last place of an ASCII sign.
    fileprivate func last(_ sign: Character) -> Index? {
        guard let byte = sign.asciiValue, let place = utf8.lastIndex(of: byte) else { return nil }
        let isNear = utf8[..<place].last ?? 0 < 0x80 && utf8[place...].dropFirst().first ?? 0 < 0x80
        return isNear ? place : lastIndex(of: sign)
    }
}
