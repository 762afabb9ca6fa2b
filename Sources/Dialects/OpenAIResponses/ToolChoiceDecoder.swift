import CanonicalModel
import WireJSON

/// `tool_choice` in Chat's shape, and which tools it leaves.
struct ToolChoiceDecoder {
    /// The value to write; nil: none.
    private(set) var json: String?
    /// `allowed_tools`: only these functions are offered. Nil: all.
    private(set) var allowed: Set<String>?

    /// - Parameter table: of the tools that are left.
    init(_ root: Fields, _ table: ResponsesToolTable, _ drops: DropList) throws(ExchangeError) {
        guard let choice = root.value("tool_choice") else { return }
        switch choice.kind {
        case .string: json = String(decoding: choice.raw, as: UTF8.self)
        case .object: try read(Fields(choice, Place(root: "tool_choice")), table, drops)
        default: throw .wrong("tool_choice", "a string or an object", choice.kind)
        }
    }

    private mutating func read(
        _ choice: Fields, _ table: ResponsesToolTable, _ drops: DropList
    ) throws(ExchangeError) {
        let type = try choice.required("type")
        if type.matches("allowed_tools") { return try readAllowed(choice, table, drops) }
        // Chat's own shape.
        let function = try choice.object("function")
        let custom = try choice.object("custom")
        guard let name = try Self.function(function ?? custom ?? choice, type, table) else {
            return try drops.addHosted("tool_choice", type.string ?? "")
        }
        json = Self.write(name)
    }

    private mutating func readAllowed(
        _ choice: Fields, _ table: ResponsesToolTable, _ drops: DropList
    ) throws(ExchangeError) {
        let nested = try choice.object("allowed_tools")
        let inner = nested ?? choice
        json = try inner.string("mode").map { String(decoding: $0.raw, as: UTF8.self) } ?? "\"auto\""
        guard let tools = try inner.array("tools") else { throw choice.missing("tools", "an array of tools") }
        var names: Set<String> = []
        var index = 0
        for tool in tools.elements {
            let entry = try Fields(tool, Place(root: "tool_choice").inside("tools", index))
            let type = try entry.required("type")
            let function = try entry.object("function")
            if let name = try Self.function(function ?? entry, type, table) {
                names.insert(name)
            } else {
                try drops.addHosted("tool_choice.tools[\(index)]", type.string ?? "")
            }
            index += 1
        }
        allowed = names
    }

    /// The function that stands for a tool that a choice names; nil if there is none.
    private static func function(
        _ tool: Fields, _ type: JSONSpan, _ table: ResponsesToolTable
    ) throws(ExchangeError) -> String? {
        if type.matches("function") || type.matches("custom") {
            let name = try tool.required("name").string ?? ""
            return table.upstreamName(name, namespace: try tool.string("namespace")?.string)
        }
        let builtIn: [StaticString] = ["apply_patch", "local_shell", "shell", "tool_search"]
        guard builtIn.contains(where: { type.matches($0) }) else { return nil }
        return type.string.flatMap { table.isDeclared($0) ? $0 : nil }
    }

    private static func write(_ name: String) -> String {
        let out = ByteWriter(capacity: 128)
        out.append(#"{"type":"function","function":{"name":"#)
        out.appendJSONString(name)
        out.append("}}")
        return String(decoding: out.bytes, as: UTF8.self)
    }
}
