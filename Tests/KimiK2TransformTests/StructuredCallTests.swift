import KimiK2TransformLogic
import Testing
import WireJSON

@Suite("Calls that the upstream structured itself")
struct StructuredCallTests {
    @Test("shared wire vectors", arguments: WireCase.shared)
    func sharedVector(_ example: WireCase) {
        let output = example.answer()
        #expect(example.grading.fault(output.answer) == nil)
        #expect(output.breaches == [])
    }

    @Test("pass as they are") func clean() {
        let answer = feed([.begin(4, "call_a", "read"), .piece(4, #"{"path": "#), .piece(4, #""<x>"}"#), .end(4)])
        #expect(answer.calls.map(\.id) == ["call_a"])
        #expect(answer.calls.map(\.name) == ["read"])
        #expect(answer.calls.map(\.text) == [#"{"path": "<x>"}"#])
    }

    @Test("get numbers and ids of their own") func duplicateIDs() {
        let answer = feed([
            .begin(0, "0", "read"), .piece(0, "{}"), .begin(1, "0", "read"), .piece(1, #"{"a":1}"#), .end(0), .end(1),
            .begin(1, "", "read"), .piece(1, ""), .end(1),
        ])
        #expect(answer.calls.map(\.id) == ["0", "0-2", "2"])
        #expect(answer.calls.map(\.text) == ["{}", #"{"a":1}"#, "{}"])
    }

    @Test("have their names repaired", arguments: ["functions.read:0", "functions.read", "15", ""])
    func names(_ name: String) {
        let answer = feed([.begin(0, "x", name), .piece(0, #"{"path":"a"}"#), .end(0)])
        #expect(answer.calls.map(\.name) == ["read"])
        #expect(answer.calls.map(\.id) == ["x"])
    }

    @Test("may quote markers and end at their JSON") func markers() {
        let quoted = #"{"a":"<|tool_call_end|>"}"#
        let answer = feed([.begin(0, "x", "read"), .piece(0, quoted + "<|tool_call_end|><|tool_call_begin|>"), .end(0)])
        #expect(answer.calls.map(\.text) == [quoted])
    }

    @Test("are not given twice, whichever copy comes first, whatever the order of members")
    func repetition() {
        let inline =
            #"Ok. <|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>{"a":1,"b":[2]}<|tool_call_end|>"#
        let structured: [Step] = [.begin(0, "c1", "read"), .piece(0, #"{"b": [2], "#), .piece(0, #""a": 1}"#), .end(0)]
        let textFirst = feed([.text(inline)] + structured)
        #expect(textFirst.calls.map(\.id) == ["0"])
        let callFirst = feed(structured + [.text(inline)])
        #expect(callFirst.calls.map(\.id) == ["c1"])
        #expect(callFirst.content == "Ok.")
        let another = feed(structured + structured + [.text(inline)])
        #expect(another.calls.count == 2)
        let different = feed([.text(inline), .begin(0, "c1", "read"), .piece(0, #"{"a":2}"#), .end(0)])
        #expect(different.calls.count == 2)
    }

    @Test("release text that was held") func releaseHeld() {
        let answer = feed([.text("Let me see. "), .begin(0, "x", "read"), .piece(0, "{}"), .end(0), .text("</think>")])
        #expect(answer.content == "Let me see. ")
        #expect(answer.thinking == "")
    }

    @Test("that were cut keep the reason `length`") func cut() {
        #expect(feed([.begin(0, "x", "read"), .piece(0, #"{"a"#)], reason: "length").finishReason == "length")
        #expect(feed([.begin(0, "x", "read"), .piece(0, "{}")], reason: "stop").finishReason == "tool_calls")
    }

    @Test("come after the blanks that end the text before them") func blanksBefore() {
        for channel in [TextChannel.reasoning, .content] {
            var normaliser = Normaliser(options: NormaliserOptions(), tools: DeclaredTools([]))
            var order = Order()
            feed("Let me see.\n ", channel, &normaliser, &order)
            "read".utf8.withContiguousStorageIfAvailable {
                normaliser.structuredBegin(
                    0, id: UnsafeRawBufferPointer(start: nil, count: 0), name: UnsafeRawBufferPointer($0), to: &order)
            }
            normaliser.structuredEnd(0, to: &order)
            normaliser.finish(to: &order)
            #expect(order.words.first == "\(channel) Let me see.")
            #expect(order.words.dropFirst().prefix(2) == ["\(channel) \n ", "call"])
        }
    }

    @Test("blanks that end a thought come before the answer") func blanksOfThoughts() {
        var normaliser = Normaliser(options: NormaliserOptions(), tools: DeclaredTools([]))
        var order = Order()
        feed("Thought.\n", .reasoning, &normaliser, &order)
        feed("\n", .content, &normaliser, &order)
        feed("Answer", .content, &normaliser, &order)
        feed(" goes on", .content, &normaliser, &order)
        normaliser.finish(to: &order)
        #expect(order.words.prefix(2) == ["reasoning Thought.", "reasoning \n"])
        #expect(
            order.words.dropFirst(2).joined() == "content \ncontent Answercontent  goes on"
                || order.words.dropFirst(2).joined() == "content Answercontent  goes on")
    }

    private func feed(
        _ text: String, _ channel: TextChannel, _ normaliser: inout Normaliser, _ order: inout Order
    ) {
        Array(text.utf8).withUnsafeBytes { normaliser.text(channel, $0, to: &order) }
    }

    /// What came out, in order.
    private struct Order: NormalisedOutput {
        var words: [String] = []

        mutating func text(_ channel: TextChannel, _ bytes: UnsafeRawBufferPointer, transient: Bool) {
            words.append("\(channel) " + String(decoding: bytes, as: UTF8.self))
        }
        mutating func toolBegin(_ index: UInt32, id: String, name: String) { words.append("call") }
        mutating func toolArguments(_ index: UInt32, _ bytes: UnsafeRawBufferPointer, transient: Bool) {}
        mutating func toolEnd(_ index: UInt32) {}
    }

    enum Step {
        case text(String)
        case begin(UInt32, String, String)
        case piece(UInt32, String)
        case end(UInt32)
    }

    private func feed(_ steps: [Step], reason: String = "tool_calls") -> Answer {
        let tools = [DeclaredTool(name: "read", properties: ["path", "a"], required: [])]
        var normaliser = Normaliser(options: NormaliserOptions(), tools: DeclaredTools(tools))
        var output = Collector()
        for step in steps {
            switch step {
            case .text(let text): Array(text.utf8).withUnsafeBytes { normaliser.text(.content, $0, to: &output) }
            case .begin(let number, let id, let name):
                Array(id.utf8).withUnsafeBytes { id in
                    Array(name.utf8).withUnsafeBytes {
                        normaliser.structuredBegin(number, id: id, name: $0, to: &output)
                    }
                }
            case .piece(let number, let text):
                Array(text.utf8).withUnsafeBytes { normaliser.structuredArguments(number, $0, to: &output) }
            case .end(let number): normaliser.structuredEnd(number, to: &output)
            }
        }
        normaliser.finish(to: &output)
        let result = output.finished(normaliser.finishReason(upstream: reason))
        #expect(result.breaches == [])
        return result.answer
    }
}
