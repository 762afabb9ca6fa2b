import PluginABI
import PluginHost
import Testing

/// The demo provider, loaded like any plugin and driven through the life of a call.
@Suite struct DemoProviderTests {
    private static let tools = """
        {"model":"m","stream":true,"tools":[{"type":"function","function":{"name":"get_weather","parameters":
        {"type":"object","properties":{"city":{"type":"string"},"unit":{}}}}}],
        "messages":[{"role":"user","content":"a \\"tool\\" ] } , please"}]}
        """
    private static let plain = #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#

    private func provider() throws -> kimi_provider {
        let plugin = try TestHost.shared.loader().load(file: try BuiltPlugins.path("libDemoProvider.so"))
        return try #require(plugin.provider).pointee
    }

    /// What came of one exchange.
    private struct Run {
        var step: (kind: UInt32, argument: UInt64) = (0, 0)
        var events: [RecordedEvent] = []
        var ticks = 0
        var status: kimi_status = 0
        var afterStop = 0

        var text: String { events.filter { $0.type == KIMI_EVENT_TEXT.rawValue }.map(\.a).joined() }
        var types: [UInt32] { events.map(\.type) }
    }

    private func instance(_ provider: kimi_provider, config: String) throws -> OpaquePointer {
        let error = ErrorRecord()
        var instance: OpaquePointer?
        let status = withBytes(config) { provider.create(TestHost.shared.table, nil, $0, &instance, error.pointer) }
        #expect(status == KIMI_OK.rawValue)
        return try #require(instance)
    }

    private func begin(
        _ provider: kimi_provider, _ instance: OpaquePointer, _ json: String, stream: Bool
    ) throws -> OpaquePointer {
        let error = ErrorRecord()
        var exchange: OpaquePointer?
        let status = withBytes(json) { json in
            withBytes("kimi-k2-demo") { model in
                var request = kimi_request()
                request.struct_size = UInt32(MemoryLayout<kimi_request>.size)
                request.flags = stream ? UInt32(KIMI_REQUEST_STREAM.rawValue) : 0
                (request.json, request.model, request.attempt) = (json, model, 1)
                return provider.begin(instance, &request, &exchange, error.pointer)
            }
        }
        #expect(status == KIMI_OK.rawValue)
        return try #require(exchange)
    }

    private func feedTick(_ provider: kimi_provider, _ exchange: OpaquePointer, _ sink: SinkRecord) -> kimi_status {
        var frames = [kimi_frame(), kimi_frame()]
        frames[0].kind = 999  // a kind of a later minor
        frames[1].kind = UInt32(KIMI_FRAME_TICK.rawValue)
        let error = ErrorRecord()
        return provider.feed(exchange, frames, frames.count, sink.pointer, error.pointer)
    }

    private func run(
        config: String = "{}", _ json: String, stream: Bool = true, stopAfter: Int = .max
    ) throws -> Run {
        let provider = try provider()
        let instance = try instance(provider, config: config)
        defer { provider.destroy(instance) }
        let exchange = try begin(provider, instance, json, stream: stream)
        var run = Run()
        let (plan, sink, error) = (PlanRecord(), SinkRecord(), ErrorRecord())
        sink.stopAfter = stopAfter
        #expect(provider.next(exchange, plan.pointer, error.pointer) == KIMI_OK.rawValue)
        #expect(plan.steps.count == 1)
        run.step = plan.steps.first ?? (0, 0)
        while run.status == KIMI_OK.rawValue, run.ticks < 1000, sink.events.count < stopAfter {
            run.status = feedTick(provider, exchange, sink)
            run.ticks += 1
        }
        let stopped = sink.events.count >= stopAfter
        if !stopped {
            let why = UInt32(KIMI_WHY_END.rawValue)
            #expect(provider.flush(exchange, why, sink.pointer, error.pointer) == KIMI_OK.rawValue)
        }
        provider.end(exchange, UInt32(stopped ? KIMI_WHY_CANCELLED.rawValue : KIMI_WHY_END.rawValue))
        (run.events, run.afterStop) = (sink.events, sink.afterStop)
        return run
    }

    private static let toolText =
        "(no content)(no content) I should look that up. </think> Let me search for that. <|tool_call_begin|> "
        + "functions.get_weather:42 <|tool_call_argument_begin|> {\"city\":\"express\"} <|tool_call_begin|> "

    @Test func `declared tools make it call the first one, with its first argument`() throws {
        let run = try run(Self.tools)
        #expect(run.text == Self.toolText)
        #expect(run.status == KIMI_DONE.rawValue)
        #expect(run.step == (UInt32(KIMI_STEP_LOCAL_REPLY.rawValue), 25))
        #expect(run.ticks > 20)
    }

    @Test func `events begin with START and end with FINISH and USAGE`() throws {
        let run = try run(Self.tools)
        let start = try #require(run.events.first)
        #expect(start.type == KIMI_EVENT_START.rawValue)
        #expect(start.a == "chatcmpl-demo-a0a1a2a3" && start.b == "kimi-k2-demo" && start.integers[0] == 1_700_000_000)
        #expect(run.types.suffix(2) == [UInt32(KIMI_EVENT_FINISH.rawValue), UInt32(KIMI_EVENT_USAGE.rawValue)])
        #expect(run.types.dropFirst().dropLast(2).allSatisfy { $0 == KIMI_EVENT_TEXT.rawValue })
        #expect(run.events[run.events.count - 2].a == "stop")
        #expect(run.events.last?.integers.allSatisfy { $0 >= 0 } == true)
        #expect(run.events.dropFirst().dropLast(2).allSatisfy { (1...8).contains($0.a.utf8.count) })
    }

    @Test func `after a tool's result it answers`() throws {
        let answered = Self.tools.replacing(
            "please\"}", with: "please\"},{\"role\":\"tool\",\"tool_call_id\":\"42\",\"content\":\"sunny\"}")
        let run = try run(answered)
        #expect(run.text.hasPrefix("(no content)(no content) Let me break down"))
        #expect(run.text.contains(" </think> The answer is 42. "))
    }

    @Test func `without a stream the reply comes with the first tick`() throws {
        let run = try run(Self.plain, stream: false)
        #expect(run.step.argument == 0)
        #expect(run.ticks == 1)
        #expect(run.text.contains("The answer is 42."))
    }

    @Test(
        arguments: [
            (
                #"{"script":"tool","paceMs":0}"#,
                "functions.lookup:42 <|tool_call_argument_begin|> {\"term\":\"express\"}", 0
            ),
            (#"{"paceMs":1000,"script":"answer"}"#, "The answer is 42.", 1000),
            (#"{"paceMs":7}"#, "The answer is 42.", 7),
        ] as [(String, String, UInt64)])
    func `configuration sets script and pace`(_ config: String, _ expected: String, _ pace: UInt64) throws {
        let run = try run(config: config, Self.plain)
        #expect(run.text.contains(expected))
        #expect(run.step.argument == pace)
    }

    @Test(arguments: [
        "", "{", "[]", "null", "\"x\"", #"{"tools"#, #"{"tools":"#, #"{"tools":[{"#, #"{"tools":[],"messages":5}"#,
        #"{"tools":[5],"messages":[]}"#, #"{"a":"\"#, #"{"tools":[{"function":{"name":"a\u0041"}}]}"#, "}}}]]]", ":,:,",
    ])
    func `any request gets some reply`(_ json: String) throws {
        let run = try run(json, stream: false)
        #expect(run.status == KIMI_DONE.rawValue)
        #expect(run.text.hasPrefix("(no content)"))
    }

    @Test func `a name outside ASCII is never cut inside a code point`() throws {
        let run = try run(Self.tools.replacing("get_weather", with: "größe_天気"))
        #expect(run.text.contains("functions.größe_天気:42"))
        #expect(!run.text.contains("\u{FFFD}"))
    }

    @Test(arguments: [1, 2, 10])
    func `KIMI_STOP ends it at once`(_ count: Int) throws {
        for stream in [true, false] {
            let run = try run(Self.tools, stream: stream, stopAfter: count)
            #expect(run.events.count == count)
            #expect(run.afterStop == 0)
            #expect(run.status >= 0)
        }
    }

    @Test(arguments: [KIMI_WHY_END, KIMI_WHY_TRUNCATED, KIMI_WHY_CANCELLED, KIMI_WHY_TIMEOUT])
    func `a flush in the middle is answered, whatever its reason`(_ why: kimi_why) throws {
        let provider = try provider()
        let instance = try instance(provider, config: "{}")
        let exchange = try begin(provider, instance, Self.tools, stream: true)
        let (plan, sink, error) = (PlanRecord(), SinkRecord(), ErrorRecord())
        _ = provider.next(exchange, plan.pointer, error.pointer)
        for _ in 0..<5 { _ = feedTick(provider, exchange, sink) }
        #expect(provider.flush(exchange, UInt32(why.rawValue), sink.pointer, error.pointer) == KIMI_OK.rawValue)
        let isComplete = sink.events.last?.type == KIMI_EVENT_USAGE.rawValue
        #expect(isComplete == (why == KIMI_WHY_END))
        provider.end(exchange, UInt32(why.rawValue))
        provider.destroy(instance)
    }

    @Test func `two instances and many exchanges do not disturb each other`() throws {
        let provider = try provider()
        let instances = try [
            instance(provider, config: #"{"script":"tool"}"#), instance(provider, config: #"{"script":"answer"}"#),
        ]
        var exchanges: [(exchange: OpaquePointer, sink: SinkRecord)] = []
        for index in 0..<8 {
            exchanges.append((try begin(provider, instances[index % 2], Self.tools, stream: true), SinkRecord()))
        }
        for _ in 0..<1000 {
            for (exchange, sink) in exchanges where sink.events.last?.type != UInt32(KIMI_EVENT_USAGE.rawValue) {
                _ = feedTick(provider, exchange, sink)
            }
        }
        for (index, (exchange, sink)) in exchanges.enumerated() {
            let text = sink.events.filter { $0.type == KIMI_EVENT_TEXT.rawValue }.map(\.a).joined()
            #expect(index % 2 == 0 ? text == Self.toolText : text.contains("The answer is 42."))
            provider.end(exchange, UInt32(KIMI_WHY_END.rawValue))
        }
        for instance in instances { provider.destroy(instance) }
    }
}
