import KimiK2TransformLogic
import Testing
import WireJSON

@Suite("Upward: any request does no harm")
struct UpwardHarmTests {
    static let seed = UInt64.random(in: 1...UInt64.max)
    static let models = ["kimi", "kimi-k2.5", "kimi-k3", "kimi-k2.7"]

    /// Runs a request; whatever it is, the result is JSON, and going up once more changes nothing.
    @discardableResult
    private func run(_ request: String, _ model: String = "kimi-k2.5", _ config: String = "{}") -> Rewritten {
        let config = KimiK2Config(json: Array(config.utf8)) ?? KimiK2Config()
        let result = Rewritten(request, config: config, model: model, memory: FakeMemory())
        #expect(result.text != "broken patch", "\(request)")
        if result.patch != nil { #expect(result.read { _ in true } == true, "\(request)") }
        return result
    }

    @Test(
        "odd shapes are left alone",
        arguments: [
            "", " ", "5", "[]", "null", "{", "{\"messages\"", "{\"messages\":", "{\"messages\":[",
            "{\"messages\":[{\"role\":\"tool\"",
            #"{"messages":null}"#, #"{"messages":{}}"#, #"{"messages":"x"}"#, #"{"messages":[]}"#,
            #"{"messages":[1,null,[],"a",{}]}"#,
            #"{"messages":[{"role":"assistant","tool_calls":5}]}"#,
            #"{"messages":[{"role":"assistant","tool_calls":[1,null,[],{},"x"]}]}"#,
            #"{"messages":[{"role":"assistant","tool_calls":[{"function":[]},{"function":{"name":5}},{"function":null}]}]}"#,
            #"{"messages":[{"role":"assistant","content":{"a":1}}]}"#, #"{"messages":[{"role":5,"content":[]}]}"#,
            #"{"messages":[{"role":"tool"}]}"#, #"{"messages":[{"role":"tool","tool_call_id":{}}]}"#,
            #"{"tools":5}"#, #"{"tools":{}}"#, #"{"tools":[5,{},{"function":5},{"function":{"parameters":5}}]}"#,
            #"{"tool_choice":[{}],"thinking":5,"reasoning":[],"messages":[{"content":"x"}]}"#,
            "{\"messages\":[{\"role\":\"assistant\",\"content\":\"\\ud800\"}]}",
        ])
    func odd(_ request: String) {
        for model in Self.models { #expect(run(request, model).patch == nil) }
        run(request, "kimi-k2.5", #"{"schemas":"moonshot"}"#)
    }

    @Test("depth costs nothing") func depth() {
        for count in [100, 500, 200_000] {
            let deep = String(repeating: "[", count: count) + String(repeating: "]", count: count)
            let objects = String(repeating: "{\"a\":", count: count) + "1" + String(repeating: "}", count: count)
            for value in [deep, objects] {
                let call =
                    #"{"role":"assistant","content":\#(value),"tool_calls":[{"id":\#(value),"function":{"name":"x","arguments":\#(value)}},\#(value)]}"#
                let request =
                    ##"{"messages":[\##(value),\##(call)],"tools":[\##(value),{"function":{"name":"t","parameters":{"$ref":"#/x","anyOf":\##(value)}}}],"thinking":\##(value)}"##
                let result = Rewritten(request, model: "kimi-k2.5", memory: FakeMemory())
                #expect(result.notes.allSatisfy { $0.count < 10 })
            }
        }
    }

    @Test("mutated requests, 4000 each run") func mutations() {
        var generator = SeededGenerator(seed: Self.seed)
        let samples = Self.samples
        for round in 0..<4000 {
            var bytes = Array(samples[round % samples.count].utf8)
            for _ in 0..<Int.random(in: 1...4, using: &generator) { Self.mutate(&bytes, &generator) }
            let request = String(decoding: bytes, as: UTF8.self)
            let isJSON = withJSON(Array(request.utf8)) { _ in true } ?? false
            let model = Self.models[round % Self.models.count]
            let config = round % 3 == 0 ? #"{"schemas":"moonshot"}"# : "{}"
            guard isJSON else {
                _ = Rewritten(request, model: model, memory: FakeMemory())
                continue
            }
            let once = run(request, model, config)
            let again = run(once.text, model, config)
            #expect(again.callIDs == once.callIDs, "seed \(Self.seed), round \(round): \(request)")
            #expect(again.resultIDs == once.resultIDs, "seed \(Self.seed), round \(round): \(request)")
        }
    }

    /// Changes at places that keep most texts JSON: digits, letters in strings, values for values, pieces moved.
    private static func mutate(_ bytes: inout [UInt8], _ generator: inout SeededGenerator) {
        guard bytes.count > 20 else { return }
        let values = [
            "null", "5", "\"\"", "[]", "{}", "\"x:1\"", "true", "\"<think>\"", "[{}]", "\"functions.x:0\"", "\"\\\"\"",
        ]
        let at = Int.random(in: 0..<bytes.count - 10, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: bytes[at] = UInt8.random(in: 0x20...0x7E, using: &generator)
        case 1: bytes.removeSubrange(at..<at + Int.random(in: 1...9, using: &generator))
        default:
            // A value in place of a string or number.
            guard let colon = bytes[at...].firstIndex(of: UInt8(ascii: ":")), colon + 1 < bytes.count else { return }
            var end = colon + 1
            if bytes[end] == UInt8(ascii: "\"") {
                end += 1
                while end < bytes.count, bytes[end] != UInt8(ascii: "\"") { end += bytes[end] == 0x5C ? 2 : 1 }
                end = min(end + 1, bytes.count)
            } else {
                while end < bytes.count, !",]}[{".utf8.contains(bytes[end]) { end += 1 }
            }
            if end > colon + 1 {
                bytes.replaceSubrange(
                    colon + 1..<end, with: Array(values[Int.random(in: 0..<values.count, using: &generator)].utf8))
            }
        }
    }

    private static var samples: [String] {
        let a = ("\"call_1\"", "x", #"{"a":[1,{"b":"\"q\""}]}"#)
        let b = ("\"functions_y_1\"", "y", "{}")
        let leaked = UpwardTextTests.section(UpwardTextTests.call("functions.y:3", #"{\"q\":1}"#))
        let tools =
            ##","tools":[{"type":"function","function":{"name":"x","parameters":{"type":"object","properties":{"a":{"$ref":"#/$defs/A"},"b":{"type":["string","null"],"minLength":1,"anyOf":[{"const":1},true]}},"required":["a","z"],"$defs":{"A":{"type":"array","prefixItems":[{"type":"string"},{"$ref":"#/$defs/A"}]}}}}}]"##
        return [
            Say.request(
                [
                    Say.user("hi"), Say.assistant([a, b], #""""#), Say.result(a.0), Say.result(b.0),
                    Say.assistant([], "\"<think>t</think>Done\""),
                ], tools),
            Say.request(
                [
                    Say.user("hi"), Say.assistant([], "\"Sure \(leaked)\""), Say.result("\"3\""),
                    Say.assistant([a], "[]", #","reasoning":"r""#), Say.result(nil, "r", #","name":"x""#),
                ], #","tool_choice":"required""#),
            Say.request(
                [
                    #"{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":""}]}"#,
                    Say.assistant([a, a]), Say.result(a.0), Say.result(a.0),
                ], tools + #","thinking":{"type":"enabled","keep":"all"}"#),
        ]
    }

    // MARK: - Time

    @Test("linear: 10,000 messages with results that must be searched for") func manyMessages() {
        let clock = ContinuousClock()
        func time(_ count: Int, _ make: (Int) -> [String]) -> Duration {
            let request = Say.request(make(count))
            return (0..<3).map { _ in clock.measure { run(request) } }.min() ?? .zero
        }
        let shapes: [(String, (Int) -> [String])] = [
            (
                "one turn, ids lost",
                { n in
                    [Say.assistant((0..<n).map { ("\"same\"", "x\($0 % 7)", "{}") })]
                        + (0..<n).map { _ in Say.result(nil) }
                }
            ),
            (
                "one turn, by name backwards",
                { n in
                    [Say.assistant((0..<n).map { ("\"a\($0)\"", "x\($0)", "{}") })]
                        + (0..<n).map { Say.result("\"?\"", "r", #","name":"x\#(n - 1 - $0)""#) }
                }
            ),
            (
                "turns never answered, then results",
                { n in
                    (0..<n).flatMap { [Say.assistant([("\"same\"", "x", "{}")]), Say.user("\($0)")] }
                        + (0..<n).map { _ in Say.result("\"same\"") }
                }
            ),
            (
                "leaked markup",
                { n in
                    (0..<n).flatMap { _ in
                        [
                            Say.assistant([], "\"\(UpwardTextTests.section(UpwardTextTests.call("functions.a:0")))\""),
                            Say.result(nil),
                        ]
                    }
                }
            ),
            (
                "one leaked text after the other",
                { n in
                    (0..<n).map { _ in
                        Say.assistant([], "\"\(UpwardTextTests.section(UpwardTextTests.call("functions.a:0")))\"")
                    } + (0..<n).map { _ in Say.result(nil) }
                }
            ),
        ]
        for (name, make) in shapes {
            let (small, large) = (time(1000, make), time(10_000, make))
            // Ten times as much; a quadratic reader would take a hundred times as long, and the machine is shared.
            #expect(large < small * 60 + .milliseconds(150), "\(name): \(small) for 1,000, \(large) for 10,000")
        }
    }
}
