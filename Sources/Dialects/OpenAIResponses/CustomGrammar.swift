import CanonicalModel
import WireJSON

/// The `format` of a custom tool, told to a model that only knows functions.
struct CustomGrammar {
    static let parameters: StaticString =
        #"{"type":"object","properties":{"input":{"type":"string","description":"The tool's whole input, as plain text"}},"required":["input"],"additionalProperties":false}"#

    private let syntax: JSONSpan?
    private let definition: JSONSpan?

    init(_ tool: Fields) throws(ExchangeError) {
        guard let format = tool.value("format") else {
            (syntax, definition) = (nil, nil)
            return
        }
        guard format.kind == .object else { throw .wrong(tool.place.path("format"), "an object", format.kind) }
        // Chat's shape has the grammar one level deeper.
        let grammar = format["grammar"] ?? format
        definition = grammar["definition"]
        syntax = grammar["syntax"]
        if let definition, definition.kind != .string {
            throw .wrong(tool.place.path("format") + ".definition", "a string", definition.kind)
        }
        if let syntax, syntax.kind != .string {
            throw .wrong(tool.place.path("format") + ".syntax", "a string", syntax.kind)
        }
    }

    /// What is appended to the tool's description, inside its quotes.
    func writeEscaped(to out: ByteWriter) {
        out.append("Give the tool's whole input as plain text in the argument `input`.")
        guard let definition, !definition.inner.isEmpty else { return }
        out.append(" It must match this ")
        if let syntax, !syntax.inner.isEmpty {
            out.append(bytes: syntax.inner)
            out.append(" ")
        }
        out.append(#"grammar:\n"#)
        out.append(bytes: definition.inner)
    }
}
