import JSONSchema
import Testing

/// `schema` applied to `document` gives exactly `lines`, each "path: message".
struct ValidationCase: Sendable, CustomTestStringConvertible {
    var schema: String
    var document: String
    var lines: [String]

    init(_ schema: String, _ document: String, _ lines: String...) {
        (self.schema, self.document, self.lines) = (schema, document, lines)
    }

    var testDescription: String { "\(schema) on \(document)" }
}

@Suite struct JSONSchemaTests {
    static let cases: [ValidationCase] = [
        .init("true", "1"),
        .init("false", "1", ": no value is allowed here; remove it"),
        .init(#"{"type":"string"}"#, "5", ": must be a string, not an integer; put it in quotes"),
        .init(#"{"type":["string","null"]}"#, "[]", ": must be a string or null, not a list"),
        .init(#"{"type":"integer"}"#, "2.0"),
        .init(#"{"type":"integer"}"#, "2.5", ": must be an integer, not a number"),
        .init(
            #"{"enum":["first","random"]}"#, #""frist""#,
            ": must be one of first, random, not 'frist'; did you mean 'first'?"),
        .init(#"{"const":3}"#, "4", ": must be 3, not 4"),
        .init(#"{"enum":["a"],"x-secret":true}"#, #""hunter2""#, ": must be a, not this secret"),
        .init(#"{"minimum":1,"maximum":5}"#, "0", ": must be at least 1, not 0"),
        .init(#"{"maximum":5}"#, "5.5", ": must be at most 5, not 5.5"),
        .init(#"{"exclusiveMinimum":0}"#, "0", ": must be greater than 0, not 0"),
        .init(#"{"exclusiveMaximum":1}"#, "1", ": must be less than 1, not 1"),
        .init(#"{"multipleOf":0.1}"#, "0.3"),
        .init(#"{"multipleOf":2}"#, "3", ": must be a multiple of 2, not 3"),
        .init(#"{"minLength":1}"#, #""""#, ": must not be empty"),
        .init(#"{"maxLength":1}"#, #""😀""#),
        .init(#"{"maxLength":1}"#, #""ab""#, ": must have at most 1 characters, has 2"),
        .init(#"{"pattern":"^https?://"}"#, #""ftp://x""#, ": must match the pattern ^https?://, not 'ftp://x'"),
        .init(
            #"{"properties":{"apiKey":true},"additionalProperties":false}"#, #"{"api_key":1}"#,
            "api_key: unknown key; did you mean 'apiKey'?"),
        .init(
            #"{"properties":{"a":true,"b":true},"additionalProperties":false}"#, #"{"zzz":1}"#,
            "zzz: unknown key; known here: a, b"),
        .init(#"{"additionalProperties":{"type":"null"}}"#, #"{"x":1}"#, "x: must be null, not an integer"),
        .init(#"{"required":["a"]}"#, "{}", "a: is missing; add it"),
        .init(
            #"{"properties":{"k":{"x-env":"API_KEY"}},"required":["k"]}"#, "{}",
            "k: is missing; add it, or set the environment variable API_KEY"),
        .init(
            #"{"patternProperties":{"^x":{"type":"string"}},"additionalProperties":false}"#, #"{"xa":1,"b":2}"#,
            "xa: must be a string, not an integer; put it in quotes",
            "b: unknown key; remove it, no keys are allowed here"),
        .init(
            #"{"propertyNames":{"maxLength":2}}"#, #"{"abc":1}"#,
            "abc: the key itself must have at most 2 characters, has 3"),
        .init(#"{"dependentRequired":{"a":["b"]}}"#, #"{"a":1}"#, "b: is missing; 'a' needs it"),
        .init(#"{"minProperties":1}"#, "{}", ": must have at least 1 key, has 0"),
        .init(#"{"items":{"type":"integer"}}"#, "[1,true]", "[1]: must be an integer, not a boolean"),
        .init(
            #"{"prefixItems":[{"type":"integer"}],"items":false}"#, "[1,2]", "[1]: no value is allowed here; remove it"),
        .init(#"{"minItems":1}"#, "[]", ": must have at least 1 entry, has 0"),
        .init(#"{"maxItems":2}"#, "[1,2,3]", ": must have at most 2 entries, has 3"),
        .init(#"{"uniqueItems":true}"#, "[1,2,1]", "[2]: is in the list twice; remove one"),
        .init(
            #"{"oneOf":[{"type":"string"},{"type":"object","required":["plugin"]}]}"#, "{}",
            "plugin: is missing; add it"),
        .init(
            #"{"oneOf":[{"type":"string"},{"type":"object"}]}"#, "1", ": must be a string or an object, not an integer"),
        .init(
            #"{"oneOf":[{"minimum":1},{"minimum":2}]}"#, "3",
            ": fits 2 of the allowed forms at once; make it one of them"),
        .init(#"{"anyOf":[{"minimum":5},{"maximum":1}]}"#, "3", ": must be at least 5, not 3"),
        .init(
            #"{"allOf":[{"minimum":5},{"maximum":1}]}"#, "3", ": must be at least 5, not 3",
            ": must be at most 1, not 3"),
        .init(#"{"not":{"type":"null","title":"null"}}"#, "null", ": must not be null"),
        .init(
            #"{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}"#, #"{"a":1}"#,
            "b: is missing; add it"),
        .init(
            #"{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}"#, "{}",
            "c: is missing; add it"),
        .init(
            ##"{"$defs":{"n":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/n"}}}"##, #"{"a":"x"}"#,
            "a: must be an integer, not a string"),
        .init(
            ##"{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}"##, #"{"next":{"next":{"x":1}}}"#,
            "next.next.x: unknown key; known here: next"),
    ]

    @Test(arguments: cases) func validationSaysExactlyThis(_ example: ValidationCase) throws {
        let schema = try JSONSchema(parsing: example.schema)
        let found = schema.validate(try ConfigNode(parsingJSON: example.document))
        #expect(found.map { "\($0.path): \($0.message)" } == example.lines)
    }

    @Test func violationsPointAtTheKeyOrTheValue() throws {
        let schema = try JSONSchema(
            parsing: #"{"properties":{"a":{"type":"string"},"b":{"required":["c"]}},"additionalProperties":false}"#)
        let document = try ConfigNode(parsingJSON: "{\"a\": 1,\n \"x\": 1,\n \"b\": {}}")
        let marks = schema.validate(document, at: ConfigPath("config")).map {
            "\($0.path)@\($0.mark?.line ?? 0):\($0.mark?.column ?? 0)"
        }
        #expect(marks == ["config.a@1:7", "config.x@2:2", "config.b.c@3:7"])
    }

    @Test func aReferenceThatLeadsToItselfEndsWithAMessage() throws {
        let schema = try JSONSchema(parsing: ##"{"$ref":"#"}"##)
        #expect(schema.validate(.null).map(\.message) == ["nested deeper than 256 levels"])
    }

    @Test(arguments: [
        (
            #"{"typ":"string"}"#,
            "typ: 'typ' is no keyword that kimi-host checks; did you mean 'type'?; own keywords start with x-"
        ),
        (
            #"{"properties":{"a":{"requird":[]}}}"#,
            "properties.a.requird: 'requird' is no keyword that kimi-host checks; did you mean 'required'?; own keywords start with x-"
        ),
        (
            #"{"type":"int"}"#,
            "type: must be one of, or a list of: null, boolean, integer, number, string, array, object"
        ),
        (#"{"pattern":"("}"#, "pattern: \"(\" is not a regular expression that can be compiled"),
        (##"{"$ref":"#/$defs/x"}"##, "$ref: \"#/$defs/x\" names no place in this schema"),
        (#"{"$ref":"https://x"}"#, "$ref: only references into the same schema work, such as \"#/$defs/name\""),
        (#"{"items":3}"#, "items: a schema is an object or true or false, not an integer"),
        (#"{"oneOf":[]}"#, "oneOf: must be a list with at least one entry"),
        (#"{"minLength":-1}"#, "minLength: must be a whole number from 0 up"),
    ])
    func aSchemaThatIsWrongIsRefused(json: String, expected: String) {
        do throws(SchemaError) {
            _ = try JSONSchema(parsing: json)
            Issue.record("accepted")
        } catch {
            #expect("\(error.path): \(error.message)" == expected)
        }
    }

    static let plugin = """
        {"type":"object","required":["apiKey"],"properties":{
          "apiKey":{"type":"string","x-secret":true,"x-env":"OPENAI_API_KEY","title":"API key"},
          "baseUrl":{"$ref":"#/$defs/url"},
          "extra":{"type":"object","additionalProperties":{"type":"string","x-secret":true}}},
         "$defs":{"url":{"type":"string","x-host":true,"default":"https://x"}}}
        """

    @Test func extensionKeywordsAreReadable() throws {
        let properties = try JSONSchema(parsing: Self.plugin).properties
        #expect(properties.map(\.name) == ["apiKey", "baseUrl", "extra"])
        #expect(properties[0].extensions["x-env"]?.string == "OPENAI_API_KEY")
        #expect(properties[0].isRequired && properties[0].title == "API key")
        #expect(properties[1].extensions["x-host"]?.bool == true && properties[1].fallback?.string == "https://x")
    }

    @Test func secretsAreMaskedAndMarkedValuesFound() throws {
        let schema = try JSONSchema(parsing: Self.plugin)
        let config = try ConfigNode(parsingJSON: #"{"apiKey":"sk-1","baseUrl":"https://a","extra":{"h":"sk-2"}}"#)
        #expect(schema.masked(config).json == #"{"apiKey":"***","baseUrl":"https://a","extra":{"h":"***"}}"#)
        #expect(schema.values(marked: "x-host", in: config).map(\.path) == ["baseUrl"])
    }

    @Test func missingPropertiesAreFilled() throws {
        let schema = try JSONSchema(parsing: Self.plugin)
        let filled = schema.filling("x-env", in: try ConfigNode(parsingJSON: #"{"baseUrl":"u"}"#)) {
            value, path, types in
            .string("\(value.string ?? "")@\(path):\(types.map(\.rawValue))")
        }
        #expect(filled.json == #"{"baseUrl":"u","apiKey":"OPENAI_API_KEY@apiKey:[\"string\"]"}"#)
    }
}
