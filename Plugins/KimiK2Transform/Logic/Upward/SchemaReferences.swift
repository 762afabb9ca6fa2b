/// Puts what references mean in their place.
struct SchemaReferences {
    private let root: SchemaNode
    /// Cut a reference that leads back into itself, instead of giving up?
    private let cuts: Bool
    private var open: [String] = []
    private var nodes = 0
    private(set) var isRecursive = false
    /// A reference leads nowhere, or out of the document.
    private(set) var isDangling = false
    private(set) var isTooLarge = false
    /// Something beside a reference contradicts what it means.
    private(set) var isContradicting = false

    private init(_ root: SchemaNode, cuts: Bool) {
        self.root = root
        self.cuts = cuts
    }

    /// The schema without references, and why it could not be made or means less than before, if so.
    static func inlined(_ root: SchemaNode, cuts: Bool) -> (schema: SchemaNode?, trouble: String?) {
        var references = SchemaReferences(root, cuts: cuts)
        var schema = references.inline(root, 0)
        if references.isTooLarge { return (nil, "its references make it too large") }
        if references.isRecursive, !cuts { return (nil, "its references are recursive and stay") }
        if !references.isDangling || cuts {
            schema["$defs"] = nil
            schema["definitions"] = nil
        }
        let reasons = [
            references.isRecursive ? "recursive references were cut" : nil,
            references.isDangling ? "a reference leads nowhere" : nil,
            references.isContradicting ? "keywords beside a reference contradict it" : nil,
        ]
        return (schema, reasons.compactMap { $0 }.first)
    }

    private mutating func inline(_ node: SchemaNode, _ depth: Int) -> SchemaNode {
        nodes += 1
        isTooLarge = isTooLarge || nodes > UpwardLimits.schemaNodes || depth > UpwardLimits.schemaDepth
        guard !isTooLarge else { return node }
        guard let pointer = node["$ref"]?.text else { return inside(node, depth) }
        var siblings = node
        siblings["$ref"] = nil
        guard let target = root.resolved(pointer), target.members != nil || target.isTrue else {
            isDangling = true
            return inside(cuts ? siblings : node, depth)
        }
        if open.contains(pointer) {
            isRecursive = true
            return merged(inside(siblings, depth), into: outline(target))
        }
        open.append(pointer)
        let meant = inline(target.isTrue ? .object([]) : target, depth + 1)
        open.removeLast()
        return merged(inside(siblings, depth), into: meant)
    }

    private mutating func inside(_ node: SchemaNode, _ depth: Int) -> SchemaNode {
        var copy = node
        // Definitions are only looked at where they are used.
        let definitions = [node["$defs"], node["definitions"]]
        copy["$defs"] = nil
        copy["definitions"] = nil
        var result = copy.mapSchemas { inline($0, depth + 1) }
        if depth == 0 {
            if let own = definitions[0] { result["$defs"] = own }
            if let own = definitions[1] { result["definitions"] = own }
        }
        return result
    }

    /// What is left of a schema that would contain itself.
    private func outline(_ target: SchemaNode) -> SchemaNode {
        .object(
            (target.members ?? []).filter { member in
                member.name.elementsEqual("type".utf8) || member.name.elementsEqual("description".utf8)
            })
    }

    private static let annotations: Set<String> = ["description", "title", "default", "examples", "deprecated"]

    /// What stands beside a reference counts too; of notes for the reader the nearer one.
    private mutating func merged(_ siblings: SchemaNode, into target: SchemaNode) -> SchemaNode {
        var result = target
        for member in siblings.members ?? [] {
            let name = String(decoding: member.name, as: UTF8.self)
            if result[name] == nil || Self.annotations.contains(name) {
                result[name] = member.value
            } else if result[name] != member.value {
                isContradicting = true
            }
        }
        return result
    }
}
