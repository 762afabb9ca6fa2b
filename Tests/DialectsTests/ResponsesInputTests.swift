import CanonicalModel
import Dialects
import Testing
import WireJSON

/// Decodes a body whose members besides `model` are given.
func decodeResponses(
    _ members: String, _ options: ResponsesOptions = ResponsesOptions(), history: ResponsesHistory = ResponsesHistory()
) throws(ExchangeError) -> ResponsesRequest {
    let bytes = Array(#"{"model":"k2",\#(members)}"#.utf8)
    return try bytes.withBytes { body throws(ExchangeError) in
        try ResponsesDecoder(options: options).decode(body, parser: JSONParser(), history: history)
    }
}

extension ResponsesRequest {
    /// The canonical request without the model.
    var canonical: String {
        let text = String(decoding: request.json, as: UTF8.self)
        #expect((try? JSONParser().parse(request.json)) != nil, "no JSON: \(text)")
        return String(text.dropFirst(#"{"model":"k2","#.count).dropLast())
    }
}

@Suite struct ResponsesInputTests {
    /// Items, and the messages that they become.
    static let items: [(String, String)] = [
        (#"{"role":"user","content":"hi \u00e9"}"#, #"{"role":"user","content":"hi \u00e9"}"#),
        (
            #"{"type":"message","role":"developer","content":[{"type":"input_text","text":"a"}]}"#,
            #"{"role":"developer","content":"a"}"#
        ),
        (
            #"{"role":"user","content":[{"type":"input_text","text":"a","prompt_cache_breakpoint":{"mode":"explicit"}},{"type":"input_image","image_url":"https://x/y","detail":"low"},{"type":"input_image","file_id":"f"},{"type":"input_file","file_data":"data:application/pdf;base64,QQ==","filename":"a.pdf"},{"type":"input_file","file_url":"https://x"},{"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}},{"type":"future","x":1}]}"#,
            #"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"image_url","image_url":{"url":"https://x/y","detail":"low"}},{"type":"native","native":{"type":"input_image","file_id":"f"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,QQ==","filename":"a.pdf"}},{"type":"file","file":{"file_url":"https://x"}},{"type":"input_audio","input_audio":{"data":"QQ==","format":"mp3"}},{"type":"native","native":{"type":"future","x":1}}]}"#
        ),
        (
            #"{"type":"reasoning","id":"rs","summary":[],"content":[{"type":"reasoning_text","text":"h"},{"type":"reasoning_text","text":"m"}]},{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"ok","annotations":[]}]},{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"c2","name":"find","namespace":"crm","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"1"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"t"},{"type":"input_image","image_url":"data:x"}]}"#,
            #"{"role":"assistant","content":"ok","reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"crm__find","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"1"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"t"},{"type":"image_url","image_url":{"url":"data:x"}}]}"#
        ),
        (
            #"{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"gAAA"}"#,
            #"{"role":"assistant","content":"","reasoning_content":"a\n\nb","reasoning_items":[{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}],"encrypted_content":"gAAA"}]}"#
        ),
        (
            #"{"role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"no"},{"type":"output_text","text":"b"}]}"#,
            #"{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"refusal":"no"}"#
        ),
        (
            #"{"type":"custom_tool_call","call_id":"c","name":"ap","input":"a\n\"b\" \ud83d\ude00"},{"type":"custom_tool_call_output","call_id":"c","output":"Done"}"#,
            #"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"ap","arguments":"{\"input\":\"a\\n\\\"b\\\" \\ud83d\\ude00\"}"}}]},{"role":"tool","tool_call_id":"c","content":"Done"}"#
        ),
        (
            #"{"type":"local_shell_call","id":"lsh","call_id":"c","status":"completed","action":{"type":"exec","command":["ls"],"env":{}}},{"type":"local_shell_call_output","id":"lsh","output":"x"}"#,
            #"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"local_shell","arguments":"{\"command\":[\"ls\"],\"env\":{}}"}}]},{"role":"tool","tool_call_id":"c","content":"x"}"#
        ),
        (
            #"{"type":"shell_call","call_id":"c","action":{"commands":["ls"]}},{"type":"shell_call_output","call_id":"c","output":[{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]}"#,
            #"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"shell","arguments":"{\"commands\":[\"ls\"]}"}}]},{"role":"tool","tool_call_id":"c","content":"[{\"stdout\":\"a\",\"stderr\":\"\",\"outcome\":{\"type\":\"exit\",\"exit_code\":0}}]"}"#
        ),
        (
            #"{"type":"apply_patch_call","call_id":"c","status":"completed","operation":{"type":"delete_file","path":"a"}},{"type":"apply_patch_call_output","call_id":"c","status":"failed","output":"no such file"}"#,
            #"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"apply_patch","arguments":"{\"type\":\"delete_file\",\"path\":\"a\"}"}}]},{"role":"tool","tool_call_id":"c","content":"no such file","is_error":true}"#
        ),
        (
            #"{"type":"function_call_output","call_id":"c","output":{"content":"err","success":false}}"#,
            #"{"role":"tool","tool_call_id":"c","content":"err","is_error":true}"#
        ),
        (#""bare""#, #"{"role":"user","content":"bare"}"#),
    ]

    @Test(arguments: items) func `items become messages`(items: String, messages: String) throws {
        #expect(try decodeResponses(#""input":[\#(items)]"#).canonical == #""messages":[\#(messages)]"#)
    }

    @Test func `instructions and a string`() throws {
        let request = try decodeResponses(#""instructions":"Be \"brief\"","input":"hi""#)
        #expect(
            request.canonical
                == #""messages":[{"role":"system","content":"Be \"brief\""},{"role":"user","content":"hi"}]"#)
        #expect(String(decoding: request.items, as: UTF8.self).hasPrefix(#"[{"type":"message","role":"user""#))
    }

    @Test func `items of an earlier response come first, and references are found`() throws {
        let history = ResponsesHistory(
            items: Array(
                #"[{"role":"user","content":"a"},{"type":"message","id":"m1","role":"assistant","content":"b"}]"#.utf8),
            referenced: ["m2": Array(#"{"type":"message","id":"m2","role":"assistant","content":"c"}"#.utf8)])
        let request = try decodeResponses(
            #""previous_response_id":"resp_1","instructions":"i","input":[{"type":"item_reference","id":"m2"},{"id":"m1"},{"role":"user","content":"d"}]"#,
            history: history)
        #expect(
            request.canonical
                == #""messages":[{"role":"system","content":"i"},{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"b"},{"type":"text","text":"c"},{"type":"text","text":"b"}]},{"role":"user","content":"d"}]"#
        )
        #expect(request.previousResponseID == "resp_1")
        #expect(throws: ExchangeError.self) { try decodeResponses(#""input":[{"type":"item_reference","id":"x"}]"#) }
    }

    @Test func `what the store must be asked for`() {
        let body = Array(
            #"{"previous_response_id":"resp_1","input":[{"type":"item_reference","id":"a"},{"id":"b"},{"role":"user","content":"x","id":"c"}]}"#
                .utf8)
        let lookups = body.withUnsafeBytes { ResponsesLookups($0, parser: JSONParser()) }
        #expect(lookups.previousResponseID == "resp_1")
        #expect(lookups.references == ["a", "b"])
        #expect(ResponseIDs.response(ofItem: "msg_abc-1_3") == "resp_abc-1")
        #expect(ResponseIDs.response(ofItem: "msg_67ccd") == nil)
        #expect(ResponseIDs.response("a_b/c-1") == "resp_abc-1")
    }

    @Test func `hosted items are listed or refused`() throws {
        let items =
            #""input":[{"role":"user","content":"x"},{"type":"web_search_call","id":"w","status":"completed","action":{"type":"search"}}]"#
        let request = try decodeResponses(items)
        #expect(request.request.dropped.map(\.path) == ["input[1]"])
        let error = #expect(throws: ExchangeError.self) {
            try decodeResponses(items, ResponsesOptions(hosted: .refuse))
        }
        #expect(error?.message.contains("'input[1]' is of type 'web_search_call'") == true)
    }

    @Test(arguments: [
        (#""input":5"#, "input"), (#""input":[]"#, "input"), (#""stream":true"#, "input"),
        (#""input":[5]"#, "input[0]"), (#""input":[{"role":"user"}]"#, "input[0].content"),
        (#""input":[{"role":"robot","content":"x"}]"#, "input[0].role"),
        (#""input":[{"role":5,"content":"x"}]"#, "input[0].role"),
        (#""input":[{"content":"x"}]"#, "input[0].type"), (#""input":[{"type":7}]"#, "input[0].type"),
        (#""input":[{"role":"user","content":{}}]"#, "input[0].content"),
        (#""input":[{"role":"user","content":[1]}]"#, "input[0].content[0]"),
        (#""input":[{"role":"user","content":[{"type":"input_text"}]}]"#, "input[0].content[0].text"),
        (#""input":[{"role":"user","content":[{"type":"input_text","text":1}]}]"#, "input[0].content[0].text"),
        (
            #""input":[{"role":"user","content":[{"type":"input_image","image_url":7}]}]"#,
            "input[0].content[0].image_url"
        ),
        (#""input":[{"role":"user","content":[{"type":"input_file"}]}]"#, "input[0].content[0]"),
        (#""input":[{"type":"function_call","name":"f","arguments":"{}"}]"#, "input[0].call_id"),
        (#""input":[{"type":"function_call","call_id":"c","arguments":"{}"}]"#, "input[0].name"),
        (#""input":[{"type":"function_call","call_id":"c","name":"f"}]"#, "input[0].arguments"),
        (#""input":[{"type":"function_call_output","call_id":"c"}]"#, "input[0].output"),
        (
            #""input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":1}]}]"#,
            "input[0].output[0].text"
        ),
        (#""input":[{"type":"custom_tool_call","call_id":"c","name":"f","input":{}}]"#, "input[0].input"),
        (#""input":[{"type":"apply_patch_call","call_id":"c","operation":1}]"#, "input[0].operation"),
        (#""input":[{"type":"reasoning","content":"x"}]"#, "input[0].content"),
        (#""input":[{"type":"reasoning","content":[{"type":"reasoning_text"}]}]"#, "input[0].content[0].text"),
    ])
    func `a wrong item is named`(members: String, param: String) {
        let error = #expect(throws: ExchangeError.self) { try decodeResponses(members) }
        #expect(error?.httpStatus == 400)
        #expect(error?.param == param)
        #expect(error?.message.contains("'\(param)'") == true)
    }
}
