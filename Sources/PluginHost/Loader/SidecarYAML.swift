internal import JSONSchema
internal import Yams

/// YAML text as a ``ConfigNode`` with marks.
enum SidecarYAML {
    struct Failure: Error, Sendable, Equatable {
        var message: String
        var mark: ConfigMark?
    }

    /// The one document of `text`; an empty text is null.
    static func parse(_ text: String) throws(Failure) -> ConfigNode {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw failure(error)
        }
        guard let root else { return .null }
        return try convert(root, depth: 0)
    }

    private static let maxDepth = 64

    private static func convert(_ node: Node, depth: Int) throws(Failure) -> ConfigNode {
        let mark = mark(node.mark)
        guard depth < maxDepth else { throw Failure(message: "nested deeper than \(maxDepth) levels", mark: mark) }
        switch node {
        case .scalar(let scalar): return ConfigNode(value(scalar, node), mark: mark)
        case .sequence(let sequence):
            var elements: [ConfigNode] = []
            for element in sequence { elements.append(try convert(element, depth: depth + 1)) }
            return ConfigNode(.array(elements), mark: mark)
        case .mapping(let mapping):
            var object = ConfigObject()
            for (key, value) in mapping {
                guard let name = key.scalar?.string else {
                    throw Failure(message: "a key must be a plain word", mark: self.mark(key.mark))
                }
                let converted = try convert(value, depth: depth + 1)
                object.members.append(.init(key: name, keyMark: self.mark(key.mark), value: converted))
            }
            return ConfigNode(.object(object), mark: mark)
        default: throw Failure(message: "an alias (*name) is not supported here", mark: mark)
        }
    }

    private static func value(_ scalar: Node.Scalar, _ node: Node) -> ConfigValue {
        switch node.tag.description {
        case Tag.Name.null.rawValue: .null
        case Tag.Name.bool.rawValue: node.bool.map { .bool($0) } ?? .string(scalar.string)
        case Tag.Name.int.rawValue: node.int.map { .int(Int64($0)) } ?? .string(scalar.string)
        case Tag.Name.float.rawValue: node.float.map { .double($0) } ?? .string(scalar.string)
        default: .string(scalar.string)
        }
    }

    private static func mark(_ mark: Yams.Mark?) -> ConfigMark? {
        mark.map { ConfigMark(line: $0.line, column: $0.column) }
    }

    private static func failure(_ error: any Error) -> Failure {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            Failure(message: problem, mark: self.mark(mark))
        case .duplicatedKeysInMapping(let keys, let context):
            Failure(message: "the key '\(keys.first ?? "")' is written twice", mark: self.mark(context.mark))
        default: Failure(message: "\(error)", mark: nil)
        }
    }
}
