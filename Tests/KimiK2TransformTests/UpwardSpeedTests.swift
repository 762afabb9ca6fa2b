import KimiK2TransformLogic
import Testing

@Suite("Upward: what it costs", .serialized)
struct UpwardSpeedTests {
    /// 200 turns of a call, its result and an answer.
    private func request(_ id: (Int) -> String, _ more: String, tools: String = "") -> String {
        var messages = [#"{"role":"system","content":"be brief"}"#]
        let result = String(repeating: "line of a file \\n", count: 38)
        for turn in 0..<200 {
            messages.append(Say.user("please look into matter number \(turn) and tell me"))
            messages.append(
                Say.assistant([(id(turn), "read_file", #"{"path":"/a/b/c/\#(turn)","lines":20}"#)], "null", more))
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
        // Bounds are wide: machines of tests are busy.
        #expect(cases[0].1 < .milliseconds(10))
        #expect(cases[4].1 < .milliseconds(40))
    }
}
