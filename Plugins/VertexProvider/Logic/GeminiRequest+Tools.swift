internal import PluginKit
internal import WireJSON

/// `tools` and `toolConfig`.
extension GeminiRequest {
    /// The functions, once their names are known.
    mutating func declaredFunctions(_ root: JSONSpan) -> [JSONSpan] {
        var functions: [JSONSpan] = []
        for tool in root["tools"]?.elements ?? JSONSpanElements(none: root) {
            guard let function = tool["function"], function.kind == .object, let name = function["name"]?.word else {
                let type = tool["native"]?["type"]?.string ?? tool["type"]?.string ?? "no name"
                losses.drop("tools[*] (\(String(type.prefix(48))))")
                continue
            }
            _ = names.send(name)
            functions.append(function)
            if tool.given("cache_control") != nil { losses.drop("tools[*].cache_control") }
            if function["strict"]?.bool == true { losses.drop("tools[*].function.strict") }
        }
        return functions
    }

    mutating func tools(_ functions: [JSONSpan], _ root: JSONSpan) {
        guard !functions.isEmpty else { return }
        begin("tools")
        out.append(#"[{"functionDeclarations":["#)
        for (number, function) in functions.enumerated() {
            if number > 0 { out.append(",") }
            declaration(function)
        }
        out.append("]}]")
        toolConfig(root)
    }

    private mutating func declaration(_ function: JSONSpan) {
        out.append("{")
        member("name", text: names.send(function["name"]?.string ?? ""))
        if let description = function["description"], description.kind == .string {
            member("description", description)
        }
        if let parameters = function.given("parameters"), parameters.kind == .object, Self.hasParameters(parameters) {
            schema(parameters, "parameters", "parametersJsonSchema", of: "tools[*].function.parameters")
        }
        out.append("}")
    }

    /// A function without parameters has no schema: an object without properties is refused.
    private static func hasParameters(_ schema: JSONSpan) -> Bool {
        if let properties = schema["properties"], properties.kind == .object {
            return properties.members.contains { _ in true }
        }
        return schema.members.contains { key, _ in
            !key.matches("type") && !key.matches("$schema") && !key.matches("additionalProperties")
        }
    }

    /// As JSON Schema, verbatim, or in the API's own form.
    mutating func schema(_ schema: JSONSpan, _ own: StaticString, _ json: StaticString, of place: String) {
        guard config.schemaForm == .openapi else { return member(json, schema) }
        begin(own)
        var writer = SchemaWriter(root: schema, out: out)
        writer.write(schema)
        for keyword in writer.lost { losses.drop("\(place): \(keyword)") }
    }

    // MARK: Choice

    private mutating func toolConfig(_ root: JSONSpan) {
        guard let choice = root.given("tool_choice") else { return }
        if choice.kind == .string {
            switch choice.string {
            case "none": functionMode("NONE")
            case "required", "any": functionMode("ANY")
            case "auto": break
            default: losses.drop("tool_choice")
            }
        } else if let name = choice["function"]?["name"]?.word {
            functionMode("ANY", allowed: [name])
        } else if let allowed = choice["allowed_tools"], let list = allowed["tools"] {
            // A choice among some of the functions.
            let names = list.elements.compactMap { ($0["function"]?["name"] ?? $0["name"])?.word }
            functionMode(allowed["mode"]?.matches("required") == true ? "ANY" : "VALIDATED", allowed: names)
        } else {
            losses.drop("tool_choice")
        }
    }

    private mutating func functionMode(_ mode: StaticString, allowed: [String] = []) {
        begin("toolConfig")
        out.append(#"{"functionCallingConfig":{"mode":""#)
        out.append(mode)
        out.append("\"")
        for (number, name) in allowed.enumerated() {
            out.append(number == 0 ? #","allowedFunctionNames":["# : ",")
            out.appendJSONString(names.send(name))
        }
        out.append(allowed.isEmpty ? "}}" : "]}}")
    }
}
