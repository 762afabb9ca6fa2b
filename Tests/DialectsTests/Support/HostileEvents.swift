import CanonicalModel
import PluginABI

/// Any events in any order, as bytes say: a plugin that keeps no rule at all.
///
/// Each TEXT, REASONING and TOOL_ARGS event carries a mark of its own, such as `t7c0;`, by which a test finds out
/// whether it arrived.
struct HostileEvents {
    /// Marks by the plugin's number of the choice.
    struct Marks {
        var texts: [UInt32: [String]] = [:]
        var thoughts: [UInt32: [String]] = [:]
        var arguments: [UInt32: [String]] = [:]
    }

    private(set) var events = ScriptedEvents()
    private(set) var marks = Marks()
    /// All calls are of tools that are plain functions.
    private(set) var isPlain = true
    private var bytes: ArraySlice<UInt8>
    private var isMild: Bool

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = Array(bytes)[...]
        isMild = false
        let flags = next()
        isMild = flags & 1 == 0
        if flags & 2 == 0 { start() }
        while !self.bytes.isEmpty, events.entries.count < 400 { step(plainOnly: flags & 4 == 0) }
        guard flags & 24 != 24 else { return }
        var finished: Set<UInt32> = []
        for entry in events.entries
        where Self.belongsToChoice(entry.event) && finished.insert(entry.event.choice).inserted {
            events.add(KIMI_EVENT_FINISH, a: Array("stop".utf8), choice: entry.event.choice)
        }
    }

    private static func belongsToChoice(_ event: kimi_event) -> Bool {
        switch kimi_event_type(event.type) {
        case KIMI_EVENT_START, KIMI_EVENT_USAGE, KIMI_EVENT_ERROR: false
        default: event.type <= 11
        }
    }

    // MARK: Choosing

    private mutating func next() -> UInt8 { bytes.popFirst() ?? 0 }

    private mutating func pick<Value>(_ values: [Value]) -> Value { values[Int(next()) % values.count] }

    private mutating func choice() -> UInt32 {
        isMild ? 0 : pick([0, 0, 0, 0, 0, 1, 2, 127, 128, 4_000_000_000])
    }

    private mutating func index() -> UInt32 { pick([0, 0, 0, 1, 1, 2, 5, .max]) }

    // MARK: Events

    private mutating func step(plainOnly: Bool) {
        switch next() % 24 {
        case 0: start()
        case 1...4: text()
        case 5, 6: think()
        case 7, 8: begin(plainOnly)
        case 9...12: arguments()
        case 13, 14: events.add(KIMI_EVENT_TOOL_END, choice: choice(), index: index())
        case 15: events.add(KIMI_EVENT_FINISH, a: pick(Self.reasons), b: pick(Self.reasons), choice: choice())
        case 16: usage()
        case 17, 18: json()
        case 19: part()
        case 20: if next() % 8 == 0 { error() } else { text() }
        case 21: events.add(kimi_event_type(UInt32(12) + UInt32(next())), a: [0xFF], choice: choice())
        default: call(plainOnly)
        }
    }

    private mutating func start() {
        events.add(
            KIMI_EVENT_START, a: pick([Array("chatcmpl-1".utf8), [], [0x22, 0xFF], Array("id \u{2028}".utf8)]),
            b: pick([Array("m".utf8), [], [0xC3]]), numbers: [pick([1_700_000_000, 0, -5, .max]), 0, 0, 0])
    }

    private static let tails: [[UInt8]] = [
        [], [], [], Array("\"\\\n\u{0}\u{2028}😀".utf8), [0xC3], [0xA9], [0xF0, 0x9F], [0x98, 0x80], [0xFF],
    ]

    private mutating func text() {
        let choice = choice()
        let mark = "t\(events.entries.count)c\(choice);"
        let isEmpty = next() % 8 == 0
        if !isEmpty { marks.texts[choice, default: []].append(mark) }
        events.add(KIMI_EVENT_TEXT, a: isEmpty ? [] : Array(mark.utf8) + pick(Self.tails), choice: choice)
    }

    private mutating func think() {
        let choice = choice()
        let mark = "r\(events.entries.count)c\(choice);"
        let isEmpty = next() % 8 == 0
        if !isEmpty { marks.thoughts[choice, default: []].append(mark) }
        let signature: [UInt8] = pick([[], [], [], Array("sig".utf8), [0x22, 0xFF]])
        events.add(
            KIMI_EVENT_REASONING, a: isEmpty ? [] : Array(mark.utf8) + pick(Self.tails), b: signature, choice: choice)
    }

    private static let ids: [[UInt8]] = [
        [], Array("a".utf8), Array("b".utf8), Array("functions.f:0".utf8), Array("k1_x".utf8), [0xFF, 0x22], [0xC3],
    ]

    private mutating func begin(_ plainOnly: Bool) {
        let name = plainOnly ? "lookup" : pick(["lookup", "free", "apply_patch", "local_shell", "shell", "", "\u{0}ü"])
        if name != "lookup" { isPlain = false }
        events.add(KIMI_EVENT_TOOL_BEGIN, a: pick(Self.ids), b: Array(name.utf8), choice: choice(), index: index())
    }

    private mutating func arguments() {
        let choice = choice()
        let mark = "x\(events.entries.count)c\(choice);"
        let shape = next() % 6
        if shape > 1 { marks.arguments[choice, default: []].append(mark) }
        let text: [UInt8] =
            switch shape {
            case 0: []
            case 1: [0x20]
            case 2: Array("{\"a\":\"\(mark)\"".utf8)
            case 3: Array(",\"b\\u00e9\":\"\(mark)\"}".utf8)
            case 4: Array("{\"input\":\"\(mark)".utf8)
            default: Array(mark.utf8) + pick(Self.tails)
            }
        events.add(KIMI_EVENT_TOOL_ARGS, a: text, choice: choice, index: index())
    }

    /// One that keeps the rule, if nothing before it broke it.
    private mutating func call(_ plainOnly: Bool) {
        let (choice, index) = (choice(), UInt32(events.entries.count))
        let mark = "x\(events.entries.count)c\(choice);"
        marks.arguments[choice, default: []].append(mark)
        events.add(KIMI_EVENT_TOOL_BEGIN, a: pick(Self.ids), b: Array("lookup".utf8), choice: choice, index: index)
        events.add(KIMI_EVENT_TOOL_ARGS, a: Array("{\"a\":".utf8), choice: choice, index: index)
        events.add(KIMI_EVENT_TOOL_ARGS, a: Array("\"\(mark)\"}".utf8), choice: choice, index: index)
        events.add(KIMI_EVENT_TOOL_END, choice: choice, index: index)
    }

    private static let reasons: [[UInt8]] = [
        "stop", "length", "tool_calls", "content_filter", "", "end_turn", "MAX_TOKENS", "odd \"one\"", "pause_turn",
    ].map { Array($0.utf8) }

    private mutating func usage() {
        let numbers: [Int64] = [-1, 0, 10, .max, .min]
        events.add(
            KIMI_EVENT_USAGE,
            a: pick(Self.values + [Array(#"{"prompt_tokens":10,"prompt_tokens":11,"cost":0.1}"#.utf8)]),
            numbers: [pick(numbers), pick(numbers), pick(numbers), pick(numbers)])
    }

    private mutating func json() {
        let scope: Int64 = pick([0, 1, 2, 2, 2, 7, -1, .max])
        events.add(
            KIMI_EVENT_JSON, a: pick(Self.values), b: pick(Self.names), choice: choice(), numbers: [scope, 0, 0, 0])
    }

    private mutating func part() {
        events.add(
            KIMI_EVENT_PART, a: pick(Self.values), b: pick([[], Array("image/png".utf8), [0x22, 0xFF]]),
            c: pick([[], [1, 2, 3, 4]]), choice: choice())
    }

    private mutating func error() {
        events.add(
            KIMI_EVENT_ERROR, a: pick([[], Array("boom \"".utf8), [0xFF]]), b: pick([[], [0xFF]]),
            numbers: [pick([7, 0, 99, -1]), pick([500, 0, 200, .max]), pick([-1, 0, .max]), 0])
    }
}
