import WireJSON

/// Looks into complete arguments: needed when a name must be inferred and when two sources tell of the same call.
enum ArgumentJSON {
    /// The names of the top-level members; nil if this is not an object.
    static func names(in arguments: [UInt8]) -> [String]? {
        guard let root = try? JSONParser().parse(arguments), root.isObject else { return nil }
        return root.members.map { String(decoding: $0.key, as: UTF8.self) }
    }

    /// Equal as JSON, whatever the order of members and the blanks; or equal byte for byte.
    static func same(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        if left == right { return true }
        guard let first = try? JSONParser().parse(left), let second = try? JSONParser().parse(right) else { return false }
        return same(first, second)
    }

    /// `{"name": TOOL, "arguments": {…}}` or `{"name": TOOL, …}` for a declared tool: the tool, and what is left.
    static func namedInside(_ arguments: [UInt8], _ tools: ToolCatalogue) -> (name: String, arguments: [UInt8])? {
        guard let root = try? JSONParser().parse(arguments), let name = root["name"]?.string, tools.contains(name)
        else { return nil }
        if let inner = root["arguments"] ?? root["parameters"], root.members.map({ _ in 1 }).count == 2 {
            return (name, inner.isString ? Array(inner.stringBytes ?? Bytes(start: nil, count: 0)) : inner.json)
        }
        let rest = Array(#"{"name":null}"#.utf8).withUnsafeBytes { patch in
            arguments.withUnsafeBytes { try? JSONEdit.mergePatch(patch, into: $0) }
        }
        return rest.map { (name, $0) }
    }

    private static func same(_ left: JSONValue, _ right: JSONValue) -> Bool {
        guard left.kind == right.kind else { return false }
        switch left.kind {
        case .object:
            let members = right.members.map { ($0.key, $0.value) }
            let own = left.members.map { ($0.key, $0.value) }
            return own.count == members.count
                && own.allSatisfy { key, value in
                    members.contains { key.elementsEqual($0.0) && same(value, $0.1) }
                }
        case .array:
            let others = right.elements.map { $0 }
            let own = left.elements.map { $0 }
            return own.count == others.count && zip(own, others).allSatisfy { same($0, $1) }
        case .string: return left.string == right.string
        case .double: return left.double == right.double
        default: return left.json == right.json
        }
    }
}
