import WireJSON

/// Reads a JSON Schema into nodes. References to parts of the same schema become links, so cycles do no harm.
struct SchemaReader {
    /// Bounds of what is read; beyond them everything is allowed.
    private static let maxNodes = 8192
    private static let maxDepth = 64

    private let root: JSONValue
    private var nodes: [ParameterSchema.Node] = []
    private var references: [String: Int] = [:]

    static func read(_ schema: JSONValue) -> ParameterSchema? {
        guard schema.isObject else { return nil }
        var reader = SchemaReader(root: schema)
        let index = reader.reserve()
        reader.references["#"] = index
        reader.fill(index, schema, 0)
        reader.settleKinds()
        return ParameterSchema(nodes: reader.nodes)
    }

    private init(root: JSONValue) { self.root = root }

    private mutating func reserve() -> Int {
        nodes.append(ParameterSchema.Node())
        return nodes.count - 1
    }

    /// Reads `value` as a node of its own; nil if it asks for nothing.
    private mutating func node(_ value: JSONValue?, _ depth: Int) -> Int? {
        guard let value, value.isObject, depth < Self.maxDepth, nodes.count < Self.maxNodes else { return nil }
        let index = reserve()
        fill(index, value, depth)
        return index
    }

    private mutating func fill(_ index: Int, _ value: JSONValue, _ depth: Int) {
        var node = ParameterSchema.Node()
        (node.kinds, node.literals) = Self.kinds(of: value)
        readObject(value, depth, &node)
        if value["prefixItems"] == nil { node.items = self.node(value["items"], depth + 1) }
        for part in value["allOf"]?.elements.map({ $0 }) ?? [] {
            if let part = self.node(part, depth + 1) { node.all.append(part) }
        }
        if let target = value["$ref"]?.string.flatMap({ reference($0, depth) }) { node.all.append(target) }
        for group in [value["anyOf"], value["oneOf"]] {
            guard let group, group.elementCount > 0 else { continue }
            // A branch that asks for nothing makes the whole group ask for nothing.
            let branches = group.elements.map { self.node($0, depth + 1) }
            if !branches.contains(nil) { node.groups.append(branches.compactMap { $0 }) }
        }
        nodes[index] = node
    }

    private mutating func readObject(_ value: JSONValue, _ depth: Int, _ node: inout ParameterSchema.Node) {
        value["properties"]?.forEachMember { name, schema in
            // Members that ask for nothing are named all the same: `additionalProperties` is not about them.
            let child = self.node(schema, depth + 1) ?? reserve()
            node.properties.append((Array(name), child))
        }
        node.required = value["required"]?.elements.compactMap { $0.string.map { Array($0.utf8) } } ?? []
        if value["patternProperties"] == nil { node.additional = self.node(value["additionalProperties"], depth + 1) }
    }

    // MARK: - References

    private mutating func reference(_ pointer: String, _ depth: Int) -> Int? {
        if let known = references[pointer] { return known }
        guard pointer.hasPrefix("#/"), depth < Self.maxDepth, nodes.count < Self.maxNodes else { return nil }
        var target = root
        for part in pointer.dropFirst(2).split(separator: "/", omittingEmptySubsequences: false) {
            guard let next = target.member(Self.unescaped(part)) ?? Int(part).flatMap({ target[index: $0] }) else {
                return nil
            }
            target = next
        }
        guard target.isObject else { return nil }
        let index = reserve()
        references[pointer] = index
        fill(index, target, depth + 1)
        return index
    }

    private static func unescaped(_ part: Substring) -> String {
        guard part.contains("~") else { return String(part) }
        var result = ""
        var escaped = false
        for character in part {
            if escaped {
                result.append(character == "1" ? "/" : "~")
                escaped = false
            } else if character == "~" {
                escaped = true
            } else {
                result.append(character)
            }
        }
        return result
    }

    // MARK: - Kinds

    private static func kinds(of value: JSONValue) -> (ValueKinds, [ParameterSchema.Literal]?) {
        var kinds = ValueKinds.any
        if let type = value["type"] {
            let words = type.string.map { [$0] } ?? type.elements.compactMap(\.string)
            if !words.isEmpty { kinds = words.reduce([]) { $0.union(ValueKinds(schemaType: $1)) } }
        }
        let values = value["enum"].map { Array($0.elements) } ?? value["const"].map { [$0] }
        let literals = values?.map(literal)
        if let literals, !literals.isEmpty {
            kinds.formIntersection(literals.reduce([]) { $0.union($1.kind) })
        }
        if value["nullable"]?.bool == true { kinds.insert(.null) }
        return (kinds.isEmpty ? .any : kinds, literals)
    }

    private static func literal(_ value: JSONValue) -> ParameterSchema.Literal {
        .init(kind: ValueKinds(value.kind), text: value.stringBytes.map { Array($0) } ?? value.json)
    }

    /// Narrows each node to what its parts allow too.
    private mutating func settleKinds() {
        var settled = [Bool](repeating: false, count: nodes.count)
        for index in nodes.indices { settle(index, &settled, 0) }
    }

    private mutating func settle(_ index: Int, _ settled: inout [Bool], _ depth: Int) {
        guard !settled[index], depth < Self.maxDepth * 2 else { return }
        settled[index] = true  // Before its parts: a cycle then asks for nothing new.
        var kinds = nodes[index].kinds
        for part in nodes[index].all {
            settle(part, &settled, depth + 1)
            kinds.formIntersection(nodes[part].kinds)
        }
        for group in nodes[index].groups {
            for part in group { settle(part, &settled, depth + 1) }
            kinds.formIntersection(group.reduce([]) { $0.union(nodes[$1].kinds) })
        }
        nodes[index].kinds = kinds.isEmpty ? .any : kinds
    }
}
