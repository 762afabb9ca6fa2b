/// Which functions stand, upstream, for a tool of another kind or of a namespace.
package struct ResponsesToolTable: Sendable {
    /// What a call of a function becomes for the client.
    package enum Kind: Sendable {
        case function, custom, applyPatch, localShell, shell, toolSearch
    }

    package struct Tool: Sendable {
        package var kind: Kind
        /// The tool's name as the client knows it.
        package var name: String
        package var namespace: String?
    }

    /// Chat's bound on function names.
    private static let maxNameBytes = 64

    private var tools: [String: Tool] = [:]
    private var names: [Key: String] = [:]

    private struct Key: Hashable {
        var namespace: String
        var name: String
    }

    package init() {}

    /// The tool behind a function of the upstream; a plain function of that name if none is known.
    package func tool(_ upstreamName: String) -> Tool {
        tools[upstreamName] ?? Tool(kind: .function, name: upstreamName)
    }

    /// Has a tool of that upstream name been declared?
    func isDeclared(_ upstreamName: String) -> Bool { tools[upstreamName] != nil }

    /// The function that stands for a tool, whether declared or only met in the conversation.
    func upstreamName(_ name: String, namespace: String?) -> String {
        guard let namespace, !namespace.isEmpty else { return name }
        return names[Key(namespace: namespace, name: name)] ?? Self.joined(namespace, name)
    }

    /// Enters a tool; the name of its function, or nil if that tool is there already.
    mutating func declare(_ tool: Tool) -> String? {
        let key = Key(namespace: tool.namespace ?? "", name: tool.name)
        guard names[key] == nil else { return nil }
        var name = tool.namespace.map { Self.joined($0, tool.name) } ?? tool.name
        var number = 2
        while tools[name] != nil {
            name = "\(tool.name)_\(number)"
            number += 1
        }
        tools[name] = tool
        names[key] = name
        return name
    }

    private static func joined(_ namespace: String, _ name: String) -> String {
        if namespace.isEmpty { return name }
        let joined = namespace.hasSuffix("__") ? namespace + name : "\(namespace)__\(name)"
        return joined.utf8.count <= maxNameBytes ? joined : name
    }
}
