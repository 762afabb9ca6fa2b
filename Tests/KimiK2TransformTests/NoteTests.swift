import KimiK2TransformLogic
import PluginABI
import PluginKit
import Testing

@Suite("What was repaired is counted and told to the host")
struct NoteTests {
    static let call = "<|tool_call_begin|>functions.read:0<|tool_call_argument_begin|>{}<|tool_call_end|>"

    @Test(
        "by kind",
        arguments: [
            (call, ["inline_calls": 1, "finish_reason": 1]),
            ("(no content)(no content)Hm.</think>So.", ["no_content": 2, "thinking": 1]),
            ("One.<|tool_call_end|> Two.<|im_end|>", ["markers": 2]),
            (call + call, ["inline_calls": 2, "ids": 1, "finish_reason": 1]),
            (
                "<|tool_call_begin|>Read<|tool_call_argument_begin|>{}",
                ["inline_calls": 1, "names": 1, "ids": 1, "finish_reason": 1]
            ),
            (
                "<|tool_call_begin|>7<|tool_call_argument_begin|>{\"path\":\"a\"}",
                ["inline_calls": 1, "inferred_names": 1, "finish_reason": 1]
            ),
            ("<|tool_call_begin|>7<|tool_call_argument_begin|>{\"x\":1}<|tool_call_end|>", ["dropped_call": 1]),
            (
                "<|tool_call_begin|>functions.seek:0<|tool_call_argument_begin|>{}",
                ["inline_calls": 1, "undeclared_tool": 1, "finish_reason": 1]
            ),
            ("<|tool_call_begin|>functions.re", ["cut_call": 1]),
            (
                "<tool_call>{\"name\":\"read\",\"arguments\":{\"path\":\"a\"}}</tool_call>",
                ["foreign_calls": 1, "ids": 1, "finish_reason": 1]
            ),
            ("So <tool_call>read", ["leftovers": 1]),
            ("`<think>" + String(repeating: "x", count: 17_000), ["limit": 2]),
            ("Hello `<think>` <b>you</b>, 1 < 2.", [:]),
        ] as [(String, [String: Int])])
    func kinds(_ text: String, _ expected: [String: Int]) throws {
        let host = FakeHost()
        try run(host, [(KIMI_EVENT_TEXT, text, ""), (KIMI_EVENT_FINISH, "stop", "stop")])
        #expect(host.notes == expected)
    }

    @Test("structured calls: clean ones cost nothing, broken ones count") func structured() throws {
        let clean = FakeHost()
        try run(
            clean,
            [
                (KIMI_EVENT_TOOL_BEGIN, "call_1", "read"), (KIMI_EVENT_TOOL_ARGS, "{}", ""),
                (KIMI_EVENT_TOOL_END, "", ""), (KIMI_EVENT_FINISH, "tool_calls", ""),
            ])
        #expect(clean.noteCalls == 0)
        let broken = FakeHost()
        try run(
            broken,
            [
                (KIMI_EVENT_TOOL_BEGIN, "", "Read"), (KIMI_EVENT_TOOL_ARGS, "{}", ""),
                (KIMI_EVENT_TOOL_END, "", ""), (KIMI_EVENT_TEXT, Self.call, ""),
                (KIMI_EVENT_FINISH, "stop", ""),
            ])
        #expect(broken.notes == ["names": 1, "ids": 1, "duplicates": 1, "finish_reason": 1])
    }

    @Test("once, however the answer ends", arguments: [KIMI_WHY_END, KIMI_WHY_TRUNCATED, KIMI_WHY_CANCELLED])
    func ends(_ why: kimi_why) throws {
        let host = FakeHost()
        let exchange = try run(host, [(KIMI_EVENT_TEXT, Self.call, "")])
        #expect(host.notes.isEmpty)
        try exchange.flush(why, to: host.sink)
        #expect(host.notes["inline_calls"] == 1)
        try exchange.flush(why, to: host.sink)
        #expect(host.notes["inline_calls"] == 1)
    }

    @Test("in front of an error") func error() throws {
        let host = FakeHost()
        try run(host, [(KIMI_EVENT_TEXT, Self.call, ""), (KIMI_EVENT_ERROR, "broken", "")])
        #expect(host.notes == ["inline_calls": 1])
    }

    @Test("a host without the tables works as well") func noTables() throws {
        let host = FakeHost(hasTables: false)
        try run(host, [(KIMI_EVENT_TEXT, Self.call, ""), (KIMI_EVENT_FINISH, "stop", "")])
        #expect(host.answer().calls.map(\.name) == ["read"])
        #expect(host.context.keyValues == nil)
    }

    @Test("the memory that hosts offer keeps, gives and forgets") func memory() {
        let host = FakeHost()
        let store = host.context.keyValues
        Array("k".utf8).withUnsafeBytes { key in
            #expect(store?.get(key) == nil)
            Array("value".utf8).withUnsafeBytes { _ = store?.put(key, $0) }
            #expect(store?.get(key, expecting: 1) == Array("value".utf8))
            store?.forget(key)
            #expect(store?.get(key) == nil)
        }
    }

    @Test("random ids differ between the choices of one answer") func choices() throws {
        let host = FakeHost()
        var options = KimiK2Config().options(modelName: "kimi-k2-instruct", asksForThought: nil)
        options.ids = .unique
        options.idSeed = 7
        try run(host, [(KIMI_EVENT_TEXT, Self.call + Self.call, "")], options, choices: [0, 1])
        let ids = [0, 1].flatMap { host.answer(choice: $0).calls.map(\.id) }
        #expect(Set(ids).count == 4)
        #expect(ids.allSatisfy { $0.hasPrefix("call_") && $0.utf8.count == 29 })
    }

    // MARK: -

    @discardableResult
    private func run(
        _ host: FakeHost, _ events: [(kimi_event_type, String, String)], _ options: NormaliserOptions? = nil,
        choices: [UInt32] = [0]
    ) throws -> KimiK2Exchange {
        let tools = [DeclaredTool(name: "read", properties: ["path"], required: [])]
        let exchange = KimiK2Exchange(
            options: options ?? KimiK2Config().options(modelName: "mock", asksForThought: nil),
            tools: DeclaredTools(tools), context: host.context)
        for choice in choices {
            for (type, a, b) in events {
                let script = EventScript().add(type, a, b, choice: choice)
                try script.events.withUnsafeBufferPointer { try exchange.feed($0, to: host.sink) }
                withExtendedLifetime(script) {}
            }
        }
        return exchange
    }
}
