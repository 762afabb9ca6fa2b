import JSONSchema
import Testing

@Suite struct ConfigNodeTests {
    @Test(arguments: [
        #"{"b":1,"a":[true,false,null,-2.5,"x\"\\\n"],"e":{}}"#,
        #""é😀\u0001""#, "9223372036854775807", "[]", "1e+20",
    ])
    func parsingAndPrintingGivesTheSameText(json: String) throws {
        #expect(try ConfigNode(parsingJSON: json).json == json)
    }

    @Test func everyValueAndKeyKnowsItsPlace() throws {
        let node = try ConfigNode(parsingJSON: "{\n  \"é\": 1, \"b\": [\n    2 ]}")
        #expect(node.mark == Mark(line: 1, column: 1))
        #expect(node["é"]?.mark == Mark(line: 2, column: 8))
        #expect(node.object?.member("b")?.keyMark == Mark(line: 2, column: 11))
        #expect(node["b"]?.array?.first?.mark == Mark(line: 3, column: 5))
    }

    @Test(arguments: [
        (#"{"a":1,"a":2}"#, "the key \"a\" is here twice; remove one", 1, 8),
        ("[1,]", "this is not a JSON value", 1, 4), ("{\"a\" 1}", "':' should follow the key \"a\"", 1, 6),
        ("[1\n 2]", "',' or ']' should be here", 2, 2), ("01", "this is not a JSON number", 1, 3),
        ("\"\\ud800\"", "half a surrogate pair in a \\u escape", 1, 8),
        ("\"\\u+123\"", "four hexadecimal digits should follow \\u", 1, 4),
        ("\"a", "the string has no closing quote", 1, 3), ("1 2", "something follows the end of the JSON value", 1, 3),
        ("", "the document ends where a value should be", 1, 1), ("1e999", "the number 1e999 is too large", 1, 6),
        ("\"a\tb\"", "a control character in a string must be written as an escape", 1, 3),
    ])
    func textThatIsNoJSONIsRefusedWithItsPlace(json: String, message: String, line: Int, column: Int) {
        let expected = ConfigParseError(message: message, mark: Mark(line: line, column: column))
        #expect(throws: expected) { try ConfigNode(parsingJSON: json) }
    }

    @Test func nestingIsBounded() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: ConfigParseError.self) { try ConfigNode(parsingJSON: deep) }
    }

    @Test func aLongLineIsParsedInLinearTime() throws {
        let json = "[" + Array(repeating: "{\"k\":1}", count: 100_000).joined(separator: ",") + "]"
        let node = try ConfigNode(parsingJSON: json)
        #expect(node.array?.last?.mark == Mark(line: 1, column: json.utf8.count - 7))
    }

    @Test func mergingLaysObjectsOverEachOther() throws {
        let base = try ConfigNode(parsingJSON: #"{"a":1,"b":{"x":1,"y":2}}"#)
        let over = try ConfigNode(parsingJSON: #"{"b":{"y":3,"z":4},"c":[1]}"#)
        #expect(base.merged(under: over).json == #"{"a":1,"b":{"x":1,"y":3,"z":4},"c":[1]}"#)
    }

    @Test func equalityIgnoresOrderMarksAndTheKindOfNumber() throws {
        let left = try ConfigNode(parsingJSON: #"{"a":1,"b":2.0}"#)
        let right = try ConfigNode(parsingJSON: "{ \"b\": 2,\n\"a\": 1.0 }")
        #expect(left == right)
        #expect(left != ConfigNode(.object(ConfigObject())))
    }

    @Test func pathsQuoteWhatIsNoPlainName() {
        #expect(ConfigPath.root.key("models").index(2).key("apiKey").description == "models[2].apiKey")
        #expect(ConfigPath.root.key("a").key("b.c").description == #"a["b.c"]"#)
    }

    @Test(arguments: [
        ("stratgy", "strategy"), ("api_key", "apiKey"), ("baseURL", "baseUrl"), ("vertx", "vertex"),
        ("nmae", "name"), ("modle", "model"),
    ])
    func aNearNameIsSuggested(typo: String, meant: String) {
        let names = ["strategy", "apiKey", "baseUrl", "vertex", "name", "model", "weight"]
        #expect(Suggestion.nearest(to: typo, among: names) == meant)
    }

    @Test func aFarNameIsNotSuggested() {
        #expect(Suggestion.nearest(to: "temperature", among: ["strategy", "weight"]) == nil)
        #expect(
            Suggestion.near("kimi", among: ["kimi-k2", "qwen", "kimi-k2-thinking"]) == ["kimi-k2", "kimi-k2-thinking"])
    }
}
