/// What stands between `<|tool_call_begin|>` and the arguments: in good order `functions.NAME:INDEX`.
enum CallHeader: Equatable {
    /// A call of `name`; `id` is the index, or what stood in its place.
    case call(name: String, id: String?)
    /// No name in it: only the arguments can tell the tool. `otherwise` is the name to take if they do not.
    case unnamed(id: String?, otherwise: String?)
    /// Nothing that can be called.
    case none

    /// Must the arguments be complete before the name is sure?
    var waitsForArguments: Bool {
        if case .unnamed = self { return true }
        return false
    }

    /// Longest header that is looked at, in bytes.
    static let limit = 512

    /// Reads a header. The declared tools outrank every rule about how an id is spelled.
    static func read(_ bytes: some Sequence<UInt8>, _ tools: ToolCatalogue) -> CallHeader {
        let whole = String(decoding: Array(bytes).trimmed, as: UTF8.self)[...]
        if whole.isEmpty { return .none }
        if tools.contains(whole) { return .call(name: String(whole), id: nil) }
        let (head, suffix) = splitIndex(whole)
        for spelling in spellings(of: head) where tools.contains(spelling) {
            return .call(name: String(spelling), id: suffix.map(cleanIndex))
        }
        for spelling in spellings(of: whole) where tools.contains(spelling) {
            return .call(name: String(spelling), id: nil)
        }
        if suffix == nil, let found = glued(head, tools) { return found }
        for spelling in spellings(of: head) {
            if let name = tools.folded(spelling) { return .call(name: name, id: suffix.map(cleanIndex)) }
        }
        return undeclared(whole, head, suffix, tools)
    }

    /// The name of a call that came structured: its own if it can be one, else what the declared tools make of it.
    static func readStructured(_ bytes: Bytes, _ tools: ToolCatalogue) -> CallHeader {
        let found = read(bytes, tools)
        if case .call(let name, _) = found, tools.contains(name) || bytes.starts(with: "functions.".utf8) {
            return found
        }
        let name = String(decoding: bytes, as: UTF8.self)
        if bytes.trimmedRange().isEmpty || isCounter(name[...]) { return .unnamed(id: nil, otherwise: name) }
        return .call(name: name, id: nil)
    }

    /// Can `bytes`, a structured call's name, be anything but a plain name?
    static func isDoubtful(_ bytes: Bytes) -> Bool {
        if bytes.isEmpty || bytes.starts(with: "functions".utf8) || bytes.starts(with: "call".utf8) { return true }
        return bytes.allSatisfy(isDigit) || bytes.contains { $0 == 0x3A || $0 == 0x28 || isBlank($0) }
    }

    // MARK: - Parts

    /// Splits at the last colon, if what follows looks like an index or an id.
    private static func splitIndex(_ text: Substring) -> (head: Substring, suffix: Substring?) {
        guard let colon = text.lastIndex(of: ":") else { return (text, nil) }
        let suffix = text[text.index(after: colon)...].drop { $0 == " " }
        guard suffix.utf8.allSatisfy(isIndexByte) else { return (text, nil) }
        return (text[..<colon], suffix)
    }

    private static func isIndexByte(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte == 0x2D || byte == 0x2E || byte == 0x5F || (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
    }

    /// `2.0` is 2; anything else stays.
    private static func cleanIndex(_ suffix: Substring) -> String {
        if let dot = suffix.firstIndex(of: "."), suffix[..<dot].utf8.allSatisfy(isDigit) {
            return String(suffix[..<dot])
        }
        return String(suffix)
    }

    /// The names that `head` may mean, the likeliest first.
    private static func spellings(of head: Substring) -> [Substring] {
        var result = [head]
        if let name = withoutPrefix(head) { result.append(name) }
        if let dot = head.lastIndex(of: ".") { result.append(head[head.index(after: dot)...]) }
        return result
    }

    /// What follows `functions.`, or stands in `functions(…)`.
    private static func withoutPrefix(_ head: Substring) -> Substring? {
        guard head.hasPrefix("functions") else { return nil }
        let rest = head.dropFirst(9)
        if rest.hasPrefix("."), rest.count > 1 { return rest.dropFirst() }
        if rest.hasPrefix("("), rest.hasSuffix(")"), rest.count > 2 { return rest.dropFirst().dropLast() }
        return nil
    }

    /// `functions.bash30`, `functionsexec5`, `functions_get_weather_1`: name and index without a proper separator.
    private static func glued(_ head: Substring, _ tools: ToolCatalogue) -> CallHeader? {
        var starts = [head]
        if head.hasPrefix("functions") {
            let rest = head.dropFirst(9)
            starts.append(rest.first.map { "._-".contains($0) } == true ? rest.dropFirst() : rest)
        }
        for start in starts.reversed() {
            if let (name, digits) = tools.glued(start) { return .call(name: name, id: String(digits)) }
            if start != head, tools.contains(start) { return .call(name: String(start), id: nil) }
        }
        return nil
    }

    // MARK: - No declared tool

    private static func undeclared(
        _ whole: Substring, _ head: Substring, _ suffix: Substring?, _ tools: ToolCatalogue
    ) -> CallHeader {
        if isCounter(whole) { return .unnamed(id: String(whole), otherwise: nil) }
        var name = withoutPrefix(head) ?? head
        var index = suffix
        if suffix == nil, let dot = name.lastIndex(of: ".") {
            let digits = name[name.index(after: dot)...]
            if !digits.isEmpty, digits.utf8.allSatisfy(isDigit) { (name, index) = (name[..<dot], digits) }
        }
        let id = index.map(cleanIndex)
        if isCounter(name) { return .unnamed(id: id, otherwise: nil) }
        guard isName(name) else { return .unnamed(id: id, otherwise: nil) }
        if index != nil || name.startIndex != head.startIndex || tools.isEmpty {
            return .call(name: String(name), id: id)
        }
        return .unnamed(id: nil, otherwise: String(name))
    }

    /// `15`, `call00003`, `call_9f2c`: counts calls, names nothing.
    private static func isCounter(_ text: Substring) -> Bool {
        if text.utf8.allSatisfy(isDigit) { return !text.isEmpty }
        if text.hasPrefix("call_") || text.hasPrefix("call-") { return true }
        return text.hasPrefix("call") && text.count > 4 && text.dropFirst(4).utf8.allSatisfy(isDigit)
    }

    private static func isName(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { isIndexByte($0) || $0 == 0x3A || $0 == 0x2F || $0 >= 0x80 }
    }
}
