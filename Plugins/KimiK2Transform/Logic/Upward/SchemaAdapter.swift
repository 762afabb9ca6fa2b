/// Writes a tool's schema in another flavour.
struct SchemaAdapter {
    struct Result {
        /// nil: it stays as it is.
        var schema: SchemaNode?
        /// What was changed, in words.
        var changes: [String] = []
        /// Why the result means less than the original, or why there is none.
        var lossy: String?
    }

    var changes: [String] = []
    var lossy: String?

    static func adapt(_ schema: SchemaNode, _ flavour: HistoryOptions.Schemas) -> Result {
        var adapter = SchemaAdapter()
        var result = schema
        if schema.hasReference {
            let (inlined, trouble) = SchemaReferences.inlined(schema, cuts: flavour == .moonshot)
            adapter.lossy = trouble
            if let inlined, inlined != schema {
                result = inlined
                adapter.changes.append("references inlined")
            }
        }
        result = flavour == .moonshot ? adapter.moonshot(result, isRoot: true) : adapter.spreadTypes(result)
        return Result(schema: result == schema ? nil : result, changes: adapter.changes, lossy: adapter.lossy)
    }

    mutating func note(_ change: String) {
        if !changes.contains(change) { changes.append(change) }
    }

    mutating func loses(_ what: String) {
        if lossy == nil { lossy = what }
    }

    // MARK: - Types beside unions

    /// At every depth.
    private mutating func spreadTypes(_ node: SchemaNode) -> SchemaNode {
        let own = spreadType(node)
        return own.mapSchemas { spreadTypes($0) }
    }

    /// `type` beside `anyOf` moves into the branches that have none.
    mutating func spreadType(_ node: SchemaNode) -> SchemaNode {
        guard let type = node["type"], let branches = node["anyOf"]?.elements, !branches.isEmpty else { return node }
        note("type moved into anyOf")
        var result = node
        result["type"] = nil
        result["anyOf"] = .array(
            branches.map { branch in
                if branch.isTrue { return .object(["type": type]) }
                guard let members = branch.members, branch["type"] == nil, branch["$ref"] == nil else { return branch }
                return .object([SchemaMember(name: Array("type".utf8), value: type)] + members)
            })
        return result
    }
}
