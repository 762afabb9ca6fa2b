import CanonicalModel
import Dialects
import PluginABI
import Testing
import WireJSON

@Suite struct AnthropicBlockTests {
    @Test func `every id finds back`() throws {
        let parser = JSONParser()
        for id in ["toolu_01", "functions.f:0", "k1_a", "a b", "ü_", "_", "call:1/2", "k1_functions_2ef_3a0"] {
            let reply = try messagesWhole([.start(), .begin(0, id: id, name: "f"), .end(0), .finish("stop")])
            let sent = try parser.parse(Array(reply.utf8))["content"]?[index: 0]?["id"]?.string ?? ""
            let back = try canonicalMessages(
                #"{"role":"user","content":[{"type":"tool_result","tool_use_id":"\#(sent)"}]}"#)
            #expect(try parser.parse(Array(back.utf8))["tool_call_id"]?.string == id)
        }
    }

    @Test(arguments: [
        ("", "{}", 0), ("  ", "{}", 0), ("null", "{}", 0), (#""""#, "{}", 0), (#"{"a":1}"#, #"{"a":1}"#, 0),
        ("[1]", #"{"_raw":"[1]"}"#, 1), ("no\"", #"{"_raw":"no\""}"#, 1), (#"{"a":"#, #"{"_raw":"{\"a\":"}"#, 1),
        (#"{"a":01}"#, #"{"_raw":"{\"a\":01}"}"#, 1),
    ])
    func `arguments that are no object, unstreamed`(given: String, input: String, violations: Int) throws {
        let encoder = MessagesUnaryEncoder()
        for step in [Step.start(), .begin(0, id: "t", name: "f"), .arguments(0, given), .end(0), .finish("stop")] {
            step.send(to: encoder)
        }
        try encoder.complete()
        #expect(String(decoding: encoder.output.bytes, as: UTF8.self).contains(#""input":\#(input)}]"#))
        #expect(encoder.repairs.count(.arguments) == violations)
    }

    @Test(arguments: [
        ("", "{}", 0), ("null", "{}", 0), (#""""#, "{}", 0), (#" {"a":1} "#, #"{"a":1} "#, 0),
        ("[1]", #"{"_raw":"[1]"}"#, 1), (#"{"a":"x"#, #"{"a":"x"#, 1), (#"{"a":1}}"#, #"{"a":1}"#, 1),
        (#"{"a":1}{"b":2}"#, #"{"a":1}"#, 1), (#"{"a":tru}"#, #"{"a":tru"#, 1), ("{'a':1}", "{", 1),
        (
            #"{"a":[1,{"b":"\u00e9\\"},-0.5e+3,false,null,true]}"#,
            #"{"a":[1,{"b":"\u00e9\\"},-0.5e+3,false,null,true]}"#, 0
        ),
        (#"{"a":01}"#, #"{"a":0"#, 1), (#"{"a":1,}"#, #"{"a":1,"#, 1), (#"{"a":[1}"#, #"{"a":[1"#, 1),
        (#"{"a":"\x"}"#, #"{"a":"\"#, 1), ("{\"a\":\"\n\"}", #"{"a":""#, 1),
    ])
    func `arguments that are no object, streamed`(given: String, input: String, violations: Int) throws {
        for size in [1, 2, 1_000] {
            var steps: [Step] = [.start(), .begin(0, id: "t", name: "f")]
            var rest = given[...]
            while !rest.isEmpty {
                steps.append(.arguments(0, String(rest.prefix(size))))
                rest = rest.dropFirst(size)
            }
            let (_, encoder) = try messagesStream(steps + [.end(0), .finish("tool_calls")])
            #expect(StreamReader(encoder.output.bytes).inputs == [input])
            #expect(encoder.repairs.count(.arguments) == violations)
        }
    }

    @Test func `signatures close their block`() throws {
        var batch = EventBatch()
        batch.add(KIMI_EVENT_START, "id", "m")
        batch.add(KIMI_EVENT_REASONING, "a", "S1")
        batch.add(KIMI_EVENT_REASONING, "b")
        batch.add(KIMI_EVENT_REASONING, "", "S2")
        batch.add(KIMI_EVENT_REASONING, "", "S3")
        batch.add(KIMI_EVENT_TEXT, "t")
        batch.add(KIMI_EVENT_FINISH, "stop")
        let encoder = MessagesStreamEncoder(requestID: "r")
        #expect(batch.send(to: encoder) { 1 } == kimi_status(KIMI_OK))
        try encoder.complete()
        let reader = StreamReader(encoder.output.bytes)
        #expect(reader.problems.isEmpty)
        #expect(reader.blockTypes == ["thinking", "thinking", "thinking", "text"])
        #expect(reader.signatures == ["S1", "S2", "S3"])
    }

    @Test func `a signature that comes too late is not given to another thought`() throws {
        var batch = EventBatch()
        batch.add(KIMI_EVENT_START, "id", "m")
        batch.add(KIMI_EVENT_REASONING, "a")
        batch.add(KIMI_EVENT_TEXT, "t")
        batch.add(KIMI_EVENT_REASONING, "", "S")
        batch.add(KIMI_EVENT_FINISH, "stop")
        let encoder = MessagesStreamEncoder(requestID: "r")
        _ = batch.send(to: encoder) { 1 }
        try encoder.complete()
        #expect(StreamReader(encoder.output.bytes).blockTypes == ["thinking", "text"])
        #expect(encoder.repairs.count(.dropped) == 1)
    }

    @Test func `what is said in the middle of a call comes behind it`() throws {
        let (_, encoder) = try messagesStream([
            .start(), .begin(0, id: "t", name: "f"), .arguments(0, "{"), .text("x"), .reasoning("y"),
            .arguments(0, "}"), .end(0), .finish("stop"),
        ])
        let reader = StreamReader(encoder.output.bytes)
        #expect(reader.blockTypes == ["tool_use", "text", "thinking"])
        #expect(reader.inputs == ["{}"])
    }

    @Test func `calls without an id get one that is unlike those of other messages`() throws {
        let reply = try messagesWhole([.start(id: "a.b"), .begin(0, id: "", name: "f"), .end(0), .finish("stop")])
        #expect(reply.contains(#""id":"call_0_a_b""#))
    }

    @Test func `parts`() throws {
        var batch = EventBatch()
        batch.add(KIMI_EVENT_START, "id", "m")
        batch.add(KIMI_EVENT_PART, #"{"type":"redacted_thinking","data":"RA=="}"#)
        batch.add(KIMI_EVENT_PART, #"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}}"#)
        batch.add(KIMI_EVENT_PART, #"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#)
        batch.add(KIMI_EVENT_PART, #"{"type":"image_url","image_url":{"url":"data:x"}}"#)
        batch.add(KIMI_EVENT_PART, #"{"type":"redacted_thinking"}"#)
        batch.add(KIMI_EVENT_FINISH, "stop")
        let (encoder, other) = (MessagesStreamEncoder(requestID: "r"), MessagesUnaryEncoder())
        _ = batch.send(to: encoder) { 1 }
        _ = batch.send(to: other) { 1 }
        try encoder.complete()
        try other.complete()
        let reader = StreamReader(encoder.output.bytes)
        #expect(reader.problems.isEmpty)
        #expect(reader.blockTypes == ["redacted_thinking", "server_tool_use", "text"])
        #expect(reader.inputs == [#"{"q":1}"#])
        #expect(reader.text == "![image](https://x/y.png)")
        #expect(encoder.repairs.count(.dropped) == 2)
        #expect(
            String(decoding: other.output.bytes, as: UTF8.self).contains(
                #""content":[{"type":"redacted_thinking","data":"RA=="},{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}},{"type":"text","#
            ))
    }
}
