/// One tool that the request declares.
package struct DeclaredTool: Sendable {
    package var name: String
    /// Names of its parameters; nil if it does not say.
    package var properties: [String]?
    package var required: [String]
    /// Types of its parameters.
    package var types = ParameterTypes()
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
package struct ToolCatalogue: Sendable {
    /// What two names may differ in and still be one.
    private enum Folding: CaseIterable {
        case letterCase
        /// And in which of `-`, `_`, `.` stands between words.
        case separators
        /// And in whether any does.
        case joints
    }

    /// The first declaration of each name.
    private let tools: [DeclaredTool]
    private let places: [String: Int]

    package init(_ tools: [DeclaredTool]) {
        var kept: [DeclaredTool] = []
        var places: [String: Int] = [:]
        for tool in tools where places[tool.name] == nil {
            places[tool.name] = kept.count
            kept.append(tool)
        }
        self.tools = kept
        self.places = places
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
        guard !tools.isEmpty else { return nil }
        for folding in Folding.allCases {
            let key = Self.fold(spelling, folding)
            guard !key.isEmpty else { return nil }
            let fitting = tools.filter { Self.fold($0.name, folding) == key }
            if !fitting.isEmpty { return fitting.count == 1 ? fitting[0].name : nil }
        }
        return nil
    }

    /// The tool with the longest name that `text` begins with, if only a number follows, perhaps after a separator.
    func glued(_ text: Substring) -> (name: String, digits: Substring)? {
        var best: (name: String, digits: Substring)?
        for tool in tools where tool.name.utf8.count > best?.name.utf8.count ?? 0 && text.hasPrefix(tool.name) {
            var rest = text.dropFirst(tool.name.count)
            if let first = rest.first, "._:-#@/ ([".contains(first) { rest = rest.dropFirst() }
            if let last = rest.last, ")]".contains(last) { rest = rest.dropLast() }
            if !rest.isEmpty, rest.utf8.allSatisfy(isDigit) { best = (tool.name, rest) }
        }
        return best
    }

    /// The one tool that is `name` with a namespace before it or without its own: `mcp__web__find` and `find`.
    func namespaced(_ name: some StringProtocol) -> String? {
        let own = Self.lastSegment(String(name))
        let fitting = tools.filter { tool in
            let last = Self.lastSegment(tool.name)
            return tool.name == own || last == String(name) && last != tool.name
        }
        return fitting.count == 1 ? fitting[0].name : nil
    }

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

    private static func fold(_ name: some StringProtocol, _ folding: Folding) -> String {
        let lower = name.lowercased()
        func isJoint(_ byte: UInt8) -> Bool { byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x20 }
        switch folding {
        case .letterCase: return lower
        case .separators: return String(decoding: lower.utf8.map { isJoint($0) ? 0x5F : $0 }, as: UTF8.self)
        case .joints: return String(decoding: lower.utf8.filter { !isJoint($0) }, as: UTF8.self)
        }
    }

    /// What follows the last `__`, `.`, `/` or `:`; the whole name if there is none, or nothing follows.
    private static func lastSegment(_ name: String) -> String {
        let bytes = Array(name.utf8)
        var start = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == 0x2E || byte == 0x2F || byte == 0x3A || byte == 0x5F && index > 0 && bytes[index - 1] == 0x5F {
                start = index + 1
            }
        }
        return start == bytes.count ? name : String(decoding: bytes[start...], as: UTF8.self)
    }
}
