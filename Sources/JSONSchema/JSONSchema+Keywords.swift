extension JSONSchema {
    /// A value of a document that an `x-*` keyword of the schema applies to.
    package struct Marked: Sendable, Equatable {
        package var path: String
        package var node: ConfigNode
    }

    /// `marked`: the keyword's value in the schema.
    package typealias Replacing = (_ node: ConfigNode, _ path: ConfigPath, _ marked: ConfigNode) -> ConfigNode

    package typealias Filling = (_ value: ConfigNode, _ path: ConfigPath, _ types: [SchemaType]) -> ConfigNode?

    /// One property of a schema, for tools that read schemas: documentation, environment filling, `plugin inspect`.
    package struct Property: Sendable {
        package var name: String
        package var title: String?
        package var summary: String?
        package var fallback: ConfigNode?
        package var isRequired: Bool
        /// The `x-*` keywords with their values.
        package var extensions: [String: ConfigNode]
    }

    /// The properties of the top-level object in schema order, those of `$ref` and `allOf` included.
    package var properties: [Property] {
        var list: [Property] = []
        for subschema in flattened(root) {
            let object = subschema.keywords.object
            for (name, property) in object.properties where !list.contains(where: { $0.name == name }) {
                let keywords = flattened(property).map(\.keywords)
                list.append(
                    Property(
                        name: name, title: keywords.firstValue(\.title), summary: keywords.firstValue(\.summary),
                        fallback: keywords.firstValue(\.fallback), isRequired: object.required.contains(name),
                        extensions: keywords.reduce(into: [:]) { $0.merge($1.extensions) { first, _ in first } }))
            }
        }
        return list
    }

    /// `node` with what `fill` returns put in wherever a property marked with `keyword` is absent or null.
    ///
    /// `fill` gets the keyword's value, the property's path and its `type`s (empty: any). Only objects that exist are
    /// entered, so that filling never makes an optional object appear.
    package func filling(
        _ keyword: String, in node: ConfigNode, at path: ConfigPath = .root,
        with fill: Filling
    ) -> ConfigNode {
        filled(node, root, keyword, path, 0, fill)
    }

    private func filled(
        _ node: ConfigNode, _ subschema: Subschema, _ keyword: String, _ path: ConfigPath, _ depth: Int,
        _ fill: Filling
    ) -> ConfigNode {
        guard case .object(var object) = node.value, depth < Validator.maxDepth else { return node }
        for (key, property) in flattened(subschema).flatMap(\.keywords.object.properties) {
            let keyPath = path.key(key)
            if let present = object[key], !present.isNull {
                object[key] = filled(present, property, keyword, keyPath, depth + 1, fill)
                continue
            }
            let layers = flattened(property).map(\.keywords)
            if let value = layers.firstValue({ $0.extensions[keyword] }),
                let filling = fill(value, keyPath, layers.flatMap(\.types))
            {
                object[key] = filling
            }
        }
        return ConfigNode(.object(object), mark: node.mark)
    }

    /// The values in `node` whose schema carries `keyword` with any value but false, for example `x-host`.
    package func values(marked keyword: String, in node: ConfigNode) -> [Marked] {
        var found: [Marked] = []
        _ = rewritten(node, root, keyword, .root, 0) { node, path, _ in
            found.append(Marked(path: path.description, node: node))
            return node
        }
        return found
    }

    /// `node` with every value whose schema is marked `x-secret` or `x-sign-key` replaced by "***", for dumps and logs.
    package func masked(_ node: ConfigNode) -> ConfigNode {
        [Self.secret, Self.signKey].reduce(node) { node, keyword in
            replacing(keyword, in: node) { node, _, _ in ConfigNode(.string("***"), mark: node.mark) }
        }
    }

    /// The keywords whose values no message shows.
    static let secret = "x-secret", signKey = "x-sign-key"

    /// `node` with every value whose schema carries `keyword` with any value but false replaced by what `body` makes of
    /// it. Where several parts of the schema speak of one value, `body` gets it again for each.
    package func replacing(
        _ keyword: String, in node: ConfigNode, at path: ConfigPath = .root,
        with body: Replacing
    ) -> ConfigNode {
        rewritten(node, root, keyword, path, 0, body)
    }

    private func rewritten(
        _ node: ConfigNode, _ subschema: Subschema, _ keyword: String, _ path: ConfigPath, _ depth: Int,
        _ body: Replacing
    ) -> ConfigNode {
        // Deeper than anything that passes the check: left as it is.
        guard depth < Validator.maxDepth else { return node }
        let layers = flattened(subschema)
        if let marked = layers.lazy.compactMap({ $0.keywords.extensions[keyword] }).first(where: { $0.bool != false }) {
            return body(node, path, marked)
        }
        var result = node
        switch node.value {
        case .object(var object):
            for index in object.members.indices {
                let member = object.members[index]
                for child in layers.flatMap({ Self.children($0, of: member.key) }) {
                    let value = object.members[index].value
                    object.members[index].value =
                        rewritten(value, child, keyword, path.key(member.key), depth + 1, body)
                }
            }
            result.value = .object(object)
        case .array(var elements):
            for index in elements.indices {
                for child in layers.compactMap({ Self.child($0, at: index) }) {
                    elements[index] = rewritten(elements[index], child, keyword, path.index(index), depth + 1, body)
                }
            }
            result.value = .array(elements)
        default: break
        }
        return result
    }

    private static func children(_ subschema: Subschema, of key: String) -> [Subschema] {
        let rules = subschema.keywords.object
        let named =
            rules.properties.filter { $0.key == key }.map(\.schema)
            + rules.patterns.filter { Validator.matches(key, $0.pattern) }.map(\.schema)
        return named.isEmpty ? rules.additional.map { [$0] } ?? [] : named
    }

    private static func child(_ subschema: Subschema, at index: Int) -> Subschema? {
        let rules = subschema.keywords.array
        return index < rules.prefix.count ? rules.prefix[index] : rules.items
    }

    /// The schema and every schema that may apply to the same value: references, allOf, anyOf, oneOf, then and else.
    private func flattened(_ subschema: Subschema) -> [Subschema] {
        var list: [Subschema] = []
        var waiting = [subschema]
        while let next = waiting.popLast() {
            guard !list.contains(where: { $0 === next }) else { continue }
            list.append(next)
            for combination in next.keywords.combinations {
                switch combination {
                case .all(let branches), .any(let branches), .one(let branches): waiting += branches
                case .conditional(_, let then, let otherwise): waiting += [then, otherwise].compactMap { $0 }
                case .reference(let pointer): waiting += references[pointer].map { [$0] } ?? []
                case .not: break
                }
            }
        }
        return list
    }
}

extension [Subschema.Keywords] {
    fileprivate func firstValue<Value>(_ value: (Subschema.Keywords) -> Value?) -> Value? {
        for keywords in self {
            if let found = value(keywords) { return found }
        }
        return nil
    }
}
