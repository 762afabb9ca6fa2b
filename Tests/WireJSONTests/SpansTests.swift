import Testing
import WireJSON

@Suite("JSONSpans")
struct SpansTests {
    @Test("members are found with their exact bytes")
    func members() throws {
        let text = " {\n \"a\" : [1, {\"x\":\"]}\"}] ,\"b\\u0063\":\"q\\\"\\\\\", \"n\":-1.5e+3,\"n\":null } "
        try withText(text) { bytes in
            let members = try JSONSpans.members(of: bytes)
            #expect(members.map(\.key) == ["a", "bc", "n", "n"])
            #expect(members.map(\.kind) == [.array, .string, .double, .null])
            let values = members.map { String(decoding: bytes[$0.valueRange], as: UTF8.self) }
            #expect(values == ["[1, {\"x\":\"]}\"}]", "\"q\\\"\\\\\"", "-1.5e+3", "null"])
            #expect(String(decoding: bytes[members[1].keyRange], as: UTF8.self) == "\"b\\u0063\"")
        }
    }

    @Test("elements and nested parts are found by slicing")
    func elements() throws {
        try withText("{\"m\":[ 1 ,\"two\", [ ] , {\"k\": true}]}") { bytes in
            let list = UnsafeRawBufferPointer(rebasing: bytes[try JSONSpans.members(of: bytes)[0].valueRange])
            let elements = try JSONSpans.elements(of: list)
            #expect(elements.map(\.kind) == [.int, .string, .array, .object])
            let last = UnsafeRawBufferPointer(rebasing: list[elements[3].valueRange])
            #expect(try JSONSpans.members(of: last).map(\.kind) == [.bool])
            #expect(try JSONSpans.elements(of: UnsafeRawBufferPointer(rebasing: list[elements[2].valueRange])).isEmpty)
        }
    }

    @Test("surrogate pairs and halves in names are decoded")
    func names() throws {
        try withText(#"{"\ud83d\ude00":1,"\ud83dx":2,"\u00e9\n\t\r\b\f\/\"\\":3}"#) { bytes in
            let keys = try JSONSpans.members(of: bytes).map(\.key)
            #expect(keys == ["😀", "\u{FFFD}x", "é\n\t\r\u{8}\u{c}/\"\\"])
        }
    }

    @Test("kinds of long integers are those of the parser")
    func integers() throws {
        for text in [
            "0", "-0", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615",
            "18446744073709551616", "-9223372036854775809", "999999999999999999999", "1e5", "1.0", "100000000000000000",
        ] {
            let parser = JSONParser()
            let kind = try parser.parse(Array(text.utf8)).kind
            #expect(try withText(text) { try JSONSpans.value(of: $0).kind } == kind, "\(text)")
        }
    }

    @Test(
        "the scan refuses what the parser refuses",
        arguments: [
            "", "{", "{}x", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{a:1}", "{\"a\":tru}",
            "{\"a\":01}",
            "{\"a\":1.}", "{\"a\":-}", "{\"a\":1e}", "{\"a\":\"\u{1}\"}", "{\"a\":\"\\x\"}", "{\"a\":\"\\u12G4\"}",
            "{\"a\":\"", "{\"a\":[1,]}",
            "{\"a\":[1}", "{\"a\":+1}", "{\"a\":\"\\", "{\"a\":\"\\u1",
        ])
    func refusals(text: String) {
        let error = withText(text) { bytes in
            #expect(throws: JSONError.self) { try JSONSpans.members(of: bytes) }
        }
        #expect(error?.message.hasSuffix(".") == true)
        #expect(throws: JSONError.self) { try JSONParser().parse(Array(text.utf8)) }
    }

    @Test("nesting has a limit, and what is not an object or array is named")
    func limits() throws {
        let deep = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
        let error = withText(deep) { bytes in #expect(throws: JSONError.self) { try JSONSpans.elements(of: bytes) } }
        #expect(error?.code == .tooDeep)
        let kind = withText("[]") { bytes in #expect(throws: JSONError.self) { try JSONSpans.members(of: bytes) } }
        #expect(kind?.code == .notAnObject)
        let list = withText("{}") { bytes in #expect(throws: JSONError.self) { try JSONSpans.elements(of: bytes) } }
        #expect(list?.code == .notAnArray)
        let fits = String(repeating: "[", count: 512) + String(repeating: "]", count: 512)
        #expect(try withText(fits) { try JSONSpans.elements(of: $0).count } == 1)
    }
}
