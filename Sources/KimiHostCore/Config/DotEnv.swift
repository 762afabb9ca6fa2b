import JSONSchema

/// The text of a `.env` file, read: `KEY=VALUE`, `export KEY=VALUE`, quotes, comments.
///
/// `'…'` is taken literally, `"…"` knows `\n \r \t \" \\ \$`; both may span lines. An unquoted value ends at ` #` or at
/// the line's end. There is no expansion of `$NAME` inside values. Written twice, the last one counts.
package struct DotEnv: Sendable {
    package static let maxBytes = 1 << 20

    package private(set) var values: [String: String] = [:]
    package private(set) var diagnostics: [Diagnostic] = []

    private let file: String
    private var rest: Substring
    private var line = 1

    package init(parsing text: String, file: String = ".env") {
        self.file = file
        // One kind of line end; "\r\n" is a single Character in Swift.
        let normal = String(text.map { $0 == "\r\n" ? "\n" : $0 })
        rest = normal.hasPrefix("\u{FEFF}") ? normal.dropFirst() : normal[...]
        while !rest.isEmpty { parseLine() }
        rest = ""
    }

    private mutating func parseLine() {
        let start = line
        skipBlanks()
        if rest.first == "#" || rest.first == "\n" || rest.isEmpty { return skipLine() }
        if rest.hasPrefix("export "), !rest.dropFirst(7).drop(while: Self.isBlank).hasPrefix("=") {
            rest = rest.dropFirst(7)
            skipBlanks()
        }
        let name = String(rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
        rest = rest.dropFirst(name.count)
        skipBlanks()
        guard !name.isEmpty, name.first?.isNumber == false, rest.first == "=" else {
            warn(start, "ignored: this is no KEY=VALUE line")
            return skipLine()
        }
        rest = rest.dropFirst()
        skipBlanks()
        if let value = parseValue(name, start) { values[name] = value }
    }

    private mutating func parseValue(_ name: String, _ start: Int) -> String? {
        guard let quote = rest.first, quote == "\"" || quote == "'" || quote == "`" else { return parseUnquoted() }
        guard let value = parseQuoted(quote) else {
            warn(start, "ignored: the value of \(name) has no closing \(quote)")
            skipLine()
            return nil
        }
        skipBlanks()
        if let next = rest.first, next != "\n", next != "#" {
            warn(start, "what follows the closing quote of \(name) is ignored")
        }
        skipLine()
        return value
    }

    private mutating func parseUnquoted() -> String {
        let text = rest.prefix { $0 != "\n" }
        skipLine()
        var end = text.startIndex
        var afterBlank = true
        var lastSolid = text.startIndex
        while end < text.endIndex, !(text[end] == "#" && afterBlank) {
            afterBlank = Self.isBlank(text[end])
            end = text.index(after: end)
            if !afterBlank { lastSolid = end }
        }
        return String(text[..<lastSolid])
    }

    /// Reads up to the closing quote, over line ends; nil, with nothing consumed, if there is none.
    private mutating func parseQuoted(_ quote: Character) -> String? {
        var value = ""
        var lines = 0
        var isEscaped = false
        for index in rest.indices.dropFirst() {
            let character = rest[index]
            if isEscaped {
                value += Self.escapes[character].map(String.init) ?? "\\\(character)"
                isEscaped = false
            } else if character == quote {
                rest = rest[rest.index(after: index)...]
                line += lines
                return value
            } else if quote == "\"", character == "\\" {
                isEscaped = true
            } else {
                value.append(character)
            }
            if character == "\n" { lines += 1 }
        }
        return nil
    }

    private static let escapes: [Character: Character] = [
        "n": "\n", "r": "\r", "t": "\t", "\"": "\"", "\\": "\\", "$": "$",
    ]

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

    private mutating func skipBlanks() { rest = rest.drop(while: Self.isBlank) }

    private mutating func skipLine() {
        rest = rest.drop { $0 != "\n" }.dropFirst()
        line += 1
    }

    private mutating func warn(_ line: Int, _ message: String) {
        diagnostics.append(Diagnostic(.warning, file: file, mark: Mark(line: line, column: 1), message: message))
    }
}
