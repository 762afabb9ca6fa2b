import CanonicalModel
import WireJSON

/// Items of a Responses request as the messages of a Chat request.
struct InputDecoder {
    let table: ResponsesToolTable
    let drops: DropList
    /// Items that references may name, by id.
    var known: [String: JSONSpan] = [:]
    var messages = ListWriter()
    var draft: AssistantDraft?
    /// Ids of local_shell_call items, whose outputs may name the item in place of the call.
    var shellCalls: [String: JSONSpan] = [:]

    init(_ table: ResponsesToolTable, _ drops: DropList) {
        self.table = table
        self.drops = drops
    }

    mutating func addInstructions(_ text: JSONSpan) {
        let out = messages.next()
        out.append(#"{"role":"system","content":"#)
        out.append(text)
        out.append("}")
    }

    mutating func addUser(_ text: JSONSpan) {
        flush()
        let out = messages.next()
        out.append(#"{"role":"user","content":"#)
        out.append(text)
        out.append("}")
    }

    mutating func add(items: JSONSpan, _ root: StaticString) throws(ExchangeError) {
        var index = 0
        for item in items.elements {
            try add(item, Place(root: root, index: index))
            index += 1
        }
    }

    /// The end of the conversation.
    mutating func flush() {
        guard let draft else { return }
        draft.write(to: messages.next())
        self.draft = nil
    }

    mutating func add(_ item: JSONSpan, _ place: Place, isReferenced: Bool = false) throws(ExchangeError) {
        // A bare string among items is taken for a user's words.
        if item.kind == .string { return addUser(item) }
        let item = try Fields(item, place)
        guard let type = try item.string("type") else { return try addUntyped(item, isReferenced) }
        if type.matches("message") {
            try addMessage(item)
        } else if type.matches("reasoning") {
            try addReasoning(item)
        } else if type.matches("item_reference") {
            try addReference(item, isReferenced)
        } else if try !addCall(item, type), try !addOutput(item, type) {
            try addForeign(item, type)
        }
    }

    private mutating func addUntyped(_ item: Fields, _ isReferenced: Bool) throws(ExchangeError) {
        if item.value("role") != nil { return try addMessage(item) }
        guard item.value("id") != nil,
            item.object.members.allSatisfy({ $0.key.matches("id") || $0.key.matches("type") })
        else { throw item.missing("type", "a string such as \"message\"") }
        try addReference(item, isReferenced)
    }

    private mutating func addReference(_ item: Fields, _ isReferenced: Bool) throws(ExchangeError) {
        let id = try item.required("id").string ?? ""
        guard !isReferenced, let target = known[id] else {
            throw .badRequest(
                "'\(item.place.path())' names the item '\(LogText.oneLine(id))', which is not stored here: send "
                    + "the item itself", param: item.place.path("id"), code: "item_not_found")
        }
        try add(target, item.place, isReferenced: true)
    }

    /// Items that have no place in a chat: calls of hosted tools and what OpenAI's servers keep to themselves.
    private func addForeign(_ item: Fields, _ type: JSONSpan) throws(ExchangeError) {
        // Their tools have been taken before.
        if type.matches("additional_tools") { return }
        try drops.addHosted(item.place.path(), type.string ?? "")
    }

    // MARK: Messages

    private mutating func addMessage(_ item: Fields) throws(ExchangeError) {
        let role = try item.required("role")
        guard let content = item.value("content") else {
            throw item.missing("content", "a string or an array of parts")
        }
        if role.matches("assistant") { return try addAssistant(item, content) }
        guard role.matches("user") || role.matches("system") || role.matches("developer") else {
            throw .badRequest(
                "'\(item.place.path("role"))' must be user, system, developer or assistant, it is "
                    + "'\(LogText.oneLine(role.string ?? ""))'", param: item.place.path("role"))
        }
        flush()
        let out = messages.next()
        out.append(#"{"role":"#)
        out.append(role)
        out.append(#","content":"#)
        try PartWriter.content(content, "content", item.place, to: out)
        out.append("}")
    }

    private mutating func addAssistant(_ item: Fields, _ content: JSONSpan) throws(ExchangeError) {
        var draft = takeDraft()
        defer { self.draft = draft }
        if item.value("phase") != nil { drops.add("input[].phase", "messages of a chat have no phase") }
        if content.kind == .string { return draft.addText(content, breakpoint: false) }
        guard content.kind == .array else {
            throw .wrong(item.place.path("content"), "a string or an array of parts", content.kind)
        }
        var index = 0
        for element in content.elements {
            let part = try Fields(element, item.place.inside("content", index))
            let type = try part.required("type")
            if type.matches("refusal") {
                draft.addRefusal(try part.required("refusal"))
            } else if PartWriter.isText(type) {
                dropAnnotations(part)
                draft.addText(try part.required("text"), breakpoint: part.value("prompt_cache_breakpoint") != nil)
            } else {
                let written = ByteWriter(capacity: 256)
                try PartWriter.write(part, to: written)
                draft.addPart { $0.append(written) }
            }
            index += 1
        }
    }

    private func dropAnnotations(_ part: Fields) {
        guard let annotations = part.value("annotations"), annotations.elements.contains(where: { _ in true }) else {
            return
        }
        drops.add("input[].content[].annotations", "texts sent to a chat have no annotations")
    }

    mutating func takeDraft() -> AssistantDraft {
        let draft = self.draft ?? AssistantDraft()
        self.draft = nil
        return draft
    }
}
