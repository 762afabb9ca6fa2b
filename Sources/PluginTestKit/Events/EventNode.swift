package import JSONSchema
import PluginABI

/// Events as they stand in transcripts: one member that names the type, and under it what the event says.
extension Event {
    private static let words: [(word: String, type: kimi_event_type)] = [
        ("start", KIMI_EVENT_START), ("text", KIMI_EVENT_TEXT), ("reasoning", KIMI_EVENT_REASONING),
        ("tool-begin", KIMI_EVENT_TOOL_BEGIN), ("tool-args", KIMI_EVENT_TOOL_ARGS), ("tool-end", KIMI_EVENT_TOOL_END),
        ("part", KIMI_EVENT_PART), ("usage", KIMI_EVENT_USAGE), ("finish", KIMI_EVENT_FINISH),
        ("error", KIMI_EVENT_ERROR), ("json", KIMI_EVENT_JSON),
    ]

    static func type(of word: String) -> kimi_event_type? { words.first { $0.word == word }?.type }
    static var allWords: String { (words.map(\.word) + ["tool"]).joined(separator: ", ") }

    /// The word of its type; "event-99" for one that ABI 1.0 does not know.
    package var word: String { Self.words.first { $0.type == kind }?.word ?? "event-\(type)" }

    /// Where each member of the written form lies. `index` and `choice` are common to all.
    static func members(of kind: kimi_event_type) -> [(name: String, place: EventPlace)] {
        switch kind {
        case KIMI_EVENT_START: [("id", .a), ("model", .b), ("created", .i0)]
        case KIMI_EVENT_TEXT: [("text", .a)]
        case KIMI_EVENT_REASONING: [("text", .a), ("signature", .b)]
        case KIMI_EVENT_TOOL_BEGIN: [("id", .a), ("name", .b)]
        case KIMI_EVENT_TOOL_ARGS: [("json", .a)]
        case KIMI_EVENT_TOOL_END: []
        case KIMI_EVENT_PART: [("json", .a), ("mime", .b), ("base64", .base64)]
        case KIMI_EVENT_USAGE: [("raw", .a), ("input", .i0), ("output", .i1), ("cached", .i2), ("reasoning", .i3)]
        case KIMI_EVENT_FINISH: [("reason", .a), ("raw", .b)]
        case KIMI_EVENT_ERROR:
            [
                ("message", .a), ("code", .b), ("body", .c), ("category", .category), ("status", .i1),
                ("retry-after-ms", .i2),
            ]
        case KIMI_EVENT_JSON: [("value", .a), ("name", .b), ("scope", .scope)]
        default: [("a", .a), ("b", .b), ("c", .c), ("i0", .i0), ("i1", .i1), ("i2", .i2), ("i3", .i3)]
        }
    }

    /// The member that a plain value stands for: `- text: hello`.
    static func mainMember(of kind: kimi_event_type) -> String? {
        switch kind {
        case KIMI_EVENT_TEXT, KIMI_EVENT_REASONING: "text"
        case KIMI_EVENT_FINISH: "reason"
        case KIMI_EVENT_ERROR: "message"
        default: nil
        }
    }

    /// The whole event as written in a transcript; members that are empty or zero are left out.
    package var node: ConfigNode {
        var object = ConfigObject()
        if choice != 0 { object["choice"] = ConfigNode(.int(Int64(choice))) }
        if isOfTool { object["index"] = ConfigNode(.int(Int64(index))) }
        for (name, place) in Self.members(of: kind) {
            if let value = place.value(in: self) { object[name] = value }
        }
        return ConfigNode(.object(ConfigObject([.init(key: word, value: ConfigNode(.object(object)))])))
    }

    var isOfTool: Bool {
        kind == KIMI_EVENT_TOOL_BEGIN || kind == KIMI_EVENT_TOOL_ARGS || kind == KIMI_EVENT_TOOL_END
    }
}

/// A member of the struct, and how it is written.
enum EventPlace {
    case a, b, c, base64, i0, i1, i2, i3, category, scope

    static let categories = [
        "none", "auth", "rate_limited", "overloaded", "context_length", "content_filter", "bad_request", "upstream",
        "protocol", "config", "internal", "not_found", "permission", "quota", "timeout", "network",
    ]
    static let scopes = ["response", "choice", "message"]

    /// Nil where there is nothing to write.
    func value(in event: Event) -> ConfigNode? {
        switch self {
        case .a: Self.text(event.a)
        case .b: Self.text(event.b)
        case .c: Self.text(event.c)
        case .base64: event.c.isEmpty ? nil : .string(Base64.encoded(event.c))
        case .i0: ConfigNode(.int(event.i0))
        case .i1: ConfigNode(.int(event.i1))
        case .i2: ConfigNode(.int(event.i2))
        case .i3: ConfigNode(.int(event.i3))
        case .category: Self.word(event.i0, Self.categories)
        case .scope: Self.word(event.i0, Self.scopes)
        }
    }

    private static func text(_ bytes: [UInt8]) -> ConfigNode? {
        bytes.isEmpty ? nil : .string(String(decoding: bytes, as: UTF8.self))
    }

    private static func word(_ number: Int64, _ words: [String]) -> ConfigNode {
        guard let index = Int(exactly: number), words.indices.contains(index) else { return ConfigNode(.int(number)) }
        return .string(words[index])
    }

    /// Writes what a transcript says into the event. Nil, or what it should be.
    func set(_ node: ConfigNode, in event: inout Event) -> String? {
        switch self {
        case .a: return Self.bytes(node, &event.a)
        case .b: return Self.bytes(node, &event.b)
        case .c: return Self.bytes(node, &event.c)
        case .base64:
            guard let bytes = node.string.flatMap(Base64.decoded) else { return "base64 text" }
            event.c = bytes
            return nil
        case .i0: return Self.number(node, &event.i0)
        case .i1: return Self.number(node, &event.i1)
        case .i2: return Self.number(node, &event.i2)
        case .i3: return Self.number(node, &event.i3)
        case .category: return Self.number(node, &event.i0, Self.categories)
        case .scope: return Self.number(node, &event.i0, Self.scopes)
        }
    }

    /// Anything but a string is taken for the JSON that it stands for.
    private static func bytes(_ node: ConfigNode, _ bytes: inout [UInt8]) -> String? {
        bytes = node.string.map { Array($0.utf8) } ?? node.jsonBytes
        return nil
    }

    private static func number(_ node: ConfigNode, _ number: inout Int64, _ words: [String] = []) -> String? {
        if let word = node.string, let index = words.firstIndex(of: word) {
            number = Int64(index)
        } else if let value = node.int {
            number = value
        } else {
            return words.isEmpty ? "a whole number" : "one of \(words.joined(separator: ", "))"
        }
        return nil
    }
}
