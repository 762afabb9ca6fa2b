/// Moonshot's own flavour, as its API checks it: no `oneOf`, `allOf` or `const`, no tuples, no schemas that are `true`,
/// `type` inside the branches of a union, names in `required` that are declared.
extension SchemaAdapter {
    mutating func moonshot(_ node: SchemaNode, isRoot: Bool = false) -> SchemaNode {
        guard node.members != nil else { return node }
        var own = node
        mergeAll(&own)
        renameUnion(&own)
        dropBooleans(&own)
        joinTuple(&own)
        narrowLiterals(&own)
        dropUnknown(&own, isRoot)
        splitTypes(&own)
        spreadObject(&own)
        own = spreadType(own)
        own = own.mapSchemas { moonshot($0) }
        checkRequired(&own)
        if isRoot { completeRoot(&own) }
        return own
    }

    // MARK: - Unions

    private mutating func mergeAll(_ node: inout SchemaNode) {
        guard let all = node["allOf"]?.elements else { return }
        note("allOf merged")
        node["allOf"] = nil
        for part in all { merge(part, into: &node) }
    }

    private mutating func merge(_ part: SchemaNode, into node: inout SchemaNode) {
        for member in part.members ?? [] {
            let name = String(decoding: member.name, as: UTF8.self)
            guard let old = node[name] else {
                node[name] = member.value
                continue
            }
            if name == "properties" {
                var both = old
                for inner in member.value.members ?? [] { merge(inner, into: &both) }
                node[name] = both
            } else if let names = member.value.elements, let own = old.elements, name == "required" {
                node[name] = .array(own + names.filter { !own.contains($0) })
            } else if old != member.value {
                loses("allOf has parts that contradict")
            }
        }
    }

    private mutating func merge(_ property: SchemaMember, into both: inout SchemaNode) {
        let name = String(decoding: property.name, as: UTF8.self)
        if both[name] == nil {
            both[name] = property.value
        } else if both[name] != property.value {
            loses("allOf has parts that contradict")
        }
    }

    private mutating func renameUnion(_ node: inout SchemaNode) {
        guard case .object(var members) = node,
            let at = members.firstIndex(where: { $0.name.elementsEqual("oneOf".utf8) })
        else { return }
        note("oneOf became anyOf")
        if node["anyOf"] == nil {
            members[at].name = Array("anyOf".utf8)
        } else {
            members.remove(at: at)
            loses("oneOf beside anyOf was dropped")
        }
        node = .object(members)
    }

    /// What stands beside a union of objects counts in each branch.
    private mutating func spreadObject(_ node: inout SchemaNode) {
        guard let branches = node["anyOf"]?.elements, !branches.isEmpty else { return }
        let shared = ["properties", "required", "additionalProperties"].filter { node[$0] != nil }
        guard !shared.isEmpty else { return }
        note("what stands beside anyOf moved into it")
        let outer = node
        node["anyOf"] = .array(
            branches.map { branch in
                guard branch.members != nil, branch["type"] == nil || branch["type"]?.text == "object" else {
                    return branch
                }
                var inner = branch
                for name in shared { add(outer, name, to: &inner) }
                return inner
            })
        for name in shared { node[name] = nil }
    }

    private func add(_ outer: SchemaNode, _ name: String, to inner: inout SchemaNode) {
        guard let value = outer[name] else { return }
        guard let old = inner[name] else { return inner[name] = value }
        if name == "properties", case .object(let own) = old {
            let others = (value.members ?? []).filter { member in !own.contains { $0.name == member.name } }
            inner[name] = .object(others + own)
        } else if name == "required", let own = old.elements, let more = value.elements {
            inner[name] = .array(more + own.filter { !more.contains($0) })
        }
    }

    /// A list of types beside other keywords becomes a union, each type with the keywords that speak of it.
    private mutating func splitTypes(_ node: inout SchemaNode) {
        guard let types = node["type"]?.elements else { return }
        let names = types.compactMap(\.text)
        guard names.count == types.count, let first = names.first else { return }
        if names.count == 1 { return node["type"] = SchemaNode(first) }
        let shared: Set<String> = ["type", "description", "title", "default", "enum", "anyOf", "$defs", "$id"]
        let special = (node.members ?? []).filter { !shared.contains(String(decoding: $0.name, as: UTF8.self)) }
        guard !special.isEmpty, node["anyOf"] == nil, node["enum"] == nil else { return }
        note("lists of types became anyOf")
        let outer = (node.members ?? []).filter { member in
            !special.contains(member) && member.name != Array("type".utf8)
        }
        let branches = names.map { type in
            SchemaNode.object(
                [SchemaMember(name: Array("type".utf8), value: SchemaNode(type))]
                    + special.filter { Self.speaks($0.name, of: type) })
        }
        node = .object(outer + [SchemaMember(name: Array("anyOf".utf8), value: .array(branches))])
    }

    private static func speaks(_ keyword: [UInt8], of type: String) -> Bool {
        switch String(decoding: keyword, as: UTF8.self) {
        case "properties", "required", "additionalProperties": type == "object"
        case "items", "minItems", "maxItems": type == "array"
        case "minLength", "maxLength", "pattern", "format": type == "string"
        case "minimum", "maximum": type == "number" || type == "integer"
        default: true
        }
    }
}
