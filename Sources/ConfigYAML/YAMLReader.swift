package import JSONSchema
import Yams

/// One thing that is wrong with a YAML text, and where.
package struct YAMLProblem: Error, Sendable, Equatable {
    /// What is wrong and what to do, without the file's name.
    package var message: String
    package var mark: ConfigMark?
}

/// Turns YAML text into a ``ConfigNode`` with marks. Plain scalars follow YAML 1.2: `yes` and `on` are strings.
package struct YAMLReader {
    /// Aliases are expanded; this bounds what a small file can grow into.
    package static let maxNodes = 200_000

    private var nodes = 0
    private var problems: [YAMLProblem] = []

    /// Reads one document; an empty text is null. `node` is nil when there is no usable YAML; the problems say why.
    package static func read(_ text: String) -> (node: ConfigNode?, problems: [YAMLProblem]) {
        var reader = YAMLReader()
        do {
            // The basic resolver leaves plain scalars alone; `scalar` resolves them.
            guard let root = try Yams.compose(yaml: text, .basic) else { return (.null, []) }
            let node = reader.convert(root)
            return (reader.problems.isEmpty ? node : nil, reader.problems)
        } catch let error as YamlError {
            return (nil, [problem(error)])
        } catch {
            return (nil, [YAMLProblem(message: "is not YAML: \(error)")])
        }
    }

    private mutating func convert(_ node: Node) -> ConfigNode {
        let mark = Self.mark(node.mark)
        nodes += 1
        guard nodes <= Self.maxNodes else {
            if nodes == Self.maxNodes + 1 {
                fail(mark, "more than \(Self.maxNodes) values once aliases are expanded; use fewer aliases")
            }
            return .null
        }
        switch node {
        case .scalar(let scalar): return ConfigNode(self.scalar(scalar), mark: mark)
        case .sequence(let sequence): return ConfigNode(.array(sequence.map { convert($0) }), mark: mark)
        case .mapping(let mapping): return ConfigNode(.object(object(mapping)), mark: mark)
        case .alias: return .null  // never composed: the parser puts the anchored node here
        }
    }

    private mutating func object(_ mapping: Node.Mapping) -> ConfigObject {
        var object = ConfigObject()
        var merges: [Node] = []
        for (key, value) in mapping {
            guard let scalar = key.scalar else {
                fail(Self.mark(key.mark), "a key must be a plain word or a string")
                continue
            }
            if scalar.string == "<<", scalar.style == .plain {
                merges.append(value)
                continue
            }
            let member = ConfigObject.Member(key: scalar.string, keyMark: Self.mark(scalar.mark), value: convert(value))
            object.members.append(member)
        }
        for merge in merges { add(merge, to: &object) }
        return object
    }

    /// `<<: *anchor` and `<<: [*one, *two]`: members that are not there yet.
    private mutating func add(_ merge: Node, to object: inout ConfigObject) {
        for source in merge.sequence.map(Array.init) ?? [merge] {
            guard case .object(let members)? = source.mapping.map({ ConfigValue.object(self.object($0)) }) else {
                fail(Self.mark(source.mark), "'<<' takes an alias of a mapping, or a list of them")
                continue
            }
            for member in members.members where object[member.key] == nil { object.members.append(member) }
        }
    }

    private mutating func fail(_ mark: ConfigMark?, _ message: String) {
        problems.append(YAMLProblem(message: message, mark: mark))
    }

    private mutating func scalar(_ scalar: Node.Scalar) -> ConfigValue {
        switch scalar.tag.rawValue {
        case "": return YAMLScalar.resolve(scalar.string)
        case Tag.Name.str.rawValue, Tag.Name.nonSpecific.rawValue: return .string(scalar.string)
        case Tag.Name.int.rawValue, Tag.Name.float.rawValue, Tag.Name.bool.rawValue, Tag.Name.null.rawValue:
            return YAMLScalar.resolve(scalar.string)
        case let tag:
            fail(Self.mark(scalar.mark), "the tag \(tag) is not used here; remove it")
            return .null
        }
    }

    private static func mark(_ mark: Yams.Mark?) -> ConfigMark? {
        mark.map { ConfigMark(line: $0.line, column: $0.column) }
    }

    private static func problem(_ error: YamlError) -> YAMLProblem {
        func mistake(_ mark: Yams.Mark?, _ message: String) -> YAMLProblem {
            YAMLProblem(message: message, mark: self.mark(mark))
        }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let detail = context.map { " (\($0.text), line \($0.mark.line))" } ?? ""
            return mistake(mark, "is not YAML: \(problem)\(detail)")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map { "'\($0)'" }.joined(separator: ", ")
            return mistake(context.mark, "the key \(names) is written more than once; keep one")
        case .reader(let problem, _, _, _):
            return mistake(nil, "is not YAML: \(problem)")
        default:
            return mistake(nil, "is not YAML: \(error)")
        }
    }
}
