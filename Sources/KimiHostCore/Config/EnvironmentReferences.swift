import JSONSchema

/// Replaces `$NAME` at the start of strings by the environment's values, at every depth.
///
/// `$NAME` and `${NAME}` count only as the first thing in a string; what follows is kept (`$BASE/v1`). `$$` is a literal
/// dollar. Everything else that starts with a dollar is left as it is.
struct EnvironmentReferences {
    /// A reference to a variable that is not set.
    struct Missing {
        var variable: String
        var path: ConfigPath
        var mark: Mark?
    }

    let environment: Environment
    private(set) var missing: [Missing] = []

    init(environment: Environment) {
        self.environment = environment
    }

    mutating func resolve(_ node: ConfigNode, at path: ConfigPath) -> ConfigNode {
        var result = node
        switch node.value {
        case .string(let text):
            result.value = .string(resolve(text, node.mark, path))
        case .array(var elements):
            for index in elements.indices { elements[index] = resolve(elements[index], at: path.index(index)) }
            result.value = .array(elements)
        case .object(var object):
            for index in object.members.indices {
                let member = object.members[index]
                object.members[index].value = resolve(member.value, at: path.key(member.key))
            }
            result.value = .object(object)
        case .null, .bool, .int, .double: break
        }
        return result
    }

    private mutating func resolve(_ text: String, _ mark: Mark?, _ path: ConfigPath) -> String {
        guard text.utf8.first == UInt8(ascii: "$") else { return text }
        if text.hasPrefix("$$") { return String(text.dropFirst()) }
        guard let (name, suffix) = Self.split(text.dropFirst()) else { return text }
        guard let value = environment[name] else {
            missing.append(Missing(variable: name, path: path, mark: mark))
            return text
        }
        return value + suffix
    }

    /// The variable's name after the dollar and what follows it; nil if this is no reference.
    private static func split(_ text: Substring) -> (name: String, suffix: Substring)? {
        let isBraced = text.first == "{"
        let body = isBraced ? text.dropFirst() : text
        let name = body.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
        let suffix = body.dropFirst(name.count)
        if name.isEmpty || name.first?.isNumber == true || (isBraced && suffix.first != "}") { return nil }
        return (String(name), isBraced ? suffix.dropFirst() : suffix)
    }
}
