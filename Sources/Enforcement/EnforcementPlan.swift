import WireJSON

/// What is done about one request on a route that ensures tool calls. A value.
package enum EnforcementPlan: Sendable {
    /// As if the route did not ensure anything. `note`: why, if the client may wonder.
    case off(note: String?)
    /// The client calls again after the task has ended: it gets an empty reply, and no upstream is asked.
    case stop(reason: String)
    case on(Prepared)

    package struct Prepared: Sendable {
        /// The request with the rule and the tool in it.
        package let json: [UInt8]
        package let names: TerminationNames
        /// Has the assistant said something since the user did?
        package let hasBeenRead: Bool
        /// The user's last words.
        package let question: TextPrint
    }

    /// Tools beyond which the host's own is not added: upstreams refuse more.
    package static let maxTools = 127

    /// - Parameters:
    ///   - json: a canonical request.
    ///   - client: who asks; what one client was answered is nothing to another.
    package init(_ json: [UInt8], _ policy: EnforcementPolicy, client: String = "") {
        self = json.withUnsafeBytes { Self.plan($0, policy, client) }
    }

    /// The request of a further attempt. `messages`: from ``EnforcedTurn/again(_:)``.
    package static func request(_ json: [UInt8], adding messages: [UInt8]) -> [UInt8] {
        RequestEdits.append(messages, to: json)
    }

    private static func plan(
        _ bytes: UnsafeRawBufferPointer, _ policy: EnforcementPolicy, _ client: String
    ) -> EnforcementPlan {
        guard let outline = try? JSONOutline(bytes) else { return .off(note: nil) }
        defer { withExtendedLifetime(outline) {} }
        let root = outline.root
        let tools = root["tools"]?.elements.map { $0 } ?? []
        if tools.isEmpty, !policy.isForAll { return .off(note: nil) }
        if let note = reasonAgainst(root, tools.count) { return .off(note: note) }
        guard let messages = root["messages"], messages.kind == .array else { return .off(note: nil) }
        let tail = ConversationTail(messages, client: client)
        if tail.endsWithAnswer(policy) { return .stop(reason: "the conversation ends with a final answer") }
        if policy.isKimi, tail.endsWithTodoSummary {
            return .stop(reason: "the conversation ends with a summary and a finished list of todos")
        }
        let names = TerminationNames(own: tools.compactMap(Self.name))
        guard names.hasOwnTool || tools.count <= maxTools else {
            return .off(note: "the request has \(tools.count) tools, and no room for another one")
        }
        var edit = RequestText(bytes)
        RequestEdits.instruct(Wording.instruction(isOurs: !names.hasOwnTool), messages, &edit)
        if !names.hasOwnTool { RequestEdits.addTool(root, &edit) }
        return .on(Prepared(json: edit.edited, names: names, hasBeenRead: tail.hasBeenRead, question: tail.question))
    }

    private static func reasonAgainst(_ root: JSONSpan, _ tools: Int) -> String? {
        if root["tool_choice"]?.matches("none") == true { return "tool_choice is none" }
        if let count = root["n"], count.kind == .int, count.raw.count != 1 || count.raw.first != UInt8(ascii: "1") {
            return "more than one choice is asked for"
        }
        if tools == 0, let functions = root["functions"], functions.kind == .array {
            var elements = functions.elements
            if elements.next() != nil { return "the request has functions instead of tools" }
        }
        return nil
    }

    /// A tool's name, of whatever kind it is.
    private static func name(_ tool: JSONSpan) -> String? {
        for kind: StaticString in ["function", "custom", "native"] {
            if let name = tool[kind]?["name"]?.string { return name }
        }
        return tool["name"]?.string
    }
}

/// What came after the user's last message. A view of a request.
struct ConversationTail {
    private let messages: [JSONSpan]
    /// The last message of all.
    private let last: JSONSpan?
    /// What the user said in that message, and who that is.
    let question: TextPrint

    init(_ messages: JSONSpan, client: String) {
        var tail: [JSONSpan] = []
        var last: JSONSpan?
        var user: JSONSpan?
        for message in messages.elements {
            if message["role"]?.matches("user") == true {
                tail.removeAll()
                user = message
            } else {
                tail.append(message)
            }
            last = message
        }
        question = user.map { Self.print($0, Self.print(of: client)) } ?? Self.print(of: client)
        self.messages = tail
        self.last = last
    }

    /// Has the assistant said something?
    var hasBeenRead: Bool { messages.contains { Self.isAssistant($0) && Self.print($0).isVisible } }

    /// Is the last message the text with which an enforced reply ended?
    func endsWithAnswer(_ policy: EnforcementPolicy) -> Bool {
        guard let last, Self.isAssistant(last), Self.calls(last).isEmpty else { return false }
        return policy.answers.contains(Self.print(last), after: question)
    }

    /// Was the last thing that the assistant did to write down that all todos are done, with a summary?
    var endsWithTodoSummary: Bool {
        guard let turn = messages.last(where: Self.isAssistant), last?["role"]?.matches("tool") == true else {
            return false
        }
        let calls = Self.calls(turn)
        guard calls.count == 1, let function = calls[0]["function"],
            function["name"]?.string?.lowercased() == "todowrite"
        else { return false }
        let text = Self.texts(turn).map { $0.string ?? "" }.joined(separator: " ").lowercased()
        guard text.contains("summary") || text.contains("changes") else { return false }
        return !Self.hasOpenTodo(function["arguments"])
    }

    /// Arguments that do not say count as finished, as they did in the original.
    private static func hasOpenTodo(_ arguments: JSONSpan?) -> Bool {
        guard let text = arguments?.decoded else { return false }
        return text.withUnsafeBytes { bytes in
            guard let outline = try? JSONOutline(bytes) else { return false }
            defer { withExtendedLifetime(outline) {} }
            guard let todos = outline.root["todos"] else { return false }
            return todos.elements.contains { todo in
                todo["status"]?.matches("pending") == true || todo["status"]?.matches("in_progress") == true
            }
        }
    }

    private static func isAssistant(_ message: JSONSpan) -> Bool { message["role"]?.matches("assistant") == true }

    private static func calls(_ message: JSONSpan) -> [JSONSpan] { message["tool_calls"]?.elements.map { $0 } ?? [] }

    private static func texts(_ message: JSONSpan) -> [JSONSpan] {
        guard let content = message["content"] else { return [] }
        if content.kind == .string { return [content] }
        return content.elements.compactMap { $0["text"] }.filter { $0.kind == .string }
    }

    private static func print(of client: String) -> TextPrint {
        var print = TextPrint()
        Array((client + "\n").utf8).withUnsafeBytes { print.add($0) }
        return print
    }

    private static func print(_ message: JSONSpan, _ start: TextPrint = TextPrint()) -> TextPrint {
        var print = start
        for text in texts(message) { text.decoded.withUnsafeBytes { print.add($0) } }
        return print
    }
}
