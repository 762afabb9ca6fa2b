import JSONSchema

/// Makes a configuration that a schema accepts, as far as that can be told without thinking.
enum SchemaSample {
    /// An object with the required properties, each with its default, first choice or a plain value.
    static func object(_ schema: ConfigNode) -> ConfigNode {
        var object = ConfigObject()
        for name in (schema["required"]?.array ?? []).compactMap(\.string) {
            object[name] = value(schema["properties"]?[name] ?? .null)
        }
        return ConfigNode(.object(object))
    }

    static func value(_ schema: ConfigNode) -> ConfigNode {
        if let given = schema["default"] ?? schema["const"] ?? schema["enum"]?.array?.first
            ?? schema["examples"]?.array?.first
        {
            return given
        }
        switch schema["type"]?.string ?? schema["type"]?.array?.first?.string {
        case "object": return object(schema)
        case "array":
            let count = schema["minItems"]?.int ?? 0
            return ConfigNode(.array((0..<count).map { _ in value(schema["items"] ?? .null) }))
        case "integer", "number": return ConfigNode(.int(schema["minimum"]?.int ?? 1))
        case "boolean": return ConfigNode(.bool(false))
        default: return .string(text(schema))
        }
    }

    private static func text(_ schema: ConfigNode) -> String {
        if schema["x-host"]?.bool == true { return "https://kit.invalid/v1" }
        let length = Int(schema["minLength"]?.int ?? 0)
        return "kit-value" + String(repeating: "x", count: max(0, min(length, 4_096) - 9))
    }

    /// A value of another kind than the schema wants; nil where any is welcome.
    static func wrongKind(_ schema: ConfigNode) -> ConfigNode? {
        guard let type = schema["type"]?.string else {
            return schema["enum"] == nil ? nil : .string("\u{1}no such choice")
        }
        return type == "string" ? ConfigNode(.int(7)) : .string("\u{1}not of this kind")
    }
}
