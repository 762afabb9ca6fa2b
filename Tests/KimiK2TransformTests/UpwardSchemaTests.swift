import KimiK2TransformLogic
import Testing
import WireJSON

@Suite("Upward: schemas of tools")
struct UpwardSchemaTests {
    private func tool(_ schema: String, _ name: String = "t") -> String {
        #"{"type":"function","function":{"name":"\#(name)","parameters":\#(schema)}}"#
    }

    private func rewrite(_ tools: [String], _ config: String = "{}") -> Rewritten {
        Rewritten(
            Say.request([Say.user("hi")], #","tools":[\#(tools.joined(separator: ", "))]"#),
            config: KimiK2Config(json: Array(config.utf8)) ?? KimiK2Config())
    }

    private func schema(_ schema: String, _ flavour: String = "auto") -> (text: String, lossy: Int) {
        let result = rewrite([tool(schema)], #"{"schemas":"\#(flavour)"}"#)
        let text = result.read { $0["tools"]?[index: 0]?["function"]?["parameters"].text } ?? nil
        return (text ?? "?", result.count("schema_lossy"))
    }

    @Test(
        "auto: references and types beside anyOf, without loss",
        arguments: [
            (
                ##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A"}},"$defs":{"A":{"type":"string"}}}"##,
                #"{"type":"object","properties":{"a":{"type":"string"}}}"#
            ),
            (
                ##"{"properties":{"a":{"description":"near","$ref":"#/definitions/A"}},"definitions":{"A":{"$ref":"#/definitions/B"},"B":{"type":"string","description":"far"}}}"##,
                #"{"properties":{"a":{"type":"string","description":"near"}}}"#
            ),
            (
                ##"{"properties":{"a":{"$ref":"#/properties/b~1c"},"b/c":{"type":"number"}}}"##,
                #"{"properties":{"a":{"type":"number"},"b/c":{"type":"number"}}}"#
            ),
            (
                #"{"properties":{"s":{"type":"string","anyOf":[{"minLength":1},{"type":"string","maxLength":2}],"title":"x"}}}"#,
                #"{"properties":{"s":{"anyOf":[{"type":"string","minLength":1},{"type":"string","maxLength":2}],"title":"x"}}}"#
            ),
            (
                #"{"type":"object","properties":{"a":{}},"anyOf":[{"required":["a"]},{"anyOf":[{"required":["b"]}]}]}"#,
                #"{"properties":{"a":{}},"anyOf":[{"type":"object","required":["a"]},{"anyOf":[{"type":"object","required":["b"]}]}]}"#
            ),
        ] as [(String, String)])
    func auto(_ given: String, _ expected: String) {
        #expect(schema(given).text == expected)
        #expect(schema(given).lossy == 0)
        #expect(schema(expected).text == expected)
    }

    @Test(
        "auto leaves all else, words in other places included",
        arguments: [
            #"{"type" : "object","properties":{"$ref":{"type":"string"},"anyOf":{"type":"string"}}}"#,
            #"{"oneOf":[{"const":1.0},{"type":["string","null"],"nullable":true}],"prefixItems":[true]}"#,
            ##"{"properties":{"a":{"default":{"$ref":"#/x"},"enum":[{"type":"a","anyOf":[1]}]}}}"##, "5", "[]", "true",
            "{}",
            #"{"anyOf":5,"type":"object"}"#, #"{"anyOf":[],"type":"object"}"#, #"{"$ref":5}"#,
        ])
    func kept(_ given: String) {
        #expect(rewrite([tool(given)]).patch == nil)
        #expect(rewrite([tool(given)], #"{"schemas":"keep"}"#).patch == nil)
    }

    @Test("recursion: stays in auto, is cut for moonshot, and is flagged in both") func recursion() {
        let list = ##"{"type":"object","properties":{"next":{"$ref":"#"}}}"##
        #expect(schema(list) == (list, 1))
        #expect(
            schema(list, "moonshot") == (
                #"{"type":"object","properties":{"next":{"type":"object","properties":{"next":{"type":"object"}}}}}"#, 1
            ))
        for dangling in [
            ##"{"properties":{"a":{"$ref":"#/nowhere"}}}"##, #"{"properties":{"a":{"$ref":"https://e.org/s"}}}"#,
        ] {
            #expect(schema(dangling) == (dangling, 1))
            #expect(schema(dangling, "moonshot").text == #"{"properties":{"a":{}},"type":"object"}"#)
        }
    }

    @Test("references that grow without bound are left alone, quickly") func bomb() {
        var defs = ##""d0":{"type":"string"}"##
        for level in 1..<40 {
            let inner = ##"{"$ref":"#/$defs/d\##(level - 1)"}"##
            defs += #","d\#(level)":{"properties":{"a":\#(inner),"b":\#(inner)}}"#
        }
        let bomb = ##"{"properties":{"x":{"$ref":"#/$defs/d39"}},"$defs":{\##(defs)}}"##
        #expect(rewrite([tool(bomb)]).patch == nil)
        #expect(schema(bomb).lossy == 1)
    }

    @Test(
        "moonshot",
        arguments: [
            (
                #"{"properties":{"a":{"oneOf":[{"type":"string"},{"type":"null"}]}}}"#,
                #"{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}},"type":"object"}"#, 0
            ),
            (
                #"{"type":"object","properties":{"a":{"const":"x"},"b":{"enum":["p",null]},"c":{"enum":[1,"q"]}}}"#,
                #"{"type":"object","properties":{"a":{"enum":["x"],"type":"string"},"b":{"enum":["p",null],"type":["string","null"]},"c":{"anyOf":[{"type":"integer","enum":[1]},{"type":"string","enum":["q"]}]}}}"#,
                0
            ),
            (
                #"{"type":"object","properties":{"a":{"type":"array","prefixItems":[{"type":"string"},{"type":"number"}]},"b":{"type":"array","items":[{"type":"string"},{"type":"string"}]}}}"#,
                #"{"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"number"}]}},"b":{"type":"array","items":{"type":"string"}}}}"#,
                1
            ),
            (
                #"{"type":"object","properties":{"a":true,"b":{"type":"array","items":true},"c":{"type":"string","nullable":true}}}"#,
                #"{"type":"object","properties":{"a":{},"b":{"type":"array"},"c":{"type":["string","null"]}}}"#, 0
            ),
            (
                #"{"type":"object","properties":{"a":{"type":["object","null"],"properties":{"b":{"type":"string"}},"description":"d"}}}"#,
                #"{"type":"object","properties":{"a":{"description":"d","anyOf":[{"type":"object","properties":{"b":{"type":"string"}}},{"type":"null"}]}}}"#,
                0
            ),
            (
                #"{"type":"object","properties":{"a":{"type":"string"}},"anyOf":[{"required":["a"]},{"properties":{"b":{"type":"string"}}}],"additionalProperties":false}"#,
                #"{"anyOf":[{"type":"object","required":["a"],"properties":{"a":{"type":"string"}},"additionalProperties":false},{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"additionalProperties":false}]}"#,
                0
            ),
            (
                #"{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"string"}},"required":["b"]}]}"#,
                #"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a","b"]}"#, 0
            ),
            (
                #"{"$schema":"s","type":"object","properties":{"n":{"type":"integer","exclusiveMinimum":0,"multipleOf":2}},"required":["n","m"]}"#,
                #"{"type":"object","properties":{"n":{"type":"integer","minimum":1}},"required":["n"]}"#, 1
            ),
            ("{}", #"{"type":"object","properties":{}}"#, 0),
            (
                #"{"type":"object","properties":{"a":{"type":"string","format":"date","pattern":"x"}}}"#,
                #"{"type":"object","properties":{"a":{"type":"string","format":"date","pattern":"x"}}}"#, 0
            ),
        ] as [(String, String, Int)])
    func moonshot(_ given: String, _ expected: String, _ lossy: Int) {
        #expect(schema(given, "moonshot") == (expected, lossy))
        #expect(schema(expected, "moonshot").text == expected)
    }

    @Test("only tools that change lose their bytes; too many are left out and told") func tools() {
        let plain = tool(#"{ "type":"object", "properties":{ } }"#)
        let bad = tool(#"{"type":"object","anyOf":[{"required":[]}]}"#)
        let result = rewrite([plain, bad, "5", plain])
        #expect(result.text.contains("[\(plain), "))
        #expect(result.text.contains(", 5, \(plain)]"))
        #expect(result.count("tool_schemas") == 1)
        #expect(result.notes.first { $0.kind == "tool_schemas" }?.detail.contains("t: type moved into anyOf") == true)
        let many = rewrite(
            (0..<5).map { tool(#"{"type":"object","properties":{}}"#, "t\($0)") },
            #"{"schemas":"moonshot","maxTools":3}"#)
        #expect(many.read { $0["tools"]?.elementCount } == .some(3))
        #expect(many.count("schema_lossy") == 2)
        #expect(rewrite([plain, plain], #"{"schemas":"moonshot","maxTools":0}"#).patch == nil)
        var off = KimiK2Config()
        off.repairs.remove(.toolSchemas)
        #expect(Rewritten(#"{"tools":[\#(bad)]}"#, config: off).patch == nil)
    }
}
