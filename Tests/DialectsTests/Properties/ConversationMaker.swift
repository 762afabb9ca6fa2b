/// Random requests of each dialect, with every value that must arrive carrying a mark of its own (`«7»`).
///
/// What must arrive is told as pairs of a mark and how often; what a dialect has no equivalent for is not made here.
struct ConversationMaker {
    private var random: SplitMix
    private var next = 0
    /// Marks whose values must be found in the canonical request.
    private(set) var marks: [String] = []
    /// Arguments of calls, byte for byte, by call id.
    private(set) var arguments: [String: String] = [:]
    /// Signatures and encrypted thoughts.
    private(set) var signatures: [String] = []

    init(_ random: SplitMix) {
        self.random = random
    }

    // MARK: Values

    mutating func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
    /// One of two ways to say something; the other is not made.
    private mutating func either(_ one: (inout Self) -> String, _ other: (inout Self) -> String) -> String {
        chance(2) ? one(&self) : other(&self)
    }

    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
    mutating func count(_ most: Int) -> Int { Int.random(in: 0...most, using: &random) }

    private mutating func mark() -> String {
        next += 1
        marks.append("«\(next)»")
        return "«\(next)»"
    }

    /// The inside of a JSON string: escapes of all kinds around a mark.
    private mutating func inside() -> String {
        let around = ["", " ", "\\n", "\\u00e9", "\\ud83d\\ude00", "é😀", "\\\"", "\\\\", "\\u0000", "\\/", "\u{2028}"]
        return pick(around) + mark() + pick(around)
    }

    private mutating func string() -> String { "\"\(inside())\"" }

    /// A call's arguments: numbers that no machine holds, spaces, repeated escapes.
    private mutating func object() -> String {
        let mark = mark()
        return pick([
            "{\"a\":\"\(mark)\"}", "{ \"n\" : 123456789012345678901234567890 , \"m\":\"\(mark)\"}",
            "{\"x\":[1.0,1e5,-0.0,true,null],\"\(mark)\":{}}", "{\"\\u00e9\":\"\\/\\ud83d\\ude00\(mark)\"}",
        ])
    }

    /// The text of JSON as the inside of a JSON string.
    static func quoted(_ json: String) -> String {
        json.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private mutating func list(_ least: Int, _ most: Int, _ make: (inout Self) -> String) -> String {
        (0..<Int.random(in: least...most, using: &random)).map { _ in make(&self) }.joined(separator: ",")
    }

    // MARK: Messages

    /// A body of `POST /v1/messages`.
    mutating func messages() -> String {
        var body = "\"model\":\"m\",\"max_tokens\":\(Int.random(in: 1...9, using: &random))"
        if chance(2) { body += ",\"system\":\(either({ $0.string() }, { "[\($0.list(1, 2) { $0.textBlock() })]" }))" }
        let turns = list(1, 4) { maker in "\(maker.userTurn()),\(maker.assistantTurn())" }
        body += ",\"messages\":[\(turns),{\"role\":\"user\",\"content\":\(string())}]"
        if chance(2) {
            body += ",\"tools\":[{\"name\":\"f\",\"description\":\(string()),\"input_schema\":\(object())}]"
            body +=
                ",\"tool_choice\":\(pick(["{\"type\":\"auto\"}", "{\"type\":\"any\"}", "{\"type\":\"tool\",\"name\":\"f\"}"]))"
        }
        if chance(3) { body += ",\"stop_sequences\":[\(list(1, 3) { $0.string() })]" }
        if chance(3) { body += ",\"metadata\":{\"user_id\":\(string()),\"other\":\(string())}" }
        if chance(3) { body += ",\"output_config\":{\"format\":{\"type\":\"json_schema\",\"schema\":\(object())}}" }
        if chance(3) { body += ",\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}" }
        if chance(3) { body += ",\"unheard_of\":\(object())" }
        return "{\(body)}"
    }

    private mutating func cache() -> String {
        chance(3) ? ",\"cache_control\":{\"type\":\"ephemeral\",\"ttl\":\"5m\"}" : ""
    }

    private mutating func textBlock() -> String { "{\"type\":\"text\",\"text\":\(string())\(cache())}" }

    private mutating func userTurn() -> String {
        if chance(4) { return "{\"role\":\"user\",\"content\":\(string())}" }
        return "{\"role\":\"user\",\"content\":[\(list(1, 3) { $0.userBlock() })]}"
    }

    private mutating func userBlock() -> String {
        switch count(4) {
        case 0: return "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":\(string())}\(cache())}"
        case 1:
            return
                "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"QUJD\(count(9))\"}}"
        case 2:
            return
                "{\"type\":\"document\",\"source\":{\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":\(string())},\"title\":\(string())}"
        default: return textBlock()
        }
    }

    /// An assistant's turn with thoughts and parallel calls, and the results.
    private mutating func assistantTurn() -> String {
        var blocks: [String] = []
        if chance(2) {
            let signature = "sig\(mark())"
            signatures.append(signature)
            blocks.append("{\"type\":\"thinking\",\"thinking\":\(string()),\"signature\":\"\(signature)\"}")
        }
        if chance(4) { blocks.append("{\"type\":\"redacted_thinking\",\"data\":\"\(mark())\"}") }
        if chance(2) || blocks.isEmpty { blocks.append(textBlock()) }
        let ids = (0..<count(3)).map { _ in "toolu_\(next)_\(count(999))" }
        for id in ids {
            let input = object()
            arguments[id] = input
            blocks.append("{\"type\":\"tool_use\",\"id\":\"\(id)\",\"name\":\"f\",\"input\":\(input)}")
        }
        let turn = "{\"role\":\"assistant\",\"content\":[\(blocks.joined(separator: ","))]}"
        guard !ids.isEmpty else { return turn }
        let results = ids.map { id in
            let content = either({ $0.string() }, { "[\($0.textBlock()),\($0.userBlock())]" })
            return
                "{\"type\":\"tool_result\",\"tool_use_id\":\"\(id)\",\"content\":\(content)\(chance(3) ? ",\"is_error\":true" : "")}"
        }
        return "\(turn),{\"role\":\"user\",\"content\":[\(results.joined(separator: ","))]}"
    }

    // MARK: Responses

    /// A body of `POST /v1/responses`.
    mutating func responses() -> String {
        var body = "\"model\":\"m\""
        if chance(2) { body += ",\"instructions\":\(string())" }
        body += ",\"input\":[\(list(1, 5) { $0.item() })]"
        if chance(2) {
            body +=
                ",\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"description\":\(string()),\"parameters\":\(object())},"
            body += "{\"type\":\"custom\",\"name\":\"c\",\"description\":\(string())}]"
        }
        if chance(3) { body += ",\"metadata\":{\"k\":\(string())}" }
        if chance(3) { body += ",\"user\":\(string())" }
        if chance(3) {
            body += ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\",\"schema\":\(object())}}"
        }
        if chance(3) { body += ",\"unheard_of\":\(object())" }
        return "{\(body)}"
    }

    private mutating func item() -> String {
        let id = "call_\(next)_\(count(999))"
        switch count(5) {
        case 0: return "{\"role\":\"user\",\"content\":\(string())}"
        case 1: return "{\"type\":\"message\",\"role\":\"user\",\"content\":[\(list(1, 3) { $0.inputPart() })]}"
        case 2:
            let input = object()
            arguments[id] = input
            return
                "{\"type\":\"function_call\",\"call_id\":\"\(id)\",\"name\":\"f\",\"arguments\":\"\(Self.quoted(input))\"},"
                + "{\"type\":\"function_call_output\",\"call_id\":\"\(id)\",\"output\":\(string())}"
        case 3:
            return "{\"type\":\"custom_tool_call\",\"call_id\":\"\(id)\",\"name\":\"c\",\"input\":\(string())},"
                + "{\"type\":\"custom_tool_call_output\",\"call_id\":\"\(id)\",\"output\":\(string())}"
        case 4:
            return
                "{\"type\":\"reasoning\",\"id\":\"r\(next)\",\"summary\":[],\"content\":[{\"type\":\"reasoning_text\",\"text\":\(string())}]},"
                + "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\(string()),\"annotations\":[]}]}"
        default:
            let content = "foreign\(mark())"
            signatures.append(content)
            return "{\"type\":\"reasoning\",\"id\":\"r\(next)\",\"summary\":[],\"encrypted_content\":\"\(content)\"},"
                + "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\",\"refusal\":\(string())}]}"
        }
    }

    private mutating func inputPart() -> String {
        switch count(3) {
        case 0: "{\"type\":\"input_image\",\"image_url\":\(string()),\"detail\":\"low\"}"
        case 1: "{\"type\":\"input_file\",\"filename\":\(string()),\"file_data\":\"data:,\(mark())\"}"
        default: "{\"type\":\"input_text\",\"text\":\(string())}"
        }
    }
}
