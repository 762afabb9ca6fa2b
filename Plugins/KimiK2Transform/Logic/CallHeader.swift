/// What stands between `<|tool_call_begin|>` and the arguments: in good order `functions.NAME:INDEX`.
enum CallHeader: Equatable {
    /// A call of `name`; `id` is the index, or what stood in its place.
    case call(name: String, id: String?)
    /// Spelled `otherwise`, which nobody declared; probably `name`, if the arguments fit that.
    case likely(name: String, otherwise: String, id: String?)
    /// No name in it: only the arguments can tell the tool. `otherwise` is the name to take if they do not.
    case unnamed(id: String?, otherwise: String?)
    /// Nothing that can be called.
    case none

    /// Longest header that is looked at, in bytes.
    static let limit = 512

    /// Must the arguments be known before the name is?
    var waitsForArguments: Bool {
        switch self {
        case .likely, .unnamed: true
        case .call, .none: false
        }
    }

    /// Reads a header. The declared tools outrank every rule about how an id is spelled. `repairing`: names that are
    /// spelled otherwise than declared are repaired.
    static func read(
        _ bytes: some Sequence<UInt8>, _ tools: ToolCatalogue, repairing: Bool = true
    ) -> CallHeader {
        let words = HeaderWords(String(decoding: Array(bytes).trimmed, as: UTF8.self))
        if words.whole.isEmpty { return .unnamed(id: nil, otherwise: nil) }
        if let found = declared(words, tools) { return found }
        guard repairing else { return plain(words) }
        if let found = glued(words, tools) { return found }
        for spelling in HeaderWords.spellings(words.head) {
            if let name = tools.folded(spelling) { return .call(name: name, id: words.index) }
        }
        if let last = words.whole.split(whereSeparator: \.isWhitespace).last, last.count < words.whole.count,
            let found = declared(HeaderWords(String(last)), tools)
        {
            return found
        }
        return undeclared(words, tools)
    }

    /// The name of a call that came structured: its own if it can be one, else what the declared tools make of it.
    static func readStructured(_ bytes: Bytes, _ tools: ToolCatalogue) -> CallHeader {
        let name = String(decoding: bytes, as: UTF8.self)
        switch read(bytes, tools) {
        case .call(let found, let id) where tools.contains(found) || bytes.starts(with: "functions.".utf8):
            return .call(name: found, id: id)
        case .likely(let found, _, let id): return .likely(name: found, otherwise: name, id: id)
        default: break
        }
        if bytes.trimmedRange().isEmpty || HeaderWords.countsWithDigits(name[...]) {
            return .unnamed(id: nil, otherwise: name)
        }
        return .call(name: name, id: nil)
    }

    /// Can `bytes`, a structured call's name, be anything but a plain name?
    static func isDoubtful(_ bytes: Bytes) -> Bool {
        if bytes.isEmpty || bytes.starts(with: "functions".utf8) || bytes.starts(with: "call".utf8) { return true }
        return bytes.allSatisfy(isDigit) || bytes.contains { $0 == 0x3A || $0 == 0x28 || isBlank($0) }
    }

    // MARK: - Declared tools

    private static func declared(_ words: HeaderWords, _ tools: ToolCatalogue) -> CallHeader? {
        if let tool = tools.tool(words.whole) { return .call(name: tool.name, id: nil) }
        if words.hasNumber, let name = declared(words.head, tools) { return .call(name: name, id: words.index) }
        if let name = declared(words.whole, tools) { return .call(name: name, id: nil) }
        if let name = declared(words.head, tools) { return .call(name: name, id: words.index) }
        // `functions.read:0:0`: an index more than one.
        if let name = declared(words.headWithoutNumbers, tools) { return .call(name: name, id: words.index) }
        return nil
    }

    private static func declared(_ head: Substring, _ tools: ToolCatalogue) -> String? {
        for spelling in HeaderWords.spellings(head) {
            if let tool = tools.tool(spelling) { return tool.name }
        }
        return nil
    }

    /// `functions.bash30`, `functionsexec5`, `functions_get_weather_1`: name and index without a proper separator.
    private static func glued(_ words: HeaderWords, _ tools: ToolCatalogue) -> CallHeader? {
        guard words.suffix == nil else { return nil }
        var starts = [words.whole]
        if let rest = HeaderWords.withoutPrefixWord(words.whole) { starts.insert(rest, at: 0) }
        for start in starts {
            if let tool = tools.tool(start) { return .call(name: tool.name, id: nil) }
            if let (name, digits) = tools.glued(start) { return .call(name: name, id: String(digits)) }
        }
        return nil
    }

    // MARK: - No declared tool

    /// What the header says, taken at its word.
    private static func plain(_ words: HeaderWords) -> CallHeader {
        let name = words.plainName
        if HeaderWords.isCounter(name) || !HeaderWords.isName(name) { return .unnamed(id: words.index, otherwise: nil) }
        return .call(name: String(name), id: words.index)
    }

    private static func undeclared(_ words: HeaderWords, _ tools: ToolCatalogue) -> CallHeader {
        if HeaderWords.isCounter(words.whole) { return .unnamed(id: String(words.whole), otherwise: nil) }
        var name = words.plainName
        var index = words.suffix == nil ? nil : words.index
        if words.suffix == nil, let dot = name.lastIndex(of: ".") {
            let digits = name[name.index(after: dot)...]
            if !digits.isEmpty, digits.utf8.allSatisfy(isDigit) { (name, index) = (name[..<dot], String(digits)) }
        }
        let isNative = index != nil && words.hasPrefix
        if isNative ? HeaderWords.countsWithDigits(name) : HeaderWords.isCounter(name) {
            return .unnamed(id: index, otherwise: nil)
        }
        guard HeaderWords.isName(name) else { return .unnamed(id: index, otherwise: nil) }
        if let likely = tools.namespaced(name) { return .likely(name: likely, otherwise: String(name), id: index) }
        if index != nil || words.hasPrefix || tools.isEmpty { return .call(name: String(name), id: index) }
        return .unnamed(id: nil, otherwise: String(name))
    }
}
