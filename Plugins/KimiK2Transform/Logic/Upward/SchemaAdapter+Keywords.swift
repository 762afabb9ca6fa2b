/// Single keywords of Moonshot's flavour.
extension SchemaAdapter {
    // MARK: - Schemas that are true or false

    mutating func dropBooleans(_ node: inout SchemaNode) {
        if case .object(let properties)? = node["properties"] {
            node["properties"] = .object(properties.compactMap { property($0) })
        }
        if case .bool(let isAllowed)? = node["items"] {
            node["items"] = nil
            if isAllowed { note("items: true left out") } else { loses("items: false was dropped") }
        }
        guard let branches = node["anyOf"]?.elements, branches.contains(where: { $0.members == nil }) else { return }
        note("true and false left anyOf")
        let real = branches.filter { $0.members != nil }
        node["anyOf"] = branches.contains(where: \.isTrue) || real.isEmpty ? nil : .array(real)
    }

    private mutating func property(_ property: SchemaMember) -> SchemaMember? {
        guard case .bool(let isAllowed) = property.value else { return property }
        note("properties that were true or false")
        if !isAllowed {
            loses("a property that must not be there was dropped")
            return nil
        }
        return SchemaMember(name: property.name, value: .object([]))
    }

    // MARK: - Tuples

    mutating func joinTuple(_ node: inout SchemaNode) {
        guard let parts = node["prefixItems"]?.elements ?? node["items"]?.elements else { return }
        note("tuples became lists")
        var kinds: [SchemaNode] = []
        let rest = node["prefixItems"] == nil ? node["additionalItems"] : node["items"]
        for part in parts + [rest].compactMap({ $0 }) where part.members != nil && !kinds.contains(part) {
            kinds.append(part)
        }
        if kinds.count > 1 { loses("the order of a tuple was dropped") }
        node["prefixItems"] = nil
        node["additionalItems"] = nil
        node["items"] = kinds.count > 1 ? .object(["anyOf": .array(kinds)]) : kinds.first
    }

    // MARK: - Literals

    mutating func narrowLiterals(_ node: inout SchemaNode) {
        if let literal = node["const"] {
            note("const became enum")
            node["const"] = nil
            node["enum"] = .array([literal])
        }
        makeNullable(&node)
        guard let values = node["enum"]?.elements else { return }
        let types = Set(values.map(Self.type))
        if values.isEmpty || types.contains("object") || types.contains("array") {
            loses("an enum of anything but texts, numbers and truths was dropped")
            return node["enum"] = nil
        }
        guard node["type"] == nil, node["anyOf"] == nil else { return }
        let real = types.subtracting(["null"]).sorted()
        note("enum got its type")
        if real.count > 1 {
            node["anyOf"] = .array(
                types.sorted().map { type in
                    .object(["type": SchemaNode(type), "enum": .array(values.filter { Self.type($0) == type })])
                })
            node["enum"] = nil
        } else {
            let list = (real + (types.contains("null") ? ["null"] : [])).map { SchemaNode($0) }
            node["type"] = list.count == 1 ? list[0] : .array(list)
        }
    }

    /// `nullable` of OpenAPI.
    private mutating func makeNullable(_ node: inout SchemaNode) {
        guard let nullable = node["nullable"] else { return }
        node["nullable"] = nil
        note("nullable became a type")
        guard nullable.isTrue else { return }
        if let type = node["type"], type.text != nil { node["type"] = .array([type, SchemaNode("null")]) }
        if let branches = node["anyOf"]?.elements {
            node["anyOf"] = .array(branches + [.object(["type": SchemaNode("null")])])
        }
        if let values = node["enum"]?.elements, !values.contains(.null) { node["enum"] = .array(values + [.null]) }
    }

    private static func type(_ value: SchemaNode) -> String {
        switch value {
        case .object: "object"
        case .array: "array"
        case .string: "string"
        case .bool: "boolean"
        case .null: "null"
        case .other(let text): text.contains { $0 == 0x2E || $0 == 0x65 || $0 == 0x45 } ? "number" : "integer"
        }
    }

    // MARK: - What the flavour does not know

    private static let meaningless: Set<String> = [
        "$schema", "$comment", "$anchor", "$dynamicAnchor", "$vocabulary", "examples", "deprecated", "readOnly",
        "writeOnly", "contentEncoding", "contentMediaType", "contentSchema",
    ]
    private static let unknown: Set<String> = [
        "not", "if", "then", "else", "patternProperties", "dependentSchemas", "dependentRequired", "dependencies",
        "propertyNames", "contains", "minContains", "maxContains", "multipleOf", "uniqueItems", "minProperties",
        "maxProperties", "exclusiveMinimum", "exclusiveMaximum", "unevaluatedItems", "unevaluatedProperties",
        "$dynamicRef",
    ]

    mutating func dropUnknown(_ node: inout SchemaNode, _ isRoot: Bool) {
        raiseBounds(&node)
        for member in node.members ?? [] {
            let name = String(decoding: member.name, as: UTF8.self)
            let isMisplaced = !isRoot && ["$defs", "definitions", "$id"].contains(name)
            if Self.meaningless.contains(name) || isMisplaced || name == "description" && member.value.text == nil {
                note("\(name) left out")
            } else if Self.unknown.contains(name) {
                note("\(name) left out")
                loses("\(name) was dropped")
            } else {
                continue
            }
            node[name] = nil
        }
    }

    /// Above 0 is from 1 on, for whole numbers.
    private mutating func raiseBounds(_ node: inout SchemaNode) {
        guard node["type"]?.text == "integer" else { return }
        for (old, new, step) in [("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)] {
            guard case .other(let text)? = node[old], let bound = Int(String(decoding: text, as: UTF8.self)),
                node[new] == nil, bound.magnitude < UInt(1) << 53
            else { continue }
            note("\(old) became \(new)")
            node[old] = nil
            node[new] = .other(Array(String(bound + step).utf8))
        }
    }

    mutating func checkRequired(_ node: inout SchemaNode) {
        guard let names = node["required"]?.elements else { return }
        let declared = names.filter { name in name.text.map { node["properties"]?[$0] != nil } ?? false }
        guard declared.count < names.count else { return }
        loses("names in required that are not declared were dropped")
        note("required without properties")
        node["required"] = declared.isEmpty ? nil : .array(declared)
    }

    mutating func completeRoot(_ node: inout SchemaNode) {
        guard node["anyOf"] == nil, node["$ref"] == nil else { return }
        if node["type"] == nil {
            note("type: object at the root")
            node["type"] = SchemaNode("object")
        }
        if node["type"]?.text == "object", node["properties"] == nil {
            note("properties at the root")
            node["properties"] = .object([])
        }
    }
}
