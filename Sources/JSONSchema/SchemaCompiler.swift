/// Turns a schema document into ``Subschema`` objects and refuses what is no schema.
struct SchemaCompiler {
    static let maxDepth = 64

    let document: ConfigNode
    private(set) var references: [String: Subschema] = [:]
    private var pending: [(pointer: String, path: ConfigPath, mark: Mark?)] = []
    private var depth = 0

    init(document: ConfigNode) {
        self.document = document
    }

    mutating func compile(_ node: ConfigNode, at path: ConfigPath) throws(SchemaError) -> Subschema {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maxDepth else { throw fail(node, path, "nested deeper than \(Self.maxDepth) schemas") }
        var keywords = Subschema.Keywords()
        switch node.value {
        case .bool(let accepts): keywords.isNever = !accepts
        case .object(let object):
            for member in object.members {
                try compile(member, of: object, at: path.key(member.key), into: &keywords)
            }
        default: throw fail(node, path, "a schema is an object or true or false, not \(node.kindName)")
        }
        return Subschema(keywords)
    }

    /// Compiles everything a `$ref` named, and what that names in turn.
    mutating func compileReferences() throws(SchemaError) {
        while let next = pending.popLast() {
            guard references[next.pointer] == nil else { continue }
            guard let target = resolve(next.pointer) else {
                throw SchemaError(
                    path: next.path.description, mark: next.mark,
                    message: "\"#\(next.pointer)\" names no place in this schema")
            }
            references[next.pointer] = try compile(target, at: ConfigPath("#" + next.pointer))
        }
    }

    mutating func reference(_ node: ConfigNode, at path: ConfigPath) throws(SchemaError) -> String {
        guard let text = node.string, text.first == "#", text.count == 1 || text.dropFirst().first == "/" else {
            throw fail(node, path, "only references into the same schema work, such as \"#/$defs/name\"")
        }
        let pointer = String(text.dropFirst())
        pending.append((pointer, path, node.mark))
        return pointer
    }

    /// Follows a JSON pointer (RFC 6901, without percent-encoding) through the document.
    private func resolve(_ pointer: String) -> ConfigNode? {
        var node = document
        for part in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let key = Self.unescapePointer(part)
            switch node.value {
            case .object(let object):
                guard let next = object[key] else { return nil }
                node = next
            case .array(let elements):
                guard let index = Int(key), elements.indices.contains(index) else { return nil }
                node = elements[index]
            default: return nil
            }
        }
        return node
    }

    private static func unescapePointer(_ part: Substring) -> String {
        var key = ""
        var afterTilde = false
        for character in part {
            if afterTilde {
                key.append(character == "1" ? "/" : "~")
            } else if character != "~" {
                key.append(character)
            }
            afterTilde = !afterTilde && character == "~"
        }
        return key
    }

    func fail(_ node: ConfigNode, _ path: ConfigPath, _ message: String) -> SchemaError {
        SchemaError(path: path.description, mark: node.mark, message: message)
    }
}
