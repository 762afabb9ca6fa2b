import KimiK2TransformLogic
import PluginABI
import PluginKit
import Testing

@Suite("Upward: what it costs", .serialized)
struct UpwardSpeedTests {
    /// 200 turns of a call, its result and an answer.
    private func request(_ id: (Int) -> String, _ more: String, tools: String = "") -> String {
        var messages = [#"{"role":"system","content":"be brief"}"#]
        let result = String(repeating: "line of a file \\n", count: 38)
        for turn in 0..<200 {
            messages.append(Say.user("please look into matter number \(turn) and tell me"))
            messages.append(Say.assistant([(id(turn), "read_file", #"{"path":"/a/b/c/\#(turn)","lines":20}"#)], "null", more))
            messages.append(Say.result(id(turn), result))
            messages.append(Say.assistant([], "\"It says so and so, and nothing else of interest in \(turn).\""))
        }
        return Say.request(messages, tools)
    }

    private func time(_ request: String, _ model: String = "kimi-k2.5", memory: FakeMemory? = nil) -> Duration {
        let bytes = Array(request.utf8)
        let settings = UpwardSettings(config: KimiK2Config(), modelName: model, memory: memory?.store)
        let clock = ContinuousClock()
        return (0..<30).map { _ in
            clock.measure {
                bytes.withUnsafeBytes { json in
                    var upward = Upward(json, RequestReading(json: json), settings)
                    _ = upward.patch()
                    _ = upward.recorder()
                }
            }
        }.min() ?? .zero
    }

    @Test("200 turns in 235 kB take well under a millisecond, clean ones much less") func turns() {
        let thought = #","reasoning_content":"\#(String(repeating: "thinking about it ", count: 5))""#
        let native = request({ "\"functions.read_file:\($0)\"" }, thought)
        let foreign = request({ "\"call_\($0)abc\"" }, "")
        let cases = [
            ("native, clean", time(native)), ("native, clean, with memory", time(native, memory: FakeMemory())),
            ("native, keeps all", time(native, "kimi-k3", memory: FakeMemory())),
            ("foreign", time(foreign)), ("foreign, thoughts looked up", time(foreign, memory: FakeMemory())),
            ("short", time(request({ "\"\($0)\"" }, ""))),
        ]
        print("bytes \(native.utf8.count), \(foreign.utf8.count):", cases.map { "\($0.0) \($0.1)" }.joined(separator: "; "))
        // Bounds are wide: machines of tests are busy.
        #expect(cases[0].1 < .milliseconds(2))
        #expect(cases[4].1 < .milliseconds(8))
    }

    @Test("a recorder costs a clean event next to nothing") func recorder() throws {
        let host = BeginHost()
        var times: [String] = []
        for (type, memory) in [(KIMI_EVENT_TEXT, true), (KIMI_EVENT_TEXT, false), (KIMI_EVENT_REASONING, true), (KIMI_EVENT_REASONING, false)] {
            host.memory.isOffered = memory
            let (_, exchange) = try host.begin(Say.request([Say.user("hi")]), config: #"{"startsInThinking":false}"#)
            let (sink, script) = (FakeHost(), EventScript().add(type, " a word or two"))
            sink.isCounting = true
            let count = 20_000
            let best = try (0..<10).map { _ in
                try ContinuousClock().measure {
                    try script.events.withUnsafeBufferPointer { events in
                        for _ in 0..<count { try exchange?.feed(events, to: sink.sink) }
                    }
                }
            }.min() ?? .zero
            times.append("\(type == KIMI_EVENT_TEXT ? "text" : "thought") \(memory ? "recorded" : "alone") \(best / count)")
            withExtendedLifetime(script) {}
        }
        print(times.joined(separator: "; "))
    }
}
