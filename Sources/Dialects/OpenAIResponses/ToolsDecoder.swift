import CanonicalModel
import WireJSON

/// Tools of a Responses request as functions of a Chat request.
struct ToolsDecoder {
    private(set) var table = ResponsesToolTable()
    /// Each function's upstream name and its Chat tool.
    private(set) var functions: [(name: String, json: ByteWriter)] = []
    private let drops: DropList

    init(_ drops: DropList) { self.drops = drops }

    /// The elements of a `tools` array that stands at `place`.
    mutating func add(_ tools: JSONSpan, _ place: Place) throws(ExchangeError) {
        var index = 0
        for tool in tools.elements {
            var own = place
            if place.index < 0 { own.index = index } else { own = place.inside("tools", index) }
            try add(Fields(tool, own), namespace: nil)
            index += 1
        }
    }

    private mutating func add(_ tool: Fields, namespace: Namespace?) throws(ExchangeError) {
        let type = try tool.required("type")
        if type.matches("function") {
            try addFunction(tool, namespace)
        } else if type.matches("custom") {
            try addCustom(tool, namespace)
        } else if type.matches("namespace"), namespace == nil {
            try addNamespace(tool)
        } else if let builtIn = try BuiltInTool(tool, type), namespace == nil {
            add(builtIn)
        } else {
            try drops.addHosted(tool.place.path(), type.string ?? "")
        }
    }

    private struct Namespace {
        let name: String
        /// Said once, in the first function's description.
        var description: JSONSpan?
    }

    private mutating func addNamespace(_ tool: Fields) throws(ExchangeError) {
        var namespace = Namespace(
            name: try tool.required("name").string ?? "", description: try tool.string("description"))
        guard let tools = try tool.array("tools") else { throw tool.missing("tools", "an array of tools") }
        var index = 0
        for inner in tools.elements {
            try add(Fields(inner, tool.place.inside("tools", index)), namespace: namespace)
            namespace.description = nil
            index += 1
        }
    }

    private mutating func addFunction(_ tool: Fields, _ namespace: Namespace?) throws(ExchangeError) {
        // Chat's own shape is taken as well: it is canonical already.
        if tool.value("name") == nil, let function = try tool.object("function") {
            guard let name = declare(.function, try function.required("name"), nil) else { return }
            let json = ByteWriter(capacity: tool.object.raw.count)
            json.append(tool.object)
            return functions.append((name, json))
        }
        guard let name = declare(.function, try tool.required("name"), namespace?.name) else { return }
        let description = try tool.string("description")
        let parameters = tool.value("parameters")
        if let parameters, parameters.kind != .object {
            throw .wrong(tool.place.path("parameters"), "an object", parameters.kind)
        }
        let strict = try tool.bool("strict")
        write(name, tool) { members in
            Self.describe(description, namespace, to: &members)
            members.name("parameters")
            if let parameters { members.out.append(parameters) } else { members.out.append(Self.noParameters) }
            if let strict { members.bool("strict", strict) }
        }
        for name: StaticString in ["output_schema", "allowed_callers"] where tool.value(name) != nil {
            drops.add(tool.place.path(name), "functions of a chat request have none")
        }
    }

    private mutating func addCustom(_ tool: Fields, _ namespace: Namespace?) throws(ExchangeError) {
        guard let name = declare(.custom, try tool.required("name"), namespace?.name) else { return }
        let description = try tool.string("description")
        let grammar = try CustomGrammar(tool)
        write(name, tool) { members in
            members.name("description")
            members.out.append("\"")
            if let inner = namespace?.description?.inner, !inner.isEmpty {
                members.out.append(bytes: inner)
                members.out.append(#"\n\n"#)
            }
            if let inner = description?.inner, !inner.isEmpty {
                members.out.append(bytes: inner)
                members.out.append(#"\n\n"#)
            }
            grammar.writeEscaped(to: members.out)
            members.out.append("\"")
            members.name("parameters")
            members.out.append(CustomGrammar.parameters)
        }
    }

    private mutating func add(_ tool: BuiltInTool) {
        guard let name = table.declare(.init(kind: tool.kind, name: tool.name)) else { return }
        let json = ByteWriter(capacity: 1024)
        json.append(#"{"type":"function","function":{"name":"#)
        json.appendJSONString(name)
        json.append(#","description":"#)
        if let text = tool.description { json.append(text) } else { json.appendJSONString(tool.defaultDescription) }
        json.append(#","parameters":"#)
        if let schema = tool.parameters { json.append(schema) } else { json.append(tool.defaultParameters) }
        json.append("}}")
        functions.append((name, json))
    }

    private mutating func declare(_ kind: ResponsesToolTable.Kind, _ name: JSONSpan, _ namespace: String?) -> String? {
        table.declare(.init(kind: kind, name: name.string ?? "", namespace: namespace))
    }

    private mutating func write(_ name: String, _ tool: Fields, _ body: (inout MemberWriter) -> Void) {
        let json = ByteWriter(capacity: tool.object.raw.count + 256)
        json.append(#"{"type":"function","function":{"#)
        var members = MemberWriter(json)
        members.string("name", name)
        body(&members)
        json.append("}")
        if let control = tool.value("cache_control") {
            json.append(#","cache_control":"#)
            json.append(control)
        }
        json.append("}")
        functions.append((name, json))
    }

    private static let noParameters: StaticString = #"{"type":"object","properties":{}}"#

    private static func describe(_ text: JSONSpan?, _ namespace: Namespace?, to members: inout MemberWriter) {
        guard let introduction = namespace?.description?.inner, !introduction.isEmpty else {
            return members.copy("description", text)
        }
        members.name("description")
        members.out.append("\"")
        members.out.append(bytes: introduction)
        if let inner = text?.inner, !inner.isEmpty {
            members.out.append(#"\n\n"#)
            members.out.append(bytes: inner)
        }
        members.out.append("\"")
    }
}
