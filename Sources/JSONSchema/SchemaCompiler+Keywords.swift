extension SchemaCompiler {
    static let annotations: Set<String> = [
        "$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "examples", "deprecated", "readOnly",
        "writeOnly", "format", "contentEncoding", "contentMediaType", "then", "else", "title", "description", "default",
    ]
    static let known: Set<String> = annotations.union([
        "type", "enum", "const", "properties", "required", "additionalProperties", "patternProperties",
        "propertyNames", "dependentRequired", "minProperties", "maxProperties", "items", "prefixItems", "minItems",
        "maxItems", "uniqueItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
        "minLength", "maxLength", "pattern", "allOf", "anyOf", "oneOf", "not", "if", "$ref",
    ])

    mutating func compile(
        _ member: ConfigObject.Member, of schema: ConfigObject, at path: ConfigPath,
        into keywords: inout Subschema.Keywords
    ) throws(SchemaError) {
        let node = member.value
        if member.key.hasPrefix("x-") {
            keywords.extensions[member.key] = node
            return
        }
        guard Self.known.contains(member.key) else {
            let hint = Suggestion.clause(for: member.key, among: Self.known)
            throw SchemaError(
                path: path.description, mark: member.keyMark ?? node.mark,
                message: "'\(member.key)' is no keyword that kimi-host checks\(hint); own keywords start with x-")
        }
        switch member.key {
        case "title": keywords.title = node.string
        case "description": keywords.summary = node.string
        case "default": keywords.fallback = node
        case "type": keywords.types = try types(node, path)
        case "enum": keywords.allowed = try nonEmpty(node, path)
        case "const": keywords.allowed = [node]
        case "$defs", "definitions": _ = try schemas(node, path)
        default:
            if try compileObject(member.key, node, path, &keywords.object) { return }
            if try compileArray(member.key, node, path, &keywords.array) { return }
            if try compileScalar(member.key, node, path, &keywords) { return }
            try compileCombination(member.key, node, schema, path, &keywords)
        }
    }

    private mutating func compileObject(
        _ key: String, _ node: ConfigNode, _ path: ConfigPath, _ rules: inout Subschema.ObjectRules
    ) throws(SchemaError) -> Bool {
        switch key {
        case "properties": rules.properties = try schemas(node, path)
        case "patternProperties":
            rules.patterns = try schemas(node, path).map { ($0.key, $0.schema) }
            for (pattern, _) in rules.patterns { try checkPattern(pattern, node, path) }
        case "additionalProperties": rules.additional = try compile(node, at: path)
        case "propertyNames": rules.names = try compile(node, at: path)
        case "required": rules.required = try strings(node, path)
        case "dependentRequired":
            guard let object = node.object else { throw fail(node, path, "must be an object of lists of names") }
            for member in object.members {
                rules.dependent.append((member.key, try strings(member.value, path.key(member.key))))
            }
        case "minProperties": rules.minimum = try count(node, path)
        case "maxProperties": rules.maximum = try count(node, path)
        default: return false
        }
        return true
    }

    private mutating func compileArray(
        _ key: String, _ node: ConfigNode, _ path: ConfigPath, _ rules: inout Subschema.ArrayRules
    ) throws(SchemaError) -> Bool {
        switch key {
        case "items": rules.items = try compile(node, at: path)
        case "prefixItems": rules.prefix = try list(node, path)
        case "minItems": rules.minimum = try count(node, path)
        case "maxItems": rules.maximum = try count(node, path)
        case "uniqueItems":
            guard let flag = node.bool else { throw fail(node, path, "must be true or false") }
            rules.isUnique = flag
        default: return false
        }
        return true
    }

    private func compileScalar(
        _ key: String, _ node: ConfigNode, _ path: ConfigPath, _ keywords: inout Subschema.Keywords
    ) throws(SchemaError) -> Bool {
        switch key {
        case "minimum": keywords.number.minimum = try number(node, path)
        case "maximum": keywords.number.maximum = try number(node, path)
        case "exclusiveMinimum": keywords.number.exclusiveMinimum = try number(node, path)
        case "exclusiveMaximum": keywords.number.exclusiveMaximum = try number(node, path)
        case "multipleOf":
            keywords.number.multipleOf = try number(node, path)
            guard let step = node.double, step > 0 else { throw fail(node, path, "must be greater than 0") }
        case "minLength": keywords.string.minimum = try count(node, path)
        case "maxLength": keywords.string.maximum = try count(node, path)
        case "pattern":
            guard let pattern = node.string else { throw fail(node, path, "must be a string") }
            try checkPattern(pattern, node, path)
            keywords.string.pattern = pattern
        default: return false
        }
        return true
    }

    private mutating func compileCombination(
        _ key: String, _ node: ConfigNode, _ schema: ConfigObject, _ path: ConfigPath,
        _ keywords: inout Subschema.Keywords
    ) throws(SchemaError) {
        switch key {
        case "allOf": keywords.combinations.append(.all(try list(node, path)))
        case "anyOf": keywords.combinations.append(.any(try list(node, path)))
        case "oneOf": keywords.combinations.append(.one(try list(node, path)))
        case "not": keywords.combinations.append(.not(try compile(node, at: path)))
        case "$ref": keywords.combinations.append(.reference(try reference(node, at: path)))
        case "if":
            let condition = try compile(node, at: path)
            var branches: [Subschema?] = []
            for name in ["then", "else"] {
                guard let branch = schema[name] else {
                    branches.append(nil)
                    continue
                }
                branches.append(try compile(branch, at: path.key(name)))
            }
            keywords.combinations.append(.conditional(if: condition, then: branches[0], else: branches[1]))
        default: break  // an annotation
        }
    }
}

// The kinds of value that keywords take.
extension SchemaCompiler {
    private func types(_ node: ConfigNode, _ path: ConfigPath) throws(SchemaError) -> [SchemaType] {
        let names = node.string.map { [$0] } ?? node.array?.compactMap(\.string) ?? []
        let types = names.compactMap(SchemaType.init)
        guard !types.isEmpty, types.count == (node.array?.count ?? 1) else {
            let all = SchemaType.allCases.map(\.rawValue).joined(separator: ", ")
            throw fail(node, path, "must be one of, or a list of: \(all)")
        }
        return types
    }

    private func number(_ node: ConfigNode, _ path: ConfigPath) throws(SchemaError) -> Double {
        guard let number = node.double else { throw fail(node, path, "must be a number, not \(node.kindName)") }
        return number
    }

    private func count(_ node: ConfigNode, _ path: ConfigPath) throws(SchemaError) -> Int {
        guard let number = node.int, number >= 0 else { throw fail(node, path, "must be a whole number from 0 up") }
        return Int(number)
    }

    private func strings(_ node: ConfigNode, _ path: ConfigPath) throws(SchemaError) -> [String] {
        let names = node.array?.compactMap(\.string) ?? []
        guard let elements = node.array, names.count == elements.count else {
            throw fail(node, path, "must be a list of strings")
        }
        return names
    }

    private func nonEmpty(_ node: ConfigNode, _ path: ConfigPath) throws(SchemaError) -> [ConfigNode] {
        guard let elements = node.array, !elements.isEmpty else {
            throw fail(node, path, "must be a list with at least one entry")
        }
        return elements
    }

    private mutating func list(_ node: ConfigNode, _ path: ConfigPath) throws(SchemaError) -> [Subschema] {
        var schemas: [Subschema] = []
        for (index, element) in try nonEmpty(node, path).enumerated() {
            schemas.append(try compile(element, at: path.index(index)))
        }
        return schemas
    }

    private mutating func schemas(
        _ node: ConfigNode, _ path: ConfigPath
    ) throws(SchemaError) -> [(key: String, schema: Subschema)] {
        guard let object = node.object else { throw fail(node, path, "must be an object of schemas") }
        var schemas: [(key: String, schema: Subschema)] = []
        for member in object.members {
            schemas.append((member.key, try compile(member.value, at: path.key(member.key))))
        }
        return schemas
    }

    private func checkPattern(_ pattern: String, _ node: ConfigNode, _ path: ConfigPath) throws(SchemaError) {
        guard (try? Regex(pattern)) != nil else {
            throw fail(node, path, "\"\(pattern)\" is not a regular expression that can be compiled")
        }
    }
}
