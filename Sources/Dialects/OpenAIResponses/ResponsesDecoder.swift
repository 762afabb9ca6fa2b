package import CanonicalModel
package import WireJSON

/// Bodies of `POST /v1/responses` made canonical.
package struct ResponsesDecoder: Sendable {
    private let options: ResponsesOptions

    package init(options: ResponsesOptions = ResponsesOptions()) {
        self.options = options
    }

    /// Checks and reads a body. `parser` is free again when this returns.
    /// - Parameter history: what `ResponsesLookups` asked for, as far as the host has it.
    package func decode(
        _ body: UnsafeRawBufferPointer, parser: JSONParser, history: ResponsesHistory = ResponsesHistory()
    ) throws(ExchangeError) -> ResponsesRequest {
        do {
            _ = try parser.parse(body)
        } catch {
            throw .badRequest("the body is not valid JSON: \(error.message)", code: "invalid_json")
        }
        let outline: JSONOutline
        do {
            outline = try JSONOutline(body)
        } catch {
            throw .badRequest("the body is not valid JSON: \(error.message)", code: "invalid_json")
        }
        let stored = try HeldHistory(history)
        // Spans do not keep their outline alive.
        return try withExtendedLifetime((outline, stored)) { () throws(ExchangeError) in
            let root = outline.root
            guard root.kind == .object else {
                throw .badRequest("the body must be a JSON object, it is \(root.kind.article)")
            }
            return try Self.request(Fields(root, Place(root: "")), stored, DropList(options.hosted))
        }
    }

    private static func request(
        _ root: Fields, _ stored: HeldHistory, _ drops: DropList
    ) throws(ExchangeError) -> ResponsesRequest {
        try refuse(root)
        var context = ResponsesContext()
        context.model = try model(root)
        let tools = try tools(root, stored, drops)
        context.tools = tools.table
        let parameters = try ParametersDecoder(root, drops)
        parameters.read(into: &context)
        let json = ByteWriter(capacity: root.object.raw.count + 1024)
        json.append("{")
        var members = MemberWriter(json)
        members.copy("model", root.value("model"))
        members.name("messages")
        try messages(root, stored, tools.table, drops).write(to: json)
        try write(tools, root, drops, to: &members)
        try parameters.write(to: &members)
        json.append("}")
        let wantsStream = try root.bool("stream") ?? false
        let store = try root.bool("store") ?? true
        let echo = try ResponseEcho(root, store: store)
        context.echo = echo.short
        context.longEcho = echo.long
        return ResponsesRequest(
            request: DecodedRequest(
                model: context.model, wantsStream: wantsStream, json: json.bytes, dropped: drops.fields),
            context: context, store: store,
            previousResponseID: try root.string("previous_response_id")?.string,
            items: store ? InputItems.join(stored.items, root.value("input")) : [])
    }

    /// What would lose the conversation if it were merely left out.
    private static func refuse(_ root: Fields) throws(ExchangeError) {
        if root.value("conversation") != nil {
            throw .badRequest(
                "'conversation' is not kept here: use 'previous_response_id', or send all items in 'input'",
                param: "conversation", code: "unsupported_parameter")
        }
        if root.value("prompt") != nil {
            throw .badRequest(
                "'prompt' names a template on OpenAI's servers: send 'instructions' and 'input'", param: "prompt",
                code: "unsupported_parameter")
        }
        if let n = root.value("n"), n.kind != .int || !n.raw.matches("1") {
            throw .badRequest("'n' must be 1: a response has one choice", param: "n", code: "unsupported_value")
        }
    }

    private static func model(_ root: Fields) throws(ExchangeError) -> String {
        guard let value = root.object["model"] else {
            throw .badRequest("'model' is missing: name one of the models that GET /v1/models lists", param: "model")
        }
        guard let model = value.string, !model.isEmpty else {
            throw .badRequest("'model' must be a non-empty string, it is \(value.kind.article)", param: "model")
        }
        return model
    }

    // MARK: Messages

    private static func messages(
        _ root: Fields, _ stored: HeldHistory, _ table: ResponsesToolTable, _ drops: DropList
    ) throws(ExchangeError) -> ListWriter {
        var decoder = InputDecoder(table, drops)
        decoder.known = stored.known
        if let instructions = try instructions(root) { decoder.addInstructions(instructions) }
        for item in stored.items.elements { try decoder.add(item, Place(root: "previous_response_id")) }
        if let input = root.value("input") {
            switch input.kind {
            case .string: decoder.addUser(input)
            case .array: try decoder.add(items: input, "input")
            default: throw .wrong("input", "a string or an array of items", input.kind)
            }
        } else if stored.items.elements.allSatisfy({ _ in false }) {
            throw .badRequest("'input' is missing: send a string or an array of items", param: "input")
        }
        decoder.flush()
        guard decoder.messages.count > 0 else {
            let reason = drops.fields.isEmpty ? "empty" : "empty without the items of hosted tools"
            throw .badRequest("'input' is \(reason): send at least one item", param: "input")
        }
        return decoder.messages
    }

    private static func instructions(_ root: Fields) throws(ExchangeError) -> JSONSpan? {
        guard let text = try root.string("instructions"), !text.inner.isEmpty else { return nil }
        return text
    }

    // MARK: Tools

    private static func tools(
        _ root: Fields, _ stored: HeldHistory, _ drops: DropList
    ) throws(ExchangeError) -> ToolsDecoder {
        var tools = ToolsDecoder(drops)
        if let list = try root.array("tools") { try tools.add(list, Place(root: "tools")) }
        for item in stored.items.elements { try add(item, Place(root: "previous_response_id"), to: &tools) }
        var index = 0
        for item in root.value("input")?.elements ?? stored.items.empty {
            try add(item, Place(root: "input", index: index), to: &tools)
            index += 1
        }
        return tools
    }

    /// Items that bring tools: those loaded later, and those that a search found.
    private static func add(_ item: JSONSpan, _ place: Place, to tools: inout ToolsDecoder) throws(ExchangeError) {
        guard let type = item["type"], type.matches("additional_tools") || type.matches("tool_search_output"),
            let list = try Fields(item, place).array("tools")
        else { return }
        try tools.add(list, Place(root: place.root, index: max(0, place.index)))
    }

    private static func write(
        _ tools: ToolsDecoder, _ root: Fields, _ drops: DropList, to members: inout MemberWriter
    ) throws(ExchangeError) {
        let choice = try ToolChoiceDecoder(root, tools.table, drops)
        var list = ListWriter()
        for (name, json) in tools.functions where choice.allowed?.contains(name) ?? true { list.next().append(json) }
        guard list.count > 0 else {
            if choice.json == "\"required\"" { drops.add("tool_choice", "no tool is left to choose") }
            return
        }
        members.name("tools")
        list.write(to: members.out)
        if let json = choice.json {
            members.name("tool_choice")
            members.out.append(utf8: json)
        }
        if let parallel = try root.bool("parallel_tool_calls") { members.bool("parallel_tool_calls", parallel) }
    }
}
