import KimiK2TransformLogic
import Testing

@Suite("Ids outward")
struct IDTests {
    static func heads(_ heads: [String]) -> String {
        heads.map { "<|tool_call_begin|>\($0)<|tool_call_argument_begin|>{\"q\":\"x\"}<|tool_call_end|>" }.joined()
    }

    @Test(
        "short: the model's number, a suffix only on collision",
        arguments: [
            (["functions.find:42"], ["42"]), (["functions.find:0", "functions.read:1"], ["0", "1"]),
            (["functions.find:0", "functions.find:0", "functions.find:0"], ["0", "0-2", "0-3"]),
            (["functions.find:0-2", "functions.find:0", "functions.find:0"], ["0-2", "0", "0-3"]),
            (["find", "functions.find:1", "find"], ["0", "1", "2"]), (["functions.find:call_7"], ["call_7"]),
            (["functions.find:2.0"], ["2"]), (["functions.find: 3\n"], ["3"]),
            // A sign that joins the colon makes another character of the two.
            (["functions.find：4"], ["4"]), (["functions.find\u{600}:7"], ["0"]), (["functions.find:\u{301}7"], ["0"]),
            (["functions.find:" + String(repeating: "a", count: 200)], ["0"]),
        ] as [([String], [String])])
    func short(_ heads: [String], _ ids: [String]) { #expect(Self.ids(heads) == ids) }

    @Test("short: never an id of the conversation") func shortInConversation() {
        let history = Conversation(usedIDs: ["0", "0-2", "5", "5-2"], nextIndex: 5)
        #expect(Self.ids(["functions.find:0", "functions.find:0"], .short, history) == ["0-3", "0-4"])
        #expect(Self.ids(["find", "find"], .short, history) == ["5-3", "6"])
        #expect(Self.ids(["functions.find:9"], .short, history) == ["9"])
    }

    @Test("native: as the model writes them, the next free number on collision") func native() {
        let history = Conversation(usedIDs: ["functions.find:0", "functions.find:6"], nextIndex: 5)
        #expect(
            Self.ids(["functions.find:7", "read:8"], .native, history) == ["functions.find:7", "functions.read:8"])
        #expect(
            Self.ids(["find", "functions.find:call_1"], .native, history) == ["functions.find:5", "functions.find:7"])
        #expect(
            Self.ids(["functions.find:0", "functions.find:0"], .native, history)
                == ["functions.find:5", "functions.find:7"])
        #expect(
            Self.ids(["functions.find:-1", "functions.find:99999999999999"], .native)
                == ["functions.find:0", "functions.find:1"])
    }

    @Test("unique: random, the same for the same seed") func unique() {
        let first = Self.ids(["find", "functions.find:0"], .unique)
        #expect(first == Self.ids(["find", "functions.find:0"], .unique))
        #expect(Set(first).count == 2)
        for id in first {
            #expect(id.hasPrefix("call_") && id.utf8.count == 29 && id.dropFirst(5).allSatisfy(\.isHexDigit))
        }
    }

    @Test(
        "of structured calls",
        arguments: [
            (.short, ["functions.read:42", "call_a", "toolu_1"], ["42", "call_a", "toolu_1"]),
            (.short, ["functions.read:0", "functions.read:0", "", "7"], ["0", "0-2", "2", "7"]),
            (.short, ["functions.:0", "functions.read:x", " c \n"], ["functions.:0", "functions.read:x", "c"]),
            (
                .native, ["functions.read:4", "call_a", "9"],
                ["functions.read:4", "functions.read:1", "functions.read:9"]
            ),
        ] as [(IDStyle, [String], [String])])
    func structured(_ style: IDStyle, _ given: [String], _ ids: [String]) {
        #expect(Self.structured(given, style, .all) == ids)
    }

    @Test("of structured calls stay if the switch is off") func switchedOff() {
        var repairs = RepairSet.all
        repairs.remove(.ids)
        let ids = ["functions.read:0", "functions.read:0", "", "call_a"]
        #expect(Self.structured(ids, .short, repairs) == ids)
    }

    // MARK: -

    private static func ids(
        _ heads: [String], _ style: IDStyle = .short, _ conversation: Conversation = Conversation()
    ) -> [String] {
        var options = NormaliserOptions(startsInThinking: .no)
        options.ids = style
        options.conversation = conversation
        options.idSeed = 99
        let tools = [DeclaredTool(name: "find"), DeclaredTool(name: "read")]
        var normaliser = Normaliser(options: options, tools: DeclaredTools(tools))
        var output = Collector()
        Array(self.heads(heads).utf8).withUnsafeBytes { normaliser.text(.content, $0, to: &output) }
        normaliser.finish(to: &output)
        return output.answer.calls.map(\.id)
    }

    private static func structured(_ ids: [String], _ style: IDStyle, _ repairs: RepairSet) -> [String] {
        var options = NormaliserOptions(startsInThinking: .no)
        options.ids = style
        options.repairs = repairs
        var normaliser = Normaliser(options: options, tools: DeclaredTools([DeclaredTool(name: "read")]))
        var output = Collector()
        for (number, id) in ids.enumerated() {
            Array(id.utf8).withUnsafeBytes { id in
                Array("read".utf8).withUnsafeBytes {
                    normaliser.structuredBegin(UInt32(number), id: id, name: $0, to: &output)
                }
            }
            normaliser.structuredEnd(UInt32(number), to: &output)
        }
        normaliser.finish(to: &output)
        return output.answer.calls.map(\.id)
    }
}
