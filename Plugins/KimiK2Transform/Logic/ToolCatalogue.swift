/// One tool that the request declares.
package struct DeclaredTool: Sendable {
    package var name: String
    /// Names of its parameters; nil if it does not say.
    package var properties: [String]?
    package var required: [String]
    /// The JSON Schema of its parameters; empty if it has none.
    package var parameters: [UInt8]

    package init(name: String, properties: [String]? = nil, required: [String] = [], parameters: [UInt8] = []) {
        self.name = name
        self.properties = properties
        self.required = required
        self.parameters = parameters
    }

    /// Could these be the names of its arguments? Without a list of parameters nothing speaks against it.
    func fits(arguments names: [String]) -> Bool {
        guard let properties else { return true }
        return names.allSatisfy(properties.contains) && required.allSatisfy(names.contains)
    }
}

/// The tools that the request declares, and which of them a spelling or a set of arguments means.
package struct ToolCatalogue {
    /// The first declaration of each name.
    private let tools: [DeclaredTool]
    private let places: [String: Int]
    private let folded: FoldedNames

    package init(_ tools: [DeclaredTool]) {
        var kept: [DeclaredTool] = []
        var places: [String: Int] = [:]
        for tool in tools where places[tool.name] == nil {
            places[tool.name] = kept.count
            kept.append(tool)
        }
        self.tools = kept
        self.places = places
        folded = FoldedNames(kept.map(\.name))
    }

    package var isEmpty: Bool { tools.isEmpty }

    var names: [String] { tools.map(\.name) }

    func contains(_ name: some StringProtocol) -> Bool { places[String(name)] != nil }

    /// The tool declared under exactly this name.
    func tool(_ name: some StringProtocol) -> DeclaredTool? { places[String(name)].map { tools[$0] } }

    /// The JSON Schema of a tool's parameters; empty if it has none.
    func parameters(of name: String) -> [UInt8] { tool(name)?.parameters ?? [] }

    /// The one tool whose name is `spelling` but for case and the signs between words. The least difference counts;
    /// where it leaves two, nothing is concluded.
    func folded(_ spelling: some StringProtocol) -> String? {
        for folding in NameFolding.allCases {
            let key = folding.fold(spelling)
            guard !tools.isEmpty, !key.isEmpty else { return nil }
            let fitting = folded.places(of: key, folding)
            if !fitting.isEmpty { return fitting.count == 1 ? tools[fitting[0]].name : nil }
        }
        return nil
    }

    /// The tool with the longest name that `text` begins with, if only a number follows, perhaps after a separator.
    func glued(_ text: Substring) -> (name: String, digits: Substring)? {
        var best: (name: String, digits: Substring)?
        for tool in tools where tool.name.utf8.count > best?.name.utf8.count ?? 0 {
            guard text.utf8.starts(with: tool.name.utf8) else { continue }
            var rest = text[text.utf8.index(text.startIndex, offsetBy: tool.name.utf8.count)...]
            if let first = rest.first, "._:-#@/ ([".contains(first) { rest = rest.dropFirst() }
            if let last = rest.last, ")]".contains(last) { rest = rest.dropLast() }
            if !rest.isEmpty, rest.utf8.allSatisfy(isDigit) { best = (tool.name, rest) }
        }
        return best
    }

    /// The one tool that is `name` with a namespace before it or without its own: `mcp__web__find` and `find`.
    func namespaced(_ name: some StringProtocol) -> String? { folded.namespaced(String(name)) }

    /// The one tool that these argument names fit, or the only tool there is if nothing speaks against it.
    ///
    /// All names must be parameters of the tool and all it requires must be there. Without argument names nothing
    /// is concluded: a call is never invented.
    func inferred(fromArguments names: [String]) -> String? {
        guard !names.isEmpty else { return nil }
        if tools.count == 1, tools[0].properties?.isEmpty ?? true { return tools[0].name }
        let fitting = tools.filter { $0.properties?.isEmpty == false && $0.fits(arguments: names) }
        return fitting.count == 1 ? fitting[0].name : nil
    }
}
