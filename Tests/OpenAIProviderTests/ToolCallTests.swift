import PluginABI
import Testing

@Suite("Tool calls in a stream")
struct ToolCallTests {
    private func lines(
        _ entries: [String], finish: String? = "tool_calls", sourceLocation: SourceLocation = #_sourceLocation
    ) -> [String] {
        let attempt = Attempt()
        for entry in entries { attempt.events([chunk(#"{"tool_calls":[\#(entry)]}"#)]) }
        if let finish { attempt.events([chunk("{}", finish: finish)]) }
        attempt.flush()
        #expect(attempt.status == 0, "\(attempt.failure.message)", sourceLocation: sourceLocation)
        #expect(attempt.record.violations.isEmpty, sourceLocation: sourceLocation)
        return Array(attempt.record.joined.dropFirst().dropLast())
    }

    @Test("fragments become one call whose arguments stream")
    func fragments() {
        let attempt = Attempt()
        attempt.events([
            chunk(#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#)
        ])
        for piece in [#"{\"x"#, #"\":1"#, "}"] {
            attempt.events([chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"\#(piece)"}}]}"#)])
        }
        #expect(attempt.record.lines.suffix(4) == ["BEGIN 0.0 a f", #"ARGS 0.0 {"x"#, #"ARGS 0.0 ":1"#, "ARGS 0.0 }"])
        attempt.events([chunk("{}", finish: "tool_calls")])
        #expect(attempt.record.lines.suffix(2) == ["END 0.0", "FINISH 0 tool_calls (tool_calls)"])
    }

    @Test("calls follow each other, numbered from 0 whatever the upstream's numbers")
    func sequence() {
        let expected = ["BEGIN 0.0 a f", "ARGS 0.0 {}", "END 0.0", "BEGIN 0.1 b g", "ARGS 0.1 []", "END 0.1"]
        for (first, second) in [("0", "1"), ("1", "2"), ("7", "3"), ("0", "0"), ("null", "null")] {
            #expect(
                lines([
                    #"{"index":\#(first),"id":"a","function":{"name":"f","arguments":"{}"}}"#,
                    #"{"index":\#(second),"id":"b","function":{"name":"g","arguments":"[]"}}"#,
                ]) == expected)
        }
        #expect(
            lines([
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"g","arguments":"[]"}}"#
            ]) == expected)
        #expect(
            lines([
                #"{"id":"a","function":{"name":"f","arguments":{}}}"#,
                #"{"id":"b","function":{"name":"g","arguments":[]}}"#,
            ]) == expected)
    }

    @Test("interleaved calls come out one after the other, complete")
    func interleaved() {
        #expect(
            lines([
                #"{"index":0,"id":"a","function":{"name":"f","arguments":""}},{"index":1,"id":"b","function":{"name":"g","arguments":""}}"#,
                #"{"index":1,"function":{"arguments":"{\"y\""}}"#,
                #"{"index":0,"function":{"arguments":"{\"x\":\"}"}}"#,
                #"{"index":1,"function":{"arguments":":2}"}}"#, #"{"index":0,"function":{"arguments":"\\\"\"}"}}"#,
            ]) == [
                "BEGIN 0.0 a f", #"ARGS 0.0 {"x":"}\""}"#, "END 0.0", "BEGIN 0.1 b g", #"ARGS 0.1 {"y":2}"#, "END 0.1",
            ])
    }

    @Test("a call that is never whole ends with the choice, and so do those behind it")
    func neverWhole() {
        #expect(
            lines(
                [
                    #"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}}"#,
                    #"{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}"#,
                ], finish: "length") == [
                    "BEGIN 0.0 a f", #"ARGS 0.0 {"x"#, "END 0.0", "BEGIN 0.1 b g", "ARGS 0.1 {}", "END 0.1",
                ])
        #expect(
            lines([#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#]) == ["BEGIN 0.0 a f", "END 0.0"])
    }

    @Test("names and ids that repeat, come late, are numbers or are missing")
    func identities() {
        #expect(
            lines([
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}"#,
            ])
                == ["BEGIN 0.0 a f", "ARGS 0.0 {}", "END 0.0"])
        #expect(
            lines([
                #"{"index":0,"id":"a"}"#, #"{"index":0,"function":{"arguments":"{"}}"#,
                #"{"index":0,"function":{"name":"f","arguments":"}"}}"#,
            ])
                == ["BEGIN 0.0 a f", "ARGS 0.0 {}", "END 0.0"])
        #expect(lines([#"{"index":0,"id":17,"function":{"name":"f","arguments":"{}"}}"#])[0] == "BEGIN 0.0 17 f")
        #expect(lines([#"{"index":0,"function":{"name":"f","arguments":"{}"}}"#])[0] == "BEGIN 0.0  f")
        #expect(
            lines([
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}"#,
                #"{"index":0,"id":"z","function":{"name":null,"arguments":"}"}}"#,
            ])
                == ["BEGIN 0.0 a f", "ARGS 0.0 {}", "END 0.0"])
        #expect(
            lines([#"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"function":{}}"#]).last
                == "END 0.0")
    }

    @Test("several fragments of one call in one chunk")
    func several() {
        #expect(
            lines([
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{"}},{"index":0,"function":{"arguments":"}"}}"#
            ])
                == ["BEGIN 0.0 a f", "ARGS 0.0 {}", "END 0.0"])
    }

    @Test("a call without a name goes on without one: a transform may know it")
    func nameless() {
        #expect(
            lines([#"{"index":0,"id":"a","function":{"arguments":"{}"}}"#]) == [
                "BEGIN 0.0 a ", "ARGS 0.0 {}", "END 0.0",
            ])
    }

    @Test(
        "a name once, again, in pieces, as far as it is there, or behind the arguments",
        arguments: [
            [#""name":"get_x","arguments":"{}""#], [#""name":"get_x","arguments":"""#, #""arguments":"{}""#],
            [#""name":"get_x","arguments":"""#, #""name":"get_x","arguments":"{}""#],
            [#""name":"get_x""#, #""name":"","arguments":"{}""#],
            [#""name":"get_""#, #""name":"x""#, #""arguments":"{}""#],
            [#""name":"get_""#, #""name":"get_x""#, #""arguments":"{}""#], [#""arguments":"{}""#, #""name":"get_x""#],
            [#""name":"get_x","arguments":"{""#, #""name":"get_x","arguments":"}""#],
            [#""name":"g""#, #""name":"et_x""#],
        ])
    func names(_ functions: [String]) {
        let found = lines(functions.map { #"{"index":0,"id":"a","function":{\#($0)}}"# })
        #expect(found.first == "BEGIN 0.0 a get_x" && found.last == "END 0.0")
    }

    @Test("arguments after their call's end are reported")
    func faults() {
        let late = Attempt()
        late.events([
            chunk(
                #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]}"#
            ),
            chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"more"}}]}"#), chunk("{}", finish: "tool_calls"),
            "[DONE]",
        ])
        #expect(late.status == KIMI_DONE.rawValue)
        #expect(late.record.violations.isEmpty)
        #expect(late.log.lines.first?.contains("4 bytes") == true)
    }

    @Test("members of a call beside id and function ride along; other kinds of calls too")
    func extras() {
        #expect(
            lines([
                #"{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"s"}}}"#
            ])
                == [
                    "BEGIN 0.0 a f", "ARGS 0.0 {}",
                    #"JSON 2 0 tool_call_extras=[{"index":0,"extra_content":{"google":{"thought_signature":"s"}}}]"#,
                    "END 0.0",
                ])
        #expect(
            lines([#"{"index":0,"id":"a","type":"custom","custom":{"name":"f"}}"#], finish: "stop")
                == [#"JSON 2 0 tool_calls=[{"index":0,"id":"a","type":"custom","custom":{"name":"f"}}]"#])
    }

    @Test("the legacy function_call is a call")
    func legacy() {
        let attempt = Attempt()
        attempt.events([
            chunk(#"{"function_call":{"name":"f","arguments":""}}"#), chunk(#"{"function_call":{"arguments":"{}"}}"#),
            chunk("{}", finish: "function_call"),
        ])
        #expect(
            attempt.record.lines.dropFirst() == [
                "BEGIN 0.0  f", "ARGS 0.0 {}", "END 0.0", "FINISH 0 tool_calls (function_call)",
            ])
    }
}
