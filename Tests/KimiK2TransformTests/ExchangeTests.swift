import KimiK2TransformLogic
import PluginABI
import PluginKit
import Testing

@Suite("Through the plugin's exchange, event for event")
struct ExchangeTests {
    static let readmeCall =
        "Let me search for that. <|tool_call_begin|> functions.lookup:42 <|tool_call_argument_begin|> "
        + #"{"term":"express"} <|tool_call_begin|> "#
    static let readmeThought = "(no content)(no content) Let me break down... </think> The answer is 42."

    @Test("both examples of the original's README, in one piece and in many")
    func readme() throws {
        for cut in [1, 3, 1000] {
            let first = try run(pieces(Self.readmeCall, cut), "mock")
            #expect(first.content == "Let me search for that.")
            #expect(first.thinking == "")
            #expect(first.calls.map(\.id) == ["42"])
            #expect(first.calls.map(\.name) == ["lookup"])
            #expect(first.calls.map(\.text) == [#"{"term":"express"}"#])
            #expect(first.finishReason == "tool_calls")
            let second = try run(pieces(Self.readmeThought, cut), "mock")
            #expect(second.content == "The answer is 42.")
            #expect(second.thinking == "Let me break down...")
            #expect(second.calls.isEmpty)
            #expect(second.finishReason == "stop")
        }
    }

    @Test("clean batches go to the host as they are, in one call") func clean() throws {
        let (host, exchange) = (FakeHost(), exchange("kimi-k2-instruct"))
        try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, "Hello"))
        try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, ",").add(KIMI_EVENT_TEXT, " you"))
        #expect(host.calls == 2)
        #expect(host.events.map(\.a) == ["Hello", ",", " you"])
    }

    @Test("choices do not mix") func choices() throws {
        let (host, exchange) = (FakeHost(), exchange("kimi-k2-instruct"))
        let script = EventScript().add(KIMI_EVENT_TEXT, "one <|tool_call_begin|>a:0<|tool_call_arg", choice: 0)
            .add(KIMI_EVENT_TEXT, "two", choice: 7).add(KIMI_EVENT_TEXT, "ument_begin|>{}", choice: 0)
            .add(KIMI_EVENT_FINISH, "stop", "stop", choice: 7).add(KIMI_EVENT_FINISH, "stop", "stop", choice: 0)
        try feed(exchange, host, script)
        #expect(host.answer(choice: 7).content == "two")
        #expect(host.answer(choice: 7).finishReason == "stop")
        #expect(host.answer(choice: 0).calls.map(\.name) == ["a"])
        #expect(host.answer(choice: 0).finishReason == "tool_calls")
    }

    @Test("a signature follows its thought") func signature() throws {
        let (host, exchange) = (FakeHost(), exchange("mock"))
        try feed(exchange, host, EventScript().add(KIMI_EVENT_REASONING, "hm", "sig"))
        #expect(host.events.map(\.a) == ["hm", ""])
        #expect(host.events.map(\.b) == ["", "sig"])
    }

    @Test("the upstream's own reason is kept beside the corrected one") func finish() throws {
        let (host, exchange) = (FakeHost(), exchange("mock"))
        try feed(
            exchange, host, EventScript().add(KIMI_EVENT_TEXT, Self.readmeCall).add(KIMI_EVENT_FINISH, "stop", "eos"))
        #expect(host.events.last?.a == "tool_calls")
        #expect(host.events.last?.b == "eos")
    }

    @Test("an end without a finish reason gets one, a broken connection does not") func flush() throws {
        for (why, reason) in [(KIMI_WHY_END, "stop"), (KIMI_WHY_TRUNCATED, "")] {
            let (host, exchange) = (FakeHost(), exchange("mock"))
            try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, "held text <|tool"))
            #expect(host.events.isEmpty)
            try exchange.flush(why, to: host.sink)
            #expect(host.answer().content == "held text <|tool")
            #expect(host.answer().finishReason == reason)
        }
    }

    @Test("flush for a time-out gives up what is held, and the answer goes on") func timeout() throws {
        let (host, exchange) = (FakeHost(), exchange("mock"))
        try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, "held"))
        try exchange.flush(KIMI_WHY_TIMEOUT, to: host.sink)
        try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, " on").add(KIMI_EVENT_FINISH, "stop"))
        #expect(host.answer().content == "held on")
    }

    @Test("an error comes behind what was held") func error() throws {
        let (host, exchange) = (FakeHost(), exchange("mock"))
        try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, "held").add(KIMI_EVENT_ERROR, "broken"))
        #expect(host.events.map(\.a) == ["held", "broken"])
        try exchange.flush(KIMI_WHY_END, to: host.sink)
        #expect(host.events.count == 2)
    }

    @Test("a host that wants no more gets no more") func stop() {
        let (host, exchange) = (FakeHost(), exchange("kimi-k2-instruct"))
        host.stopsAt = 1
        #expect(throws: PluginFailure.stopped) {
            try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, "one <think>two"))
        }
    }

    @Test("many events in one batch keep their order and their bytes") func manyEvents() throws {
        let (host, exchange) = (FakeHost(), exchange("kimi-k2-instruct"))
        let script = EventScript()
        for number in 0..<3000 { script.add(KIMI_EVENT_TEXT, "w\(number) \n<b") }
        try feed(exchange, host, script.add(KIMI_EVENT_FINISH, "stop"))
        #expect(host.answer().content == (0..<3000).map { "w\($0) \n<b" }.joined())
    }

    // MARK: -

    private func exchange(_ model: String) -> KimiK2Exchange {
        KimiK2Exchange(
            options: KimiK2Config().options(modelName: model, asksForThought: nil), tools: DeclaredTools([]),
            context: nil)
    }

    private func feed(_ exchange: KimiK2Exchange, _ host: FakeHost, _ script: EventScript) throws(PluginFailure) {
        // The arrays' storage is borrowed for the call, as the host's would be.
        try script.events.withUnsafeBufferPointer { events throws(PluginFailure) in
            try exchange.feed(events, to: host.sink)
        }
        withExtendedLifetime(script) {}
    }

    private func pieces(_ text: String, _ size: Int) -> [String] {
        var pieces: [String] = []
        var rest = text[...]
        while !rest.isEmpty {
            pieces.append(String(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return pieces
    }

    private func run(_ pieces: [String], _ model: String) throws -> Answer {
        let (host, exchange) = (FakeHost(), exchange(model))
        for piece in pieces { try feed(exchange, host, EventScript().add(KIMI_EVENT_TEXT, piece)) }
        try feed(exchange, host, EventScript().add(KIMI_EVENT_FINISH, "stop", "stop"))
        try exchange.flush(KIMI_WHY_END, to: host.sink)
        return host.answer()
    }
}
