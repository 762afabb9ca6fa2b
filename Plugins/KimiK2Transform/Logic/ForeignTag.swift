/// One tag of the markup that other families write calls in, read from between `<` and `>`.
enum ForeignTag: Equatable {
    /// `<tool_call>`, `<tool_calls>`, `<function_calls>`: calls follow.
    case open(String)
    case close(String)
    /// `<function=NAME>` and `<invoke name="NAME">`; `closer` is what ends it.
    case call(name: String, closer: String)
    /// `<parameter=KEY>` and `<parameter name="KEY">`.
    case parameter(String)
    case exec
    case other

    /// Longest tag that is looked at, in bytes.
    static let limit = 256
    /// Some write this before the names of tags, with a colon.
    static let prefix = Array("antml".utf8) + [0x3A]

    private static let wrappers = ["tool_call", "tool_calls", "function_calls"]
    private static let openers: [StaticString] = [
        "tool_call>", "tool_calls>", "function=", "function name=", "function_calls>", "invoke name=", "exec>",
    ]

    init(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        let isClose = rest.first == 0x2F
        if isClose { rest = rest.dropFirst() }
        if rest.starts(with: Self.prefix) { rest = rest.dropFirst(Self.prefix.count) }
        let text = String(decoding: rest, as: UTF8.self)[...]
        if isClose {
            self = .close(String(text))
        } else if Self.wrappers.contains(String(text)) {
            self = .open(String(text))
        } else if text == "exec" {
            self = .exec
        } else if let name = Self.named(text, "function") {
            self = .call(name: name, closer: "function")
        } else if let name = Self.named(text, "invoke") {
            self = .call(name: name, closer: "invoke")
        } else if let key = Self.named(text, "parameter") {
            self = .parameter(key)
        } else {
            self = .other
        }
    }

    /// NAME of `word=NAME` or `word … name="NAME" …`; nil if it is neither.
    private static func named(_ text: Substring, _ word: String) -> String? {
        guard text.hasPrefix(word) else { return nil }
        let rest = text.dropFirst(word.count)
        if rest.first == "=" { return unquoted(rest.dropFirst()) }
        guard rest.first?.isWhitespace == true else { return nil }
        var attributes = rest.drop(while: \.isWhitespace)
        var name: String?
        while let equals = attributes.firstIndex(of: "=") {
            let key = attributes[..<equals]
            let value = attributes[attributes.index(after: equals)...]
            guard let quote = value.first, quote == "\"" || quote == "'",
                let end = value.dropFirst().firstIndex(of: quote)
            else { return nil }
            if key == "name" { name = unquoted(value[...end]) }
            let behind = value[value.index(after: end)...]
            guard behind.first?.isWhitespace ?? true else { return nil }
            attributes = behind.drop(while: \.isWhitespace)
        }
        return attributes.isEmpty ? name : nil
    }

    private static func unquoted(_ text: Substring) -> String? {
        var rest = text
        if rest.count > 1, let first = rest.first, first == rest.last, first == "\"" || first == "'" {
            rest = rest.dropFirst().dropLast()
        }
        return rest.isEmpty || rest.contains(where: \.isNewline) ? nil : String(rest)
    }

    // MARK: - Where one may begin

    /// Could the markup of a call begin at `start`? True also if all bytes there are begin one.
    static func mayBegin(_ bytes: Bytes, at start: Int) -> Bool {
        guard start < bytes.count, bytes[start] == 0x3C else { return false }
        guard start + 1 < bytes.count else { return true }
        switch bytes[start + 1] {
        case 0x74, 0x66, 0x69, 0x65: return openers.contains { agrees($0, bytes, start + 1) }
        case prefix[0]:
            let common = min(prefix.count, bytes.count - start - 1)
            for offset in 0..<common where prefix[offset] != bytes[start + 1 + offset] { return false }
            return common < prefix.count || openers.contains { agrees($0, bytes, start + 1 + common) }
        default: return false
        }
    }

    private static func agrees(_ opener: StaticString, _ bytes: Bytes, _ start: Int) -> Bool {
        for offset in 0..<min(opener.utf8CodeUnitCount, bytes.count - start)
        where opener.utf8Start[offset] != bytes[start + offset] { return false }
        return true
    }
}
