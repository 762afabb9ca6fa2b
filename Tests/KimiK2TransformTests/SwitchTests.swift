import KimiK2TransformLogic
import Testing

@Suite("Every repair can be switched off")
struct SwitchTests {
    static var none: RepairSet {
        var set = RepairSet.all
        for repair in Repair.allCases { set.remove(repair) }
        return set
    }

    @Test("with all of them off, what goes in comes out, byte for byte", arguments: Case.own + Case.shared)
    func allOff(_ example: Case) {
        var generator = SeededGenerator(seed: 4711)
        for var options in RechunkingTests.readings(example) {
            options.repairs = Self.none
            let random = Cuts.random(example.input, longest: 9, &generator)
            for pieces in [[example.input], random, Cuts.everyCharacter(example.input)] {
                let output = example.answer(cut: pieces, options: options)
                let text = example.channel == .content ? output.answer.content : output.answer.thinking
                #expect(text == example.input)
                #expect(output.answer.calls.isEmpty)
                #expect(output.answer.finishReason == example.upstreamReason)
                #expect(output.breaches == [])
            }
        }
    }

    @Test("calls that came structured keep ids and names", arguments: WireCase.shared)
    func structured(_ example: WireCase) {
        let output = example.answer(repairs: Self.none).answer
        var given: [(id: String, name: String)] = []
        for case .begin(_, let id, let name) in example.events { given.append((id, name)) }
        #expect(output.calls.map(\.id) == given.map(\.id))
        #expect(output.calls.map(\.name) == given.map(\.name))
        #expect(output.finishReason == example.grading.upstreamReason)
    }

    static let call = "<|tool_call_begin|>functions.Find:0<|tool_call_argument_begin|>{\"q\":\"x\"}<|tool_call_end|>"
    static let foreign = "<tool_call>{\"name\":\"find\",\"arguments\":{\"q\":\"x\"}}</tool_call>"

    @Test(
        "one at a time: content, thought and names of calls",
        arguments: [
            (.inlineCalls, "<think>Hm.</think>A " + call + "<|im_end|>", "A " + call, "Hm.", []),
            (.markers, "A<|tool_call_end|> b<|im_end|>", "A<|tool_call_end|> b<|im_end|>", "", []),
            (.markers, "A " + call, "A", "", ["find"]),
            (.thinking, "<think>a</think>" + call + "b</think>", "<think>a</think>b</think>", "", ["find"]),
            (.noContent, "(no content) A", "(no content) A", "", []),
            (.names, call, "", "", ["Find"]),
            (.inferredNames, "<|tool_call_begin|>0<|tool_call_argument_begin|>{\"q\":\"x\"}", "", "", []),
            (.foreignCalls, foreign, foreign, "", []),
            (.foreignCalls, "A <tool_call>find", "A", "", []),
            (.leftovers, "A <tool_call>find", "A <tool_call>find", "", []),
            (.leftovers, foreign, "", "", ["find"]),
        ] as [(Repair, String, String, String, [String])])
    func one(_ repair: Repair, _ text: String, _ content: String, _ thinking: String, _ names: [String]) {
        for piece in [1000, 1, 3] {
            var options = NormaliserOptions()
            options.repairs.remove(repair)
            let tools = [DeclaredTool(name: "find", properties: ["q"], required: ["q"])]
            var normaliser = Normaliser(options: options, tools: DeclaredTools(tools))
            var output = Collector()
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: piece) {
                Array(bytes[start..<min(bytes.count, start + piece)]).withUnsafeBytes {
                    normaliser.text(.content, $0, to: &output)
                }
            }
            normaliser.finish(to: &output)
            #expect(output.answer.content == content)
            #expect(output.answer.thinking == thinking)
            #expect(output.answer.calls.map(\.name) == names)
        }
    }

    @Test("nothing is held for thoughts that are not looked for") func noHold() {
        var options = NormaliserOptions()
        options.repairs.remove(.thinking)
        var normaliser = Normaliser(options: options, tools: DeclaredTools([]))
        var output = Collector()
        Array("Hello".utf8).withUnsafeBytes { normaliser.text(.content, $0, to: &output) }
        #expect(output.answer.content == "Hello")
    }
}
