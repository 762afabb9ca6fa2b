extension Validator {
    mutating func check(_ node: ConfigNode, _ combination: Subschema.Combination, at path: ConfigPath) {
        switch combination {
        case .all(let branches):
            for branch in branches { check(node, branch, at: path) }
        case .any(let branches):
            if reportNone(node, of: branches.compactMap(\.onlyRequired), branches.count, path) { return }
            let results = branches.map { trial(node, $0, at: path) }
            if results.allSatisfy({ !$0.isEmpty }) { reportNearest(node, branches, results, path) }
        case .one(let branches):
            let results = branches.map { trial(node, $0, at: path) }
            let matching = results.count { $0.isEmpty }
            if matching == 0 { reportNearest(node, branches, results, path) }
            if matching > 1 { report(node, path, "fits \(matching) of the allowed forms at once; make it one of them") }
        case .not(let branch):
            if trial(node, branch, at: path).isEmpty {
                let name = branch.keywords.title ?? branch.keywords.summary
                report(node, path, name.map { "must not be \($0)" } ?? "has a form that is not allowed here")
            }
        case .conditional(let condition, let then, let otherwise):
            let branch = trial(node, condition, at: path).isEmpty ? then : otherwise
            if let branch { check(node, branch, at: path) }
        case .reference(let pointer):
            if let target = schema.references[pointer] { check(node, target, at: path) }
        }
    }

    /// Names all members of which one must be there, if the branches are nothing else and none of them is.
    private mutating func reportNone(
        _ node: ConfigNode, of names: [String], _ count: Int, _ path: ConfigPath
    ) -> Bool {
        guard let first = names.first, names.count == count, let object = node.object,
            names.allSatisfy({ object[$0] == nil })
        else { return false }
        var cure = names.count == 1 ? "add it" : "add it or \(names.dropFirst().joined(separator: " or "))"
        let variables = schema.properties.filter { names.contains($0.name) }.flatMap {
            $0.extensions["x-env"]?.names ?? []
        }
        if !variables.isEmpty {
            cure += ", or set the environment variable \(variables.joined(separator: " or "))"
        }
        report(node, path.key(first), "is missing; \(cure)")
        return true
    }

    /// Says what the likeliest branch says: the one of the value's own kind with the fewest violations.
    private mutating func reportNearest(
        _ node: ConfigNode, _ branches: [Subschema], _ results: [[Violation]], _ path: ConfigPath
    ) {
        let sameKind = branches.indices.filter { index in
            let types = resolved(branches[index]).keywords.types
            return types.isEmpty || types.contains { $0.admits(node) }
        }
        if let nearest = sameKind.min(by: { results[$0].count < results[$1].count }) {
            return report(contentsOf: results[nearest])
        }
        var kinds: [String] = []
        for type in branches.flatMap({ resolved($0).keywords.types }) where !kinds.contains(type.words) {
            kinds.append(type.words)
        }
        report(node, path, "must be \(kinds.joined(separator: " or ")), not \(node.kindName)")
    }

    /// The schema behind a pure `$ref`, followed once.
    private func resolved(_ subschema: Subschema) -> Subschema {
        guard subschema.keywords.types.isEmpty, case .reference(let pointer)? = subschema.keywords.combinations.first
        else { return subschema }
        return schema.references[pointer] ?? subschema
    }
}
