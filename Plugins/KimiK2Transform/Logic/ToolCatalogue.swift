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
}

/// The tools that the request declares, and which of them a spelling or a set of arguments means.
package struct ToolCatalogue: Sendable {
    private let tools: [DeclaredTool]

    package init(_ tools: [DeclaredTool]) { self.tools = tools }

    package var isEmpty: Bool { tools.isEmpty }

    func contains(_ name: some StringProtocol) -> Bool { tools.contains { $0.name == name } }

    /// The JSON Schema of a tool's parameters; empty if it has none.
    func parameters(of name: String) -> [UInt8] { tools.first { $0.name == name }?.parameters ?? [] }

    /// The one tool whose name is `spelling` but for case and `-` in place of `_`.
    func folded(_ spelling: some StringProtocol) -> String? {
        let key = Self.fold(spelling)
        return unique { Self.fold($0.name) == key }
    }

    /// The tool with the longest name that `text` begins with, if only digits follow, perhaps after a separator.
    func glued(_ text: Substring) -> (name: String, digits: Substring)? {
        var best: (name: String, digits: Substring)?
        for tool in tools where text.hasPrefix(tool.name) && tool.name.utf8.count > best?.name.utf8.count ?? 0 {
            var rest = text.dropFirst(tool.name.count)
            if let first = rest.first, "._:-".contains(first) { rest = rest.dropFirst() }
            if !rest.isEmpty, rest.utf8.allSatisfy(isDigit) { best = (tool.name, rest) }
        }
        return best
    }

    /// The one tool that these argument names fit, or the only tool there is if nothing speaks against it.
    ///
    /// All names must be parameters of the tool and all it requires must be there. Without argument names nothing
    /// is concluded: a call is never invented.
    func inferred(fromArguments names: [String]) -> String? {
        guard !names.isEmpty else { return nil }
        if tools.count == 1, tools[0].properties?.isEmpty ?? true { return tools[0].name }
        return unique { tool in
            guard let properties = tool.properties, !properties.isEmpty else { return false }
            return names.allSatisfy(properties.contains) && tool.required.allSatisfy(names.contains)
        }
    }

    private func unique(_ fits: (DeclaredTool) -> Bool) -> String? {
        var found: String?
        for tool in tools where fits(tool) {
            if found != nil { return nil }
            found = tool.name
        }
        return found
    }

    private static func fold(_ name: some StringProtocol) -> String {
        String(decoding: name.utf8.map { $0 == 0x2D ? 0x5F : $0 }, as: UTF8.self).lowercased()
    }
}
