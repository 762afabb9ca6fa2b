import WireJSON

/// The tools of one request, parsed when the first call needs them: most answers have none.
package final class DeclaredTools {
    private enum Source {
        case json([UInt8])
        case parsed(ToolCatalogue)
    }

    private var source: Source
    /// Schemas of the tools that were called.
    private var schemas: [String: ParameterSchema?] = [:]

    /// `json`: the request's `tools` array, copied; empty if it has none.
    package init(json: [UInt8]) { source = json.isEmpty ? .parsed(ToolCatalogue([])) : .json(json) }

    package init(_ tools: [DeclaredTool]) { source = .parsed(ToolCatalogue(tools)) }

    var catalogue: ToolCatalogue {
        switch source {
        case .parsed(let catalogue): return catalogue
        case .json(let json):
            let catalogue = ToolCatalogue(Self.parse(json))
            source = .parsed(catalogue)
            return catalogue
        }
    }

    /// The schema of a tool's parameters, read when its first call comes; nil if there is none.
    func schema(of name: String) -> ParameterSchema? {
        if let known = schemas[name] { return known }
        let schema = ParameterSchema(json: catalogue.parameters(of: name))
        schemas[name] = .some(schema)
        return schema
    }

    /// Tools in a shape that is not understood are left out: the upstream will judge them.
    private static func parse(_ json: [UInt8]) -> [DeclaredTool] {
        withJSON(json) { root in root.elements.compactMap(tool) } ?? []
    }

    private static func tool(_ entry: JSONValue) -> DeclaredTool? {
        let function = entry["function"] ?? entry
        guard let name = function["name"]?.string else { return nil }
        let schema = function["parameters"] ?? function["input_schema"]
        return DeclaredTool(
            name: name,
            properties: schema?["properties"].map { $0.members.map { String(decoding: $0.key, as: UTF8.self) } },
            required: schema?["required"]?.elements.compactMap(\.string) ?? [],
            parameters: schema?.json ?? [])
    }
}
