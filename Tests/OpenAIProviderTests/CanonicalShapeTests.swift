import PluginABI
import Testing
import WireJSON

@Suite("Hostile shapes of other dialects' requests")
struct CanonicalShapeTests {
    private static let full = #"""
        {"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"s","cache_control":{"type":"e"}}]},
        {"role":"developer","content":"d"},{"role":"user","content":[{"type":"native","native":{"type":"n"}},
        {"type":"file","file":{"file_url":"u","filename":"f"},"title":"t"}]},{"role":"assistant","content":null,
        "thinking_blocks":[{"type":"thinking","thinking":"t","signature":"s"}],"reasoning_content":"t",
        "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"cache_control":{}}]},
        {"role":"tool","tool_call_id":"a","is_error":true,"content":[{"type":"text","text":"x"},
        {"type":"image_url","image_url":{"url":"u"},"cache_control":{}}],"cache_control":{}}],
        "tools":[{"type":"native","native":{"name":"w","type":"w"}},{"type":"function","function":{"name":"f"},
        "cache_control":{}}],"tool_choice":{"type":"function","function":{"name":"w"}},"max_tokens":5,"top_k":1,
        "thinking":{"type":"enabled","budget_tokens":1},"metadata":{"a":1},"anthropic_beta":["b"],"stream":false}
        """#

    /// The text's values, as ranges.
    private func values(_ text: [UInt8]) throws -> [Range<Int>] {
        var result: [Range<Int>] = []
        func walk(_ range: Range<Int>) throws {
            result.append(range)
            try text.withUnsafeBytes { bytes in
                let slice = UnsafeRawBufferPointer(rebasing: bytes[range])
                let inner =
                    switch slice[0] {
                    case UInt8(ascii: "{"): try JSONSpans.members(of: slice).map(\.valueRange)
                    case UInt8(ascii: "["): try JSONSpans.elements(of: slice).map(\.valueRange)
                    default: [Range<Int>]()
                    }
                for child in inner {
                    try walk(child.lowerBound + range.lowerBound..<child.upperBound + range.lowerBound)
                }
            }
        }
        try walk(0..<text.count)
        return result
    }

    @Test("any value in any place: the result is JSON, and making it legal again changes nothing")
    func replaced() throws {
        let text = Array(Self.full.utf8)
        let odd = [
            "null", "true", "-1e9", #""native""#, #""tool""#, #""\u0000\"""#, "[]", "{}", "[[null],7]",
            #"{"type":"native"}"#,
            #"{"type":"file","file":{"file_url":"x"}}"#, #"{"role":"tool","content":[{"type":"image_url"}]}"#,
            #"{"cache_control":1,"cache_control":2}"#,
        ]
        let parser = JSONParser()
        for range in try values(text) {
            for value in odd {
                let json = String(
                    decoding: text[..<range.lowerBound] + Array(value.utf8) + text[range.upperBound...], as: UTF8.self)
                for upstream in Canonical.Upstream.allCases {
                    let body = Canonical(json, upstream).body
                    #expect(throws: Never.self, "\(body)") { try parser.parse(Array(body.utf8)) }
                    #expect(Canonical(body, upstream).body == body, "\(json)")
                }
            }
        }
    }

    @Test("a text that is cut anywhere, or no object, goes up as it is")
    func cut() {
        for end in 0..<Self.full.utf8.count {
            #expect(Canonical(String(Self.full.prefix(end))).patch == nil)
        }
        for text in ["[]", "7", "null", #"{"messages":[}"#, String(repeating: "[", count: 5000)] {
            #expect(Canonical(text, .openAI).patch == nil)
        }
    }

    @Test(
        "what is not of the canonical shape is not touched",
        arguments: [
            #"{"messages":{"cache_control":1},"tools":{"cache_control":1},"thinking":[],"metadata":[1]}"#,
            #"{"messages":[7,null,"x",[{"cache_control":1}],{"role":7,"content":{"cache_control":1}}]}"#,
            #"{"messages":[{"role":"user","content":[7,{"type":7,"cache_control":1},[]],"tool_calls":{"cache_control":1}}]}"#,
            #"{"messages":[{"role":"tool","content":{"type":"text"}},{"role":"tool","content":7}],"tools":[7,null,[]]}"#,
        ])
    func untouched(json: String) {
        #expect(Canonical(json, .compatible).patch == nil)
    }

    @Test("a request of 235 kB takes well under half a millisecond")
    func speed() {
        let text = String(repeating: "All work and no play makes a long request. ", count: 30)
        var messages = [
            #"{"role":"system","content":[{"type":"text","text":"\#(text)","cache_control":{"type":"e"}}]}"#
        ]
        var number = 0
        while messages.reduce(0, { $0 + $1.utf8.count }) < 180_000 {
            number += 1
            messages += [
                #"{"role":"user","content":[{"type":"text","text":"\#(text)","cache_control":{"type":"e"}}]}"#,
                #"{"role":"assistant","content":"ok","thinking_blocks":[{"type":"thinking","thinking":"a","signature":"b"}],"reasoning_content":"a","tool_calls":[{"id":"c\#(number)","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
                #"{"role":"tool","tool_call_id":"c\#(number)","content":[{"type":"text","text":"\#(text)\n"}],"is_error":true}"#,
            ]
        }
        let tool =
            #"{"type":"function","function":{"name":"f","description":"\#(text)","parameters":{"type":"object","properties":{"a":{"type":"string","description":"what"},"b":{"type":"integer"}},"required":["a"]}},"cache_control":{"type":"e"}}"#
        let tools = Array(repeating: tool, count: 35).joined(separator: ",")
        let json = #"{"model":"m","messages":[\#(messages.joined(separator: ","))],"tools":[\#(tools)]}"#
        #expect(json.utf8.count > 230_000)
        let best = BeginTime.best(of: 2000, json)
        #expect(best < 5_000_000)  // Machines of tests are busy.
    }

    @Test("time is linear in what is hostile")
    func linear() {
        func times(_ text: String, _ count: Int) -> String {
            Array(repeating: text, count: count).joined(separator: ",")
        }
        let count = 40_000
        let text = #"{"type":"text","text":""}"#
        let image = #"{"type":"image_url","cache_control":1,"cache_control":2}"#
        let lists = [
            #"{"role":"tool",\#(times(#""is_error":true"#, count)),"content":[\#(times(text, count)),7]}"#,
            #"{"role":"tool",\#(times(#""content":[\#(image)]"#, count)),"content":[\#(times(image, count))]}"#,
            times(#"{"role":"tool","content":[\#(image)]},{"role":"developer","role":"developer"}"#, count),
            #"{"role":"user","content":[{\#(times(#""type":"file","file":{"file_url":"u"},"title":1"#, count))}]}"#,
        ]
        let start = ContinuousClock().now
        for list in lists { _ = Canonical(#"{"messages":[\#(list)]}"#, .compatible) }
        let native = #"{"type":"native","native":{"name":"a","type":"b"}}"#
        let choice = #""tool_choice":{"type":"function","function":{"name":"a"}}"#
        _ = Canonical(#"{"tools":[\#(times(native, count))],\#(times(choice, count))}"#)
        _ = Canonical(
            #"{"thinking":{\#(times(#""type":"a","b":1"#, count))},\#(times(#""metadata":{"a":1}"#, count))}"#)
        #expect(start.duration(to: .now) < .seconds(5))
    }
}
