import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

extension Repairs.Entry {
    static func order(_ detail: String, _ count: Int = 1) -> Self { Self(kind: .order, detail: detail, count: count) }
    static func content(_ detail: String, _ count: Int = 1) -> Self {
        Self(kind: .content, detail: detail, count: count)
    }
    static func dropped(_ detail: String, _ count: Int = 1) -> Self {
        Self(kind: .dropped, detail: detail, count: count)
    }
}

/// What is made of each kind of broken rule; `HostileEventTests` has them in all mixtures.
@Suite struct RepairTests {
    private func chat(_ steps: [Step]) throws -> (reader: ChatReader, repairs: [Repairs.Entry]) {
        let (stream, whole) = (ChatStreamEncoder(wantsUsage: true), ChatUnaryEncoder())
        for step in steps {
            step.send(to: stream)
            step.send(to: whole)
        }
        if let failure = stream.failure { throw failure }
        try stream.complete()
        try whole.complete()
        let (reader, other) = (ChatReader(stream: stream.output.bytes), ChatReader(whole: whole.output.bytes))
        #expect(reader.problems.isEmpty && other.problems.isEmpty, "\(reader.problems) \(other.problems)")
        #expect(stream.repairs.entries == whole.repairs.entries)
        #expect(reader.choices.mapValues(\.text) == other.choices.mapValues(\.text))
        #expect(reader.choices.mapValues(\.arguments) == other.choices.mapValues(\.arguments))
        return (reader, stream.repairs.entries)
    }

    @Test func `legal events need no repair`() throws {
        let made = try chat([
            .start(), .text("a"), .begin(0, id: "i", name: "f"), .arguments(0, "{}"), .end(0), .finish("tool_calls"),
            .usage("", 1, 2),
        ])
        #expect(made.repairs.isEmpty)
        #expect(made.reader.hasUsage)
    }

    @Test func `a missing START, and one that comes late`() throws {
        let made = try chat([.text("a"), .start(), .text("b"), .finish("stop")])
        #expect(made.reader.choices[0]?.text == "ab")
        #expect(
            made.repairs == [
                .order("an event came before START; one without id and model was put before it"),
                .order("a second START; it was left out"),
            ])
    }

    @Test func `usage before START waits for it`() throws {
        let made = try chat([.usage("", 1, 2), .start(), .text("a"), .finish("stop")])
        #expect(made.reader.hasUsage)
        #expect(made.repairs == [.order("an event came before START; it waited for it")])
    }

    @Test func `interleaved calls come one behind the other`() throws {
        let made = try chat([
            .start(), .begin(0, id: "a", name: "f"), .begin(1, id: "b", name: "g"), .arguments(1, "{\"b\""),
            .arguments(0, "{\"a\""), .arguments(1, ":1}"), .end(1), .arguments(0, ":1}"), .end(0),
            .finish("tool_calls"),
        ])
        #expect(made.reader.choices[0]?.arguments == [#"{"a":1}"#, #"{"b":1}"#])
        #expect(made.repairs == [.order("tool calls were interleaved; they were put one behind the other")])
    }

    @Test func `arguments before their call wait for it`() throws {
        let made = try chat([
            .start(), .arguments(3, "{\"a\""), .begin(3, id: "a", name: "f"), .arguments(3, ":1}"), .end(3),
            .finish("tool_calls"),
        ])
        #expect(made.reader.choices[0]?.arguments == [#"{"a":1}"#])
        #expect(
            made.repairs == [
                .order("arguments came before their tool call; they waited for it"),
                .order("tool calls were not numbered from 0 on; they were renumbered"),
            ])
    }

    @Test func `arguments whose call never comes fail the reply`() {
        for encoder in Self.encoders {
            for step in [Step.start(), .arguments(0, "{}"), .finish("tool_calls")] { step.send(to: encoder) }
            let error = #expect(throws: ExchangeError.self) { try encoder.complete() }
            #expect(error?.message.contains("without a name") == true)
        }
    }

    @Test func `arguments after the end of their call fail the reply`() {
        for encoder in Self.encoders {
            let steps: [Step] = [
                .start(), .begin(0, id: "a", name: "f"), .arguments(0, "{}"), .end(0), .arguments(0, " "),
            ]
            for step in steps { #expect(step.send(to: encoder) == kimi_status(KIMI_OK)) }
            #expect(Step.arguments(0, "x").send(to: encoder) == kimi_status(KIMI_STOP))
            #expect(encoder.failure?.code == "plugin_misbehaved")
        }
    }

    static var encoders: [any ResponseEncoder] {
        [
            ChatStreamEncoder(wantsUsage: false), ChatUnaryEncoder(), MessagesStreamEncoder(requestID: "r"),
            MessagesUnaryEncoder(), ResponsesEncoder(ResponsesContext(), responseID: "resp_a", isStreaming: true),
        ]
    }

    @Test func `what waits has a bound`() {
        let encoder = ChatStreamEncoder(wantsUsage: false)
        for step in [Step.start(), .begin(0, id: "a", name: "f"), .begin(1, id: "b", name: "f")] {
            step.send(to: encoder)
        }
        let piece = String(repeating: "x", count: 1 << 20)
        for _ in 0..<3 { #expect(Step.arguments(1, piece).send(to: encoder) == kimi_status(KIMI_OK)) }
        #expect(Step.arguments(1, piece).send(to: encoder) == kimi_status(KIMI_STOP))
        #expect(encoder.failure?.message.contains("interleaved") == true)
    }

    @Test func `calls that nobody ended, ids that stand twice`() throws {
        let made = try chat([
            .start(), .begin(0, id: "a", name: "f"), .arguments(0, "{}"), .begin(0, id: "b", name: "g"),
            .arguments(0, "[]"), .end(0), .end(7), .begin(1, id: "a", name: "h"), .finish("tool_calls"),
        ])
        #expect(made.reader.choices[0]?.arguments == ["{}", "[]", ""])
        #expect(made.reader.choices[0]?.ids.contains("a_2") == true)
        #expect(made.repairs.count == 5)
    }

    @Test func `what comes after FINISH is put before it`() throws {
        let made = try chat([
            .start(), .finish("stop"), .text("late"), .finish("length"), .finish("stop"),
        ])
        #expect(made.reader.choices[0]?.text == "late")
        #expect(made.reader.choices[0]?.finish == "length")
        #expect(
            made.repairs == [
                .order("an event came after the FINISH of its choice; it was put before it"),
                .order("a choice was finished twice", 2),
            ])
    }

    @Test(
        arguments: [
            ("", "stop"), ("odd", "stop"), ("MAX_TOKENS", "length"), ("end_turn", "stop"),
            ("refusal", "content_filter"),
            ("tool_calls", "stop"),
        ])
    func `finish reasons are words that clients know`(reason: String, wanted: String) throws {
        let made = try chat([.start(), .text("a"), .finish(reason)])
        #expect(made.reader.choices[0]?.finish == wanted)
        #expect(made.repairs.isEmpty == ["MAX_TOKENS", "end_turn", "refusal"].contains(reason))
    }

    @Test func `white space and what is no call are no calls`() throws {
        let made = try chat([
            .start(), .arguments(3, " "), .json(KIMI_SCOPE_MESSAGE, "tool_calls", "[5]"), .finish("tool_calls"),
        ])
        #expect(made.reader.choices[0]?.finish == "stop")
        #expect(made.repairs.count == 3)
    }

    @Test func `an upstream's own finish reason stands beside`() throws {
        let encoder = ChatUnaryEncoder()
        for step in [Step.start(), .text("a"), .finish("insufficient_system_resource")] { step.send(to: encoder) }
        try encoder.complete()
        #expect(
            String(decoding: encoder.output.bytes, as: UTF8.self).contains(
                #""finish_reason":"stop","native_finish_reason":"insufficient_system_resource""#))
    }

    @Test func `choices beyond the last number get one`() throws {
        let made = try chat([.start(), .text("a", choice: .max), .finish("stop", choice: .max)])
        #expect(made.reader.choices[0]?.text == "a")
        #expect(made.repairs.count == 1)
    }

    @Test func `a character in two events arrives whole`() throws {
        for encoder in Self.encoders {
            var events = ScriptedEvents()
            events.add(KIMI_EVENT_START, a: Array("i".utf8))
            for piece in [[0x78, 0xF0, 0x9F], [0x98], [0x80, 0x79]] as [[UInt8]] {
                events.add(KIMI_EVENT_TEXT, a: piece)
            }
            events.add(KIMI_EVENT_FINISH, a: Array("stop".utf8))
            #expect(events.send(to: encoder) { 1 } == kimi_status(KIMI_OK))
            try encoder.complete()
            let text = String(decoding: encoder.output.bytes, as: UTF8.self)
            #expect(text.contains("😀") && !text.contains("\u{FFFD}"))
        }
    }

    @Test func `foreign calls and others share one row of numbers`() throws {
        let foreign = #"[{"index":0,"id":"c","type":"custom","custom":{"name":"n","input":"i"}}]"#
        let encoder = ChatStreamEncoder(wantsUsage: false)
        let steps: [Step] = [
            .start(), .json(KIMI_SCOPE_MESSAGE, "tool_calls", foreign), .begin(0, id: "a", name: "f"), .end(0),
            .json(KIMI_SCOPE_MESSAGE, "tool_calls", #"[{"index":0,"custom":{"input":"more"}}]"#), .finish("tool_calls"),
        ]
        for step in steps { step.send(to: encoder) }
        try encoder.complete()
        let text = String(decoding: encoder.output.bytes, as: UTF8.self)
        #expect(text.contains(#"{"index":0,"id":"c""#))
        #expect(text.contains(#"{"index":1,"id":"a""#))
        #expect(text.contains(#"{"index":0,"custom":{"input":"more"}}"#))
    }

    @Test func `pieces of members are put together in a reply that is not streamed`() throws {
        let encoder = ChatUnaryEncoder()
        let entry: (String) -> String = {
            #"{"content":[{"token":"\#($0)","logprob":-1,"bytes":null,"top_logprobs":[]}],"refusal":null}"#
        }
        let steps: [Step] = [
            .start(), .json(KIMI_SCOPE_MESSAGE, "refusal", #""no""#), .json(KIMI_SCOPE_MESSAGE, "refusal", #""pe""#),
            .json(KIMI_SCOPE_CHOICE, "logprobs", entry("a")), .json(KIMI_SCOPE_CHOICE, "logprobs", entry("b")),
            .json(KIMI_SCOPE_MESSAGE, "annotations", "[]"), .json(KIMI_SCOPE_MESSAGE, "annotations", #"[{"a":1}]"#),
            .json(KIMI_SCOPE_MESSAGE, "annotations", #"[{"b":2}]"#), .finish("stop"),
        ]
        for step in steps { step.send(to: encoder) }
        try encoder.complete()
        let parser = JSONParser()
        let choice = try #require(try parser.parse(encoder.output.bytes)["choices"]?[index: 0])
        #expect(choice["message"]?["refusal"]?.string == "nope")
        #expect(choice["message"]?["annotations"]?.elementCount == 2)
        #expect(choice["logprobs"]?["content"]?.elementCount == 2)
    }

    @Test func `inline bytes of a part become a data URL`() throws {
        var events = ScriptedEvents()
        events.add(KIMI_EVENT_START)
        events.add(KIMI_EVENT_PART, b: Array("image/png".utf8), c: [1, 2, 3, 0xFF])
        events.add(KIMI_EVENT_FINISH, a: Array("stop".utf8))
        let encoder = ChatUnaryEncoder()
        #expect(events.send(to: encoder) { 9 } == kimi_status(KIMI_OK))
        try encoder.complete()
        #expect(
            String(decoding: encoder.output.bytes, as: UTF8.self).contains(
                #""images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AQID/w=="}}]"#))
    }

    @Test func `repairs are bounded`() {
        let encoder = ChatStreamEncoder(wantsUsage: false)
        Step.start().send(to: encoder)
        for number in 0..<1_000 { Step.json(KIMI_SCOPE_MESSAGE, "m\(number)", "{").send(to: encoder) }
        #expect(encoder.repairs.entries.count == Repairs.maxEntries + 1)
        #expect(encoder.repairs.count(.dropped) == 1_000)
    }
}
