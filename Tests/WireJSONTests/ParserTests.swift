import Testing
import WireJSON

@Suite("JSONParser")
struct ParserTests {
    @Test("each kind of value is told apart and read")
    func kinds() throws {
        let parser = JSONParser()
        let root = try parser.parse(
            Array(
                #"{"n":null,"t":true,"f":false,"i":-7,"u":18446744073709551615,"d":1.5,"s":"é","a":[1,2],"o":{}}"#.utf8)
        )
        #expect(root.kind == .object)
        #expect(root.elementCount == 9)
        #expect(root["n"]?.isNull == true)
        #expect(root["t"]?.bool == true)
        #expect(root["f"]?.bool == false)
        #expect(root["i"]?.int == -7)
        #expect(root["i"]?.double == -7)
        #expect(root["u"]?.kind == .uint)
        #expect(root["u"]?.int == nil)
        #expect(root["u"]?.uint == .max)
        #expect(root["d"]?.double == 1.5)
        #expect(root["d"]?.int == nil)
        #expect(root["s"]?.string == "é")
        #expect(root["a"]?.elementCount == 2)
        #expect(root["a"]?[index: 1]?.int == 2)
        #expect(root["a"]?[index: 2] == nil)
        #expect(root["a"]?[index: -1] == nil)
        #expect(root["o"]?.kind == .object)
        #expect(root["missing"] == nil)
        #expect(root.member("d")?.double == 1.5)
        #expect(root["s"]?["x"] == nil)
        #expect(root["s"]?.elementCount == 0)
    }

    @Test("12.0 is also a whole number, the last of two equal names counts, an empty name is a name")
    func details() throws {
        let root = try JSONParser().parseForTest(#"{"x":12.0,"x":13.0,"":1}"#)
        #expect(root == #"{"x":12.0,"x":13.0,"":1}"#)
        let parser = JSONParser()
        let value = try parser.parse(Array(#"{"x":12.0,"x":13.0,"":1}"#.utf8))
        #expect(value["x"]?.int == 13)
        #expect(value[""]?.int == 1)
    }

    @Test(
        "what is not JSON is refused with a sentence",
        arguments: [
            "", " ", "{", "[1,", "[1 2]", "{\"a\" 1}", "nul", "tru", "01", "1.", "-", "\"", "\"\\x\"", "\"\u{1}\"",
            "[1]x",
            "{\"a\":1,}", "[1,]", "'a'", "\"\\u12\"", "1e999",
        ])
    func refusals(text: String) {
        let error = #expect(throws: JSONError.self) { try JSONParser().parse(Array(text.utf8)) }
        #expect(error?.message.hasSuffix(".") == true)
        #expect((error?.message.count ?? 0) > 15)
    }

    @Test("text that is not UTF-8, too long or too deep is refused by name")
    func limits() {
        #expect(throws: JSONError.self) { try JSONParser().parse([0x22, 0xFF, 0x22]) }
        let long = #expect(throws: JSONError.self) { try JSONParser(maxBytes: 4).parse(Array("[1,2,3]".utf8)) }
        #expect(long?.code == .tooLong)
        #expect(long?.message == "The JSON text has 7 bytes; the limit is 4.")
        let nested = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        let deep = #expect(throws: JSONError.self) { try JSONParser(maxDepth: 50).parse(Array(nested.utf8)) }
        #expect(deep?.code == .tooDeep)
        #expect(throws: Never.self) { try JSONParser(maxDepth: 101).parse(Array(nested.utf8)) }
    }

    @Test("half a surrogate pair becomes U+FFFD and the rest of the text stays")
    func surrogates() throws {
        #expect(
            try minified(#"{"a":"x\ud83d","b":"\udE00y","c":"\ud83d\ude00"}"#)
                == "{\"a\":\"x\u{FFFD}\",\"b\":\"\u{FFFD}y\",\"c\":\"😀\"}")
        #expect(
            try minified(#"["\ud83d\ud83d\ude00","\ud83dA","\\ud83d","\ud83d\n"]"#)
                == "[\"\u{FFFD}😀\",\"\u{FFFD}A\",\"\\\\ud83d\",\"\u{FFFD}\\n\"]")
    }

    @Test("an integer beyond 64 bits is a double")
    func longIntegers() throws {
        #expect(
            try minified("[123456789012345678901234567890,-123456789012345678901234567890]")
                == "[1.2345678901234568e+29,-1.2345678901234568e+29]")
        #expect(
            try minified(#"{"a":"123456789012345678901234567890\"1","b":18446744073709551616}"#)
                == #"{"a":"123456789012345678901234567890\"1","b":1.8446744073709552e+19}"#)
    }

    @Test("a parser is reused for short, long and short texts")
    func reuse() throws {
        let parser = JSONParser()
        for size in [1, 100, 5_000_000, 1, 70_000, 3] {
            let text = "[\"" + String(repeating: "x", count: size) + "\"]"
            #expect(try parser.parse(Array(text.utf8))[index: 0]?.stringBytes?.count == size)
        }
    }

    @Test("a text of every length is read the same, whatever follows it in memory")
    func everyLength() throws {
        let parser = JSONParser()
        for size in 0..<300 {
            let text = Array("\"\(String(repeating: "a", count: size))\"12".utf8)
            try text.withUnsafeBytes { buffer in
                let value = try parser.parse(UnsafeRawBufferPointer(rebasing: buffer[0..<size + 2]))
                #expect(value.stringBytes?.count == size)
            }
        }
    }
}

extension JSONParser {
    func parseForTest(_ text: String) throws -> String {
        String(decoding: try parse(Array(text.utf8)).json, as: UTF8.self)
    }
}
