import Testing

@Suite("Tools")
struct ToolTests {
    private func contents(_ messages: String, _ model: String = "gemini-2.5-flash", _ config: String = Attempt.config)
        -> String
    {
        let body = Attempt(#"{"messages":[\#(messages)]}"#, model: model, config: config).body
        return String(body.dropFirst(#"{"contents":["#.count).dropLast(2))
    }

    private let two =
        #"{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","#
        + #""arguments":"{\"x\": 1.50}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]}"#

    @Test("results are grouped into one turn, in the calls' order")
    func grouped() {
        let text = contents(
            two + #",{"role":"tool","tool_call_id":"b","content":"{\"n\":12345678901234567890}"},"#
                + #"{"role":"user","content":"And?"},{"role":"tool","tool_call_id":"a","is_error":true,"content":"#
                + #"[{"type":"text","text":"no"},{"type":"text","text":"way"}]}"#)
        #expect(
            text
                == #"{"role":"model","parts":[{"functionCall":{"name":"f","args":{"x": 1.50}}},"#
                + #"{"functionCall":{"name":"g","args":{}}}]},"#
                + #"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"error":"no\nway"}}},"#
                + #"{"functionResponse":{"name":"g","response":{"output":"{\"n\":12345678901234567890}"}}}]},"#
                + #"{"role":"user","parts":[{"text":"And?"}]}"#)
    }

    @Test("a call without a result gets one; a result without its call is the user's text")
    func missing() {
        let text = contents(
            two
                + #",{"role":"tool","tool_call_id":"zz","content":"r"},{"role":"tool","tool_call_id":"a","content":"1"}"#
        )
        #expect(
            text.hasSuffix(
                #"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"1"}}},"#
                    + #"{"functionResponse":{"name":"g","response":{"error":"The client sent no result for this call."}}}]}"#
                    + #",{"role":"user","parts":[{"text":"Result of the tool call zz:"},{"text":"r"}]}"#))
        #expect(!contents(two).contains("functionResponse"))
    }

    @Test("two calls of one id get their results in turn")
    func sameID() {
        let twice = two.replacing(#""id":"b""#, with: #""id":"a""#)
        let text = contents(
            twice
                + #",{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"a","content":"2"}"#
        )
        #expect(
            text.hasSuffix(
                #"{"functionResponse":{"name":"f","response":{"output":"1"}}},"#
                    + #"{"functionResponse":{"name":"g","response":{"output":"2"}}}]}"#))
    }

    @Test("images of results: inside for Gemini 3, in a turn of their own before")
    func images() {
        let messages =
            #"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"shot","arguments":"{}"}}]},"#
            + #"{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"ok"},{"type":"image_url","#
            + #""image_url":{"url":"data:image/png;base64,AAAA"}}]}"#
        #expect(
            contents(messages).hasSuffix(
                #"{"functionResponse":{"name":"shot","response":{"output":"ok"}}}]},{"role":"user","parts":["#
                    + #"{"text":"From the result of shot:"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}"#))
        #expect(
            contents(messages, "gemini-3-pro-preview").hasSuffix(
                #"{"functionResponse":{"name":"shot","response":{"output":"ok"},"parts":["#
                    + #"{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}}]}"#))
    }

    @Test("v1beta1 takes ids")
    func ids() {
        let text = contents(
            two
                + #",{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"b","content":"2"}"#,
            "gemini-2.5-flash", #"{"projectId":"p1","accessToken":"t","apiVersion":"v1beta1"}"#)
        #expect(text.contains(#"{"functionCall":{"name":"f","args":{"x": 1.50},"id":"a"}}"#))
        #expect(text.contains(#"{"functionResponse":{"name":"g","id":"b","response":{"output":"2"}}}"#))
    }

    @Test(
        "arguments that are no object",
        arguments: [
            (#""[1]""#, #"{"_raw":"[1]"}"#), (#""{\"a\":""#, #"{"_raw":"{\"a\":"}"#), (#"{"a":1}"#, #"{"a":1}"#),
            ("null", "{}"), (#""  {} ""#, "{}"),
        ])
    func arguments(value: String, expected: String) {
        let text = contents(
            #"{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":\#(value)}}]}"#
        )
        #expect(text == #"{"role":"model","parts":[{"functionCall":{"name":"f","args":\#(expected)}}]}"#)
    }

    private func tools(_ tools: String, _ more: String = "", config: String = Attempt.config) -> String {
        let body = Attempt(#"{"messages":[{"role":"user","content":"x"}],"tools":[\#(tools)]\#(more)}"#, config: config)
            .body
        return String(body.dropFirst(#"{"contents":[{"role":"user","parts":[{"text":"x"}]}],"#.count).dropLast())
    }

    @Test("functions, their choice, and names that Gemini does not take")
    func functions() {
        let functions =
            #"{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}},"#
            + #"{"type":"function","function":{"name":"a/b c","parameters":{"type":"object","properties":{"x":{"type":"string"}},"required":["x","y"]}}},"#
            + #"{"type":"function","function":{"name":"a/b/c"}}"#
        let declared =
            #""tools":[{"functionDeclarations":[{"name":"f","description":"d"},{"name":"a_b_c","parameters":"#
            + #"{"type":"OBJECT","properties":{"x":{"type":"STRING"}},"required":["x"]}},{"name":"a_b_c_2"}]}]"#
        #expect(tools(functions) == declared)
        for (choice, expected) in [
            (#""none""#, #"{"mode":"NONE"}"#), (#""required""#, #"{"mode":"ANY"}"#),
            (
                #"{"type":"function","function":{"name":"a/b/c"}}"#,
                #"{"mode":"ANY","allowedFunctionNames":["a_b_c_2"]}"#
            ),
            (
                #"{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
                #"{"mode":"VALIDATED","allowedFunctionNames":["f"]}"#
            ),
        ] {
            #expect(
                tools(functions, #","tool_choice":\#(choice)"#)
                    == declared + #","toolConfig":{"functionCallingConfig":\#(expected)}"#)
        }
        #expect(tools(functions, #","tool_choice":"auto""#) == declared)
    }

    @Test(
        "schemas in Gemini's form",
        arguments: [
            (
                #"{"type":["string","null"],"format":"email","minLength":1}"#,
                #"{"type":"STRING","nullable":true,"minLength":1}"#
            ),
            (
                #"{"anyOf":[{"type":"integer","format":"int64"},{"type":"null"}],"default":null}"#,
                #"{"type":"INTEGER","nullable":true,"default":null,"format":"int64"}"#
            ),
            (#"{"oneOf":[{"type":"string"},{"type":"number"}]}"#, #"{"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]}"#),
            (#"{"type":["string","array"]}"#, #"{"anyOf":[{"type":"STRING"},{"type":"ARRAY","items":{}}]}"#),
            (#"{"enum":["a","b",null]}"#, #"{"type":"STRING","nullable":true,"enum":["a","b"]}"#),
            (#"{"const":"k"}"#, #"{"type":"STRING","enum":["k"]}"#),
            (
                #"{"type":"integer","enum":[1,2],"description":"n"}"#,
                #"{"type":"INTEGER","description":"n One of: 1, 2"}"#
            ),
            (#"{"type":"array","prefixItems":[{"type":"boolean"}]}"#, #"{"type":"ARRAY","items":{"type":"BOOLEAN"}}"#),
            (#"{"$ref":"\u0023/$defs/N"}"#, #"{"type":"STRING","description":"N"}"#),
            (#"{"allOf":[{"$ref":"\u0023/$defs/N"}],"description":"own"}"#, #"{"type":"STRING","description":"own"}"#),
            (
                #"{"allOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":true},"required":["b"]}]}"#,
                #"{"type":"OBJECT","properties":{"a":{},"b":{}},"required":["a","b"]}"#
            ),
            (#"{"$ref":"\u0023/nowhere"}"#, "{}"), ("true", "{}"), ("7", "{}"),
            (#"{"type":"string","pattern":"^a\\\"$","exclusiveMinimum":3}"#, #"{"type":"STRING","pattern":"^a\\\"$"}"#),
        ])
    func schemas(schema: String, expected: String) {
        let text = tools(
            #"{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"p":\#(schema)},"#
                + #""$defs":{"N":{"type":"string","description":"N"}}}}}"#)
        #expect(
            text == #""tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":"#
                + #"{"p":\#(expected)}}}]}]"#)
    }

    @Test("a schema that contains itself ends, and so does one that unfolds to very much")
    func recursion() {
        let node = #"{"type":"object","properties":{"l":{"$ref":"\u0023/$defs/N"},"r":{"$ref":"\u0023/$defs/N"}}}"#
        let attempt = Attempt(
            #"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","#
                + #""parameters":{"$ref":"\u0023/$defs/N","properties":{"q":{}},"$defs":{"N":\#(node)}}}}]}"#)
        #expect(attempt.status == 0)
        #expect(attempt.body.utf8.count < 2_000_000)
        attempt.head()
        attempt.events(["{}"])
        #expect(attempt.record.notes.contains { $0.contains("more than 10000 nodes") })
        let chain = Attempt(
            #"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","#
                + #""parameters":{"$ref":"\u0023/$defs/A","$defs":{"A":{"$ref":"\u0023/$defs/A"}}}}}]}"#)
        #expect(chain.status == 0)
    }

    @Test("JSON Schema as it is, if so configured")
    func verbatim() {
        let config = #"{"projectId":"p1","accessToken":"t","schemaForm":"json"}"#
        #expect(
            tools(
                #"{"type":"function","function":{"name":"f","parameters":{"type":"object", "properties":{"a":{"$ref":"\u0023/x"}}}}}"#,
                #","response_format":{"type":"json_schema","json_schema":{"name":"o","schema":{"type":"string"}}}"#,
                config: config)
                == #""tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object", "#
                + #""properties":{"a":{"$ref":"\u0023/x"}}}}]}],"generationConfig":{"responseMimeType":"application/json","#
                + #""responseJsonSchema":{"type":"string"}}"#)
    }

    @Test("answers in JSON")
    func responseFormat() {
        func format(_ format: String) -> String {
            String(
                Attempt(#"{"messages":[{"role":"user","content":"x"}],"response_format":\#(format)}"#).body
                    .dropFirst(#"{"contents":[{"role":"user","parts":[{"text":"x"}]}],"#.count).dropLast())
        }
        #expect(format(#"{"type":"json_object"}"#) == #""generationConfig":{"responseMimeType":"application/json"}"#)
        #expect(
            format(
                #"{"type":"json_schema","json_schema":{"name":"o","strict":true,"schema":{"type":"array","items":{"type":"integer"}}}}"#
            )
                == #""generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"ARRAY","#
                + #""items":{"type":"INTEGER"}}}"#)
    }
}
