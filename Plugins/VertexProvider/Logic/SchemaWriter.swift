internal import WireJSON

/// Writes a JSON Schema in Gemini's form, a part of OpenAPI 3.0: types in upper case, no references, one type each.
/// What that form cannot say is left out and listed.
struct SchemaWriter {
    /// References into references stop here, and so does a schema that contains itself.
    static let maxDepth = 32
    /// All nodes that are written: references may unfold to far more than was sent.
    static let maxNodes = 10_000

    private let root: JSONSpan
    private let out: ByteWriter
    private var nodes = 0
    /// Keywords that were left out, each once.
    private(set) var lost: [String] = []

    init(root: JSONSpan, out: ByteWriter) {
        self.root = root
        self.out = out
    }

    mutating func write(_ schema: JSONSpan) { write(schema, depth: 0, isNullable: false) }

    private mutating func lose(_ keyword: String) {
        if lost.count < 32, !lost.contains(keyword) { lost.append(keyword) }
    }

    private mutating func write(_ schema: JSONSpan, depth: Int, isNullable: Bool) {
        nodes += 1
        guard depth < Self.maxDepth, nodes <= Self.maxNodes else {
            lose(depth < Self.maxDepth ? "more than \(Self.maxNodes) nodes" : "deeper than \(Self.maxDepth)")
            return out.append(#"{"type":"OBJECT"}"#)
        }
        guard schema.kind == .object else {
            // `true` allows anything, `false` nothing: the form has no word for the latter.
            if schema.bool != true { lose("a schema that is \(schema.bool == false ? "false" : "no object")") }
            return out.append("{}")
        }
        var view = SchemaView(schema, isNullable: isNullable)
        view.unfold(root)
        for keyword in view.lost { lose(keyword) }
        out.append("{")
        let start = out.count
        typeMembers(view)
        plainMembers(view)
        if view["properties"] != nil { properties(view, depth) }
        items(view, depth)
        alternatives(view, depth)
        if out.count > start, out.unsafeBytes.last == UInt8(ascii: ",") { out.truncate(to: out.count - 1) }
        out.append("}")
    }

    // MARK: Members; each ends with a comma

    private mutating func typeMembers(_ view: SchemaView) {
        if let type = view.type {
            name("type")
            out.append("\"")
            out.append(json: type)
            out.append("\",")
        }
        if view.isNullable { out.append(#""nullable":true,"#) }
        let allowed = view.enumeration
        guard !allowed.isEmpty else { return }
        guard allowed.allSatisfy({ $0.kind == .string }) else {
            // Only texts can be listed, so the others are described.
            lose("enum of other than strings")
            return
        }
        name("enum")
        for (number, value) in allowed.enumerated() {
            out.append(number == 0 ? "[" : ",")
            out.append(bytes: value.raw)
        }
        out.append("],")
    }

    private mutating func plainMembers(_ view: SchemaView) {
        describe(view)
        for (key, value) in view.members {
            let word = key.string ?? ""
            switch word {
            case "title", "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum",
                "minProperties", "maxProperties", "default", "propertyOrdering", "example":
                if value.isGiven || word == "default" { plain(key, value) }
            case "format": if view.takesFormat(value) { plain(key, value) } else { lose("format") }
            case "additionalProperties": if value.kind == .object { lose(word) }
            default: if !SchemaView.known.contains(word) { lose(String(word.prefix(48))) }
            }
        }
    }

    /// The description, and the values that `enum` could not list.
    private func describe(_ view: SchemaView) {
        let values = view.enumeration
        let hasOthers = values.contains { $0.kind != .string }
        let own = view["description"].flatMap { $0.kind == .string ? $0 : nil }
        guard own != nil || hasOthers else { return }
        name("description")
        out.append("\"")
        if let own { out.append(bytes: own.inner) }
        if hasOthers {
            out.append(own == nil ? "One of: " : " One of: ")
            for (number, value) in values.enumerated() {
                if number > 0 { out.append(", ") }
                out.appendJSONEscaped(value.raw)
            }
        }
        out.append("\",")
    }

    private func plain(_ key: JSONSpan, _ value: JSONSpan) {
        out.append(bytes: key.raw)
        out.append(":")
        out.append(bytes: value.raw)
        out.append(",")
    }

    private func name(_ name: StaticString) {
        out.append("\"")
        out.append(name)
        out.append("\":")
    }

    private mutating func properties(_ view: SchemaView, _ depth: Int) {
        name("properties")
        out.append("{")
        var names: Set<[UInt8]> = []
        for (key, schema) in view.properties {
            if !names.isEmpty { out.append(",") }
            names.insert(key.decoded)
            out.append(bytes: key.raw)
            out.append(":")
            write(schema, depth: depth + 1, isNullable: false)
        }
        out.append("},")
        // A name that is not among the properties is refused.
        let required = view.required.filter { names.contains($0.decoded) }
        guard !required.isEmpty else { return }
        name("required")
        for (number, value) in required.enumerated() {
            out.append(number == 0 ? "[" : ",")
            out.append(bytes: value.raw)
        }
        out.append("],")
    }

    private mutating func items(_ view: SchemaView, _ depth: Int) {
        guard view.type == "ARRAY" else { return }
        name("items")
        if let items = view["items"], items.kind == .object || items.kind == .bool {
            write(items, depth: depth + 1, isNullable: false)
        } else if let first = (view["prefixItems"] ?? view["items"])?.elements.first(where: { _ in true }) {
            lose("prefixItems")
            write(first, depth: depth + 1, isNullable: false)
        } else {
            // An array must say what is in it.
            out.append("{}")
        }
        out.append(",")
    }

    private mutating func alternatives(_ view: SchemaView, _ depth: Int) {
        let schemas = view.alternatives
        guard !schemas.isEmpty || view.types.count > 1 else { return }
        name("anyOf")
        out.append("[")
        for (number, schema) in schemas.enumerated() {
            if number > 0 { out.append(",") }
            write(schema, depth: depth + 1, isNullable: false)
        }
        if schemas.isEmpty {
            for (number, type) in view.types.enumerated() {
                out.append(number == 0 ? #"{"type":""# : #",{"type":""#)
                out.append(json: type)
                out.append(type == "ARRAY" ? #"","items":{}}"# : #""}"#)
            }
        }
        out.append("],")
    }
}
