import KimiK2TransformLogic
import Testing

@Suite("What arrives leaves at once")
struct StreamingTests {
    @Test("a call's name goes first, then its arguments as they come") func increments() {
        var stream = Stream()
        #expect(stream.feed("Let me see.").content == "Let me see.")
        stream.feed(" <|tool_call_begin|>functions.read:7")
        #expect(stream.answer.calls.isEmpty)
        stream.feed("<|tool_call_argument_begin|>")
        stream.feed(#"{"path""#)
        #expect(stream.answer.calls.map(\.name) == ["read"])
        #expect(stream.answer.calls.map(\.id) == ["7"])
        #expect(stream.answer.calls.map(\.text) == [#"{"path""#])
        stream.feed(#": "/srv"#)
        #expect(stream.answer.calls.map(\.text) == [#"{"path": "/srv"#])
        stream.feed(#""}"#)
        #expect(stream.answer.calls.map(\.isEnded) == [true])
    }

    @Test("a prefilled thought leaves as thought at once if the configuration says so") func prefilled() {
        var stream = Stream(NormaliserOptions(startsInThinking: .yes))
        #expect(stream.feed("First").thinking == "First")
        #expect(stream.feed(", second</think>\n\nGo").content == "Go")
        #expect(stream.answer.thinking == "First, second")
    }

    @Test("text of unknown kind is held, up to the limit") func limit() {
        var stream = Stream(NormaliserOptions(maxHeldThinkingBytes: 16))
        #expect(stream.feed("1234567890").content == "")
        #expect(stream.feed("1234567").content == "12345678901234567")
        #expect(stream.feed(" more</think>\nrest").content == "12345678901234567 more\nrest")
        #expect(stream.answer.thinking == "")
    }

    @Test("nothing is held if the limit is 0") func noHold() {
        var stream = Stream(NormaliserOptions(maxHeldThinkingBytes: 0))
        #expect(stream.feed("Hello").content == "Hello")
    }

    @Test("a host that waits too long gets what is held") func timeout() {
        var stream = Stream(NormaliserOptions())
        stream.feed("Hello")
        #expect(stream.answer.content == "")
        stream.normaliser.releaseHeld(to: &stream.output)
        #expect(stream.answer.content == "Hello")
        #expect(stream.feed(", you").content == "Hello, you")
        stream.feed(" see `<think>")
        stream.normaliser.releaseHeld(to: &stream.output)
        #expect(stream.answer.content == "Hello, you see `<think>")
        #expect(stream.feed("` then").content == "Hello, you see `<think>` then")
    }

    @Test("a server that parts thought and answer itself ends the holding") func reasoningField() {
        var stream = Stream(NormaliserOptions())
        stream.feed("hm", .reasoning)
        #expect(stream.answer.thinking == "hm")
        #expect(stream.feed("Go").content == "Go")
        #expect(stream.feed(" on").content == "Go on")
    }

    @Test("a section may cross from the reasoning field to content") func crossing() {
        var stream = Stream(NormaliserOptions())
        stream.feed("look <|tool_calls_section_begin|><|tool_call_begin|>functions.read:0", .reasoning)
        stream.feed("<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>Done.")
        #expect(stream.answer.calls.map(\.name) == ["read"])
        #expect(stream.answer.thinking == "look")
        #expect(stream.answer.content == "Done.")
    }

    struct Stream {
        var normaliser: Normaliser
        var output = Collector()
        var answer: Answer { output.answer }

        init(_ options: NormaliserOptions = NormaliserOptions(startsInThinking: .no)) {
            normaliser = Normaliser(options: options, tools: DeclaredTools([]))
        }

        @discardableResult
        mutating func feed(_ text: String, _ channel: TextChannel = .content) -> Answer {
            Array(text.utf8).withUnsafeBytes { normaliser.text(channel, $0, to: &output) }
            return answer
        }
    }
}
