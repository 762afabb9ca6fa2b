/// Where schemas are inside a schema. Only there are words keywords: a property may be called `$ref` too.
extension SchemaNode {
    private static let single: Set<String> = [
        "items", "additionalProperties", "additionalItems", "not", "if", "then", "else", "contains", "propertyNames",
        "unevaluatedItems", "unevaluatedProperties",
    ]
    private static let named: Set<String> = [
        "properties", "patternProperties", "$defs", "definitions", "dependentSchemas",
    ]
    private static let listed: Set<String> = ["anyOf", "oneOf", "allOf", "prefixItems", "items"]

    /// This schema with every schema directly inside replaced by what `change` makes of it.
    func mapSchemas(_ change: (SchemaNode) -> SchemaNode) -> SchemaNode {
        guard let members else { return self }
        return .object(
            members.map { member in
                let name = String(decoding: member.name, as: UTF8.self)
                var member = member
                switch member.value {
                case .array(let list) where Self.listed.contains(name): member.value = .array(list.map(change))
                case .object(let inner) where Self.named.contains(name):
                    member.value = .object(inner.map { SchemaMember(name: $0.name, value: change($0.value)) })
                case .object where Self.single.contains(name): member.value = change(member.value)
                default: break
                }
                return member
            })
    }

    /// Is there a reference in it, at any depth?
    var hasReference: Bool {
        if self["$ref"] != nil { return true }
        var found = false
        _ = mapSchemas { inner in
            found = found || inner.hasReference
            return inner
        }
        return found
    }

    /// The node that a pointer such as `#/$defs/item` leads to.
    func resolved(_ pointer: String) -> SchemaNode? {
        guard pointer.hasPrefix("#") else { return nil }
        var node = self
        for step in pointer.dropFirst().split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = Self.unescaped(step)
            if let elements = node.elements {
                guard let index = Int(name), elements.indices.contains(index) else { return nil }
                node = elements[index]
            } else {
                guard let next = node[name] else { return nil }
                node = next
            }
        }
        return pointer == "#" || pointer.hasPrefix("#/") ? node : nil
    }

    /// `~1` is `/`, `~0` is `~`, `%24` is `$`.
    private static func unescaped(_ step: Substring) -> String {
        var (result, rest) = ([UInt8](), Array(step.utf8)[...])
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "~"), let next = rest.first, next == 0x30 || next == 0x31 {
                rest.removeFirst()
                result.append(next == 0x30 ? UInt8(ascii: "~") : UInt8(ascii: "/"))
            } else if byte == UInt8(ascii: "%"),
                let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2
            {
                rest = rest.dropFirst(2)
                result.append(code)
            } else {
                result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
