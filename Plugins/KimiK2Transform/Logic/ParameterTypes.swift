package import WireJSON

/// The types that a tool's schema gives its parameters, to read values by that were written as plain text.
package struct ParameterTypes: Sendable {
    private var words: [String: [String]] = [:]

    package init() {}

    /// `schema`: the tool's `parameters`.
    package init(schema: JSONValue?) {
        guard let properties = schema?["properties"], properties.isObject else { return }
        for (key, value) in properties.members {
            words[String(decoding: key, as: UTF8.self)] = Self.types(value)
        }
    }

    /// The parameters that may be strings, or say nothing of their type.
    func mayBeText(_ name: String) -> Bool { words[name].map { $0.isEmpty || $0.contains("string") } ?? true }

    /// Appends `text`, the value of parameter `name`, as JSON: of the schema's type if it can be read so, as an
    /// object or array if it is one and nothing speaks against it, else as a string.
    func append(_ text: ArraySlice<UInt8>, of name: String, to json: ByteWriter) {
        let allowed = words[name] ?? []
        let value = Array(text).trimmed
        if !allowed.contains("string"), Self.isValue(value, allowed) {
            value.withUnsafeBytes { json.append(bytes: $0) }
        } else if allowed.contains("boolean"), !allowed.contains("string"), let word = Self.boolean(value) {
            json.append(utf8: word)
        } else {
            text.withUnsafeBytes { json.appendJSONString($0) }
        }
    }

    private static func types(_ schema: JSONValue) -> [String] {
        if let type = schema["type"] { return type.string.map { [$0] } ?? type.elements.compactMap(\.string) }
        if let first = schema["enum"]?[index: 0] { return first.isString ? ["string"] : [] }
        let branches = schema["anyOf"] ?? schema["oneOf"]
        return branches?.elements.flatMap(types) ?? []
    }

    private static func isValue(_ text: ArraySlice<UInt8>, _ allowed: [String]) -> Bool {
        withJSON(Array(text)) { value in
            switch value.kind {
            case .object: allowed.isEmpty || allowed.contains("object")
            case .array: allowed.isEmpty || allowed.contains("array")
            case .bool: allowed.contains("boolean")
            case .null: allowed.contains("null")
            case .int, .uint: allowed.contains("integer") || allowed.contains("number")
            case .double: allowed.contains("number")
            case .string: false
            }
        } ?? false
    }

    /// `True` and its like.
    private static func boolean(_ text: ArraySlice<UInt8>) -> String? {
        let word = String(decoding: text, as: UTF8.self).lowercased()
        return word == "true" || word == "false" ? word : nil
    }
}
