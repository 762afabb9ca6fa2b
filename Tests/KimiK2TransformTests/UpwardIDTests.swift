import KimiK2TransformLogic
import Testing

@Suite("Upward: ids of calls and results")
struct UpwardIDTests {
    /// One call each turn, each answered under its own id.
    private func script(_ ids: [String], name: String = "x") -> Rewritten {
        Rewritten(
            Say.request(
                [Say.user("hi")] + ids.flatMap { [Say.assistant([($0, name, "{}")]), Say.result($0)] }))
    }

    @Test(
        "spellings of the model's own numbers, and foreign ids",
        arguments: [
            (["\"functions.x:0\"", "\"functions.x:1\""], [0, 1]), (["\"x:0\"", "\"x:0\""], [0, 1]),
            (["\"functions_x_0\"", "\"functions_x_3\""], [0, 3]), (["\"0\"", "\"1\""], [0, 1]),
            (["\"42\"", "\"42-2\""], [42, 43]), (["\"call_9f\"", "\"toolu_1\""], [0, 1]),
            (["\"call_1\"", "\"call_1\""], [0, 1]), (["7", "8"], [0, 1]), (["\"00\"", "\"x:007\""], [0, 1]),
            (["\"1732345678\"", "\"5\""], [0, 5]), (["\"functions.x:5\"", "\"functions.x:2\""], [5, 6]),
            (["\"functions.y:4\"", "\"y:9\""], [4, 5]), (["\"functions.x:99999999999\"", "\"-1\""], [0, 1]),
            (["\"a\\\"b\"", "\"\\u00fc\u{1F600}\""], [0, 1]), (["\"functions.x:0-2\"", "\"x:3-2\""], [0, 3]),
        ] as [([String], [Int])])
    func numbers(_ ids: [String], _ expected: [Int]) {
        let result = script(ids)
        #expect(result.callIDs == expected.map { "functions.x:\($0)" })
        #expect(result.resultIDs == result.callIDs)
        #expect(result.conversation.nextIndex == (expected.last ?? 0) + 1)
        #expect(Rewritten(result.text).patch == nil)
    }

    @Test("names that clients must rewrite, and names with anything in them")
    func names() {
        #expect(script(["\"functions_my_tool_v2_3\""], name: "my-tool.v2").callIDs == ["functions.my-tool.v2:3"])
        #expect(script(["\"functions_gr__e_2\""], name: "gr\u{F6}\u{DF}e").callIDs == ["functions.gr\u{F6}\u{DF}e:2"])
        #expect(script(["\"functions_other_3\""], name: "x").callIDs == ["functions.x:0"])
        #expect(script(["\"q\""], name: #"a\"b\\c"#).callIDs == [#"functions.a"b\c:0"#])
        #expect(script(["\"ns:tool:4\""], name: "ns:tool").callIDs == ["functions.ns:tool:4"])
    }

    @Test("native history keeps every byte, blanks included") func native() {
        let request = """
            { "messages" : [ {"role":"user","content":"hi"},
              {"role":"assistant", "content":null,"tool_calls":[ {"id" : "functions.x:0","type":"function",
              "function":{"arguments":"{ }","name":"x"}}, {"id":"functions.y:1","function":{"name":"y"}} ]},
              {"tool_call_id":"functions.y:1","role":"tool","content":"b"},
              {"role":"tool","tool_call_id":"functions.x:0","content":"a"} ], "stream":true}
            """
        let result = Rewritten(request)
        #expect(result.patch == nil)
        #expect(result.notes == [])
        #expect(result.conversation.usedIDs == ["functions.x:0", "functions.y:1"])
    }

    @Test("what is not changed keeps its bytes beside what is") func spans() {
        let request =
            #"{"a": 1.50 , "messages":[{"role": "user" ,"content":"\u0041"}, "#
            + #"{"role":"assistant","tool_calls":[{"id":"z", "function":{"name":"x","arguments":"{\"a\": 1}"}}]},"#
            + #"{"content":"r","tool_call_id": "z" ,"role":"tool"}] ,"z":null}"#
        let expected = request.replacing(#""id":"z""#, with: #""id":"functions.x:0""#)
            .replacing(#""tool_call_id": "z""#, with: #""tool_call_id": "functions.x:0""#)
        #expect(Rewritten(request).text == expected)
    }

    @Test("results find their calls: in order, by name, by position, later claims first") func matching() {
        let calls = Say.assistant([("\"d\"", "a", "{}"), ("\"d\"", "b", "{}"), ("\"e\"", "c", "{}")])
        func ids(_ results: String...) -> [String] {
            Rewritten(Say.request([calls] + results)).resultIDs.map { String($0.dropFirst(10)) }
        }
        #expect(ids(Say.result("\"d\""), Say.result("\"d\""), Say.result("\"e\"")) == ["a:0", "b:1", "c:2"])
        #expect(ids(Say.result(nil), Say.result("\"d\""), Say.result("\"d\"")) == ["c:2", "a:0", "b:1"])
        #expect(
            ids(Say.result("\"\"", "r", #","name":"c""#), Say.result("null"), Say.result("\" \"")) == [
                "c:2", "a:0", "b:1",
            ])
        #expect(
            ids(Say.result("\"who\"", "r", #","name":"b""#), Say.result("{}"), Say.result("[1]")) == [
                "b:1", "a:0", "c:2",
            ])
        #expect(ids(Say.result("\"e\""), Say.result("\"e\"")) == ["c:2", "c:2"])
        #expect(ids(Say.result("\"functions_c_2\""), Say.result("\"a:0\""), Say.result("1")) == ["c:2", "a:0", "b:1"])
    }

    @Test("equal ids in turns of their own belong to the nearest, and older ones that wait are found") func nearest() {
        let call = Say.assistant([("\"x:0\"", "x", "{}")])
        let apart = Rewritten(
            Say.request([call, Say.user("stop"), call, Say.result("\"x:0\""), Say.result("\"x:0\"")]))
        #expect(apart.resultIDs == ["functions.x:1", "functions.x:0"])
        let beside = Rewritten(Say.request([call, call, Say.result("\"x:0\"", "1"), Say.result("\"x:0\"", "2")]))
        #expect(beside.resultIDs == ["functions.x:0", "functions.x:1"])
    }

    @Test("a number as id is text upstream; a result's may be spelled the other way") func integers() {
        let result = Rewritten(
            Say.request([
                Say.assistant([("3", "x", "{}"), ("\"4\"", "x", "{}")]), Say.result("\"3\""), Say.result("4"),
            ]))
        #expect(result.callIDs == ["functions.x:0", "functions.x:4"])
        #expect(result.resultIDs == result.callIDs)
        #expect(!result.text.contains(#""id":3"#))
    }

    @Test("calls without an id get one") func missing() {
        let call = #"{"role":"assistant","tool_calls":[{"function":{"name":"x"}},{"id":null,"function":{"name":"y"}}]}"#
        let result = Rewritten(Say.request([call, Say.result(nil), Say.result(nil)]))
        #expect(result.callIDs == ["functions.x:0", "functions.y:1"])
        #expect(result.resultIDs == result.callIDs)
    }

    @Test("a result without any call stays, and is flagged") func orphan() {
        let request = Say.request([Say.user("hi"), Say.result("\"gone\"")])
        let result = Rewritten(request)
        #expect(result.patch == nil)
        #expect(result.count("orphan_result") == 1)
    }

    @Test("a name with an id's parts in it loses them, unless a tool is called so") func namesRepaired() {
        let messages = [Say.assistant([("\"k\"", "functions.x:0", "{}")]), Say.result("\"k\"")]
        let result = Rewritten(Say.request(messages + messages))
        #expect(result.callNames == ["x", "x"])
        #expect(result.callIDs == ["functions.x:0", "functions.x:1"])
        #expect(result.resultIDs == result.callIDs)
        let declared = Rewritten(
            Say.request(messages, #","tools":[{"type":"function","function":{"name":"functions.x:0"}}]"#))
        #expect(declared.callNames == ["functions.x:0"])
        #expect(declared.callIDs == ["functions.functions.x:0:0"])
    }

    @Test("calls without a name stay, and so do their results") func nameless() {
        for call in [#"{"id":"q","function":{"name":""}}"#, #"{"id":"q"}"#, #"{"id":"q","function":5}"#] {
            let request = Say.request([#"{"role":"assistant","tool_calls":[\#(call)]}"#, Say.result("\"q\"")])
            #expect(Rewritten(request).patch == nil)
        }
    }

    @Test("switched off, ids stay and the answer's side still knows them") func off() {
        var config = KimiK2Config()
        config.repairs.remove(.historyIDs)
        let result = Rewritten(
            Say.request([Say.assistant([("\"x:4\"", "x", "{}")]), Say.result("\"x:4\"")]), config: config)
        #expect(result.patch == nil)
        #expect(result.conversation.nextIndex == 5)
        #expect(result.conversation.usedIDs == ["x:4"])
    }

    @Test("counted, with an example") func notes() {
        let result = script(["\"call_a\"", "\"call_b\""])
        #expect(result.count("history_ids") == 4)
        #expect(result.notes.first?.detail.contains("functions.x:0") == true)
    }
}
