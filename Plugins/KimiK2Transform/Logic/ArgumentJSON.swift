import WireJSON

/// Looks into complete arguments: needed when a name must be inferred and when two sources tell of the same call.
enum ArgumentJSON {
    /// The names of the top-level members; nil if this is not an object.
    static func names(in arguments: [UInt8]) -> [String]? {
        let names = withJSON(arguments) { root -> [String]? in
            root.isObject ? root.members.map { String(decoding: $0.key, as: UTF8.self) } : nil
        }
        return names ?? nil
    }

    /// Equal as JSON, whatever the order of members and the blanks; or equal byte for byte.
    static func same(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        if left == right { return true }
        let equal = withJSON(left) { first in withJSON(right) { second in same(first, second) } ?? false }
        return equal ?? false
    }

    /// `{"name": TOOL, "arguments": {…}}` or `{"name": TOOL, …}` for a declared tool: the tool, and what is left.
    static func namedInside(_ arguments: [UInt8], _ tools: ToolCatalogue) -> (name: String, arguments: [UInt8])? {
        let found = withJSON(arguments) { root -> (name: String, arguments: [UInt8]?)? in
            guard let name = root["name"]?.string, tools.contains(name) else { return nil }
            guard let inner = root["arguments"] ?? root["parameters"], root.elementCount == 2 else {
                return (name, nil)
            }
            return (name, inner.isString ? inner.stringBytes.map { [UInt8]($0) } : inner.json)
        }
        guard let found, let found else { return nil }
        if let inner = found.arguments { return (found.name, inner) }
        let rest = Array(#"{"name":null}"#.utf8).withUnsafeBytes { patch in
            arguments.withUnsafeBytes { try? JSONEdit.mergePatch(patch, into: $0) }
        }
        return rest.map { (found.name, $0) }
    }

    private static func same(_ left: JSONValue, _ right: JSONValue) -> Bool {
        guard left.kind == right.kind else { return false }
        switch left.kind {
        case .object:
            let (own, others) = (Array(left.members), Array(right.members))
            return own.count == others.count
                && own.allSatisfy { member in
                    others.contains { member.key.elementsEqual($0.key) && same(member.value, $0.value) }
                }
        case .array:
            let (own, others) = (Array(left.elements), Array(right.elements))
            return own.count == others.count && zip(own, others).allSatisfy { same($0, $1) }
        case .string: return left.string == right.string
        case .double: return left.double == right.double
        default: return left.json == right.json
        }
    }
}
