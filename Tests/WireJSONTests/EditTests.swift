import Testing
import WireJSON

@Suite("JSONEdit")
struct EditTests {
    @Test(
        "the examples of RFC 7396, appendix A",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, #"{}"#),
            (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
            (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
            (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
            (#"{"a":"foo"}"#, #"null"#, #"null"#),
            (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
            (#"[1,2]"#, #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            (#"{}"#, #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ])
    func appendix(target: String, patch: String, result: String) throws {
        #expect(try patched(target, patch) == result)
    }

    @Test("members that the patch does not name keep their bytes, order and white space")
    func untouched() throws {
        let target =
            "\n{ \"model\" : \"k2\" ,\n\t\"messages\":[ {\"content\":\"\\u00e9 \\/ 1.0e0\"} ]\t, \"big\": 123456789012345678901234567890 }\n"
        #expect(
            try patched(target, #"{"model":"up","stream":true}"#)
                == "\n{ \"model\" : \"up\" ,\n\t\"messages\":[ {\"content\":\"\\u00e9 \\/ 1.0e0\"} ]\t, \"big\": 123456789012345678901234567890,\"stream\":true }\n"
        )
        #expect(try patched(target, "{}") == target)
        #expect(
            try patched(target, #"{"messages":null}"#)
                == "\n{ \"model\" : \"k2\"\t, \"big\": 123456789012345678901234567890 }\n")
        #expect(
            try patched(target, #"{"model":null}"#)
                == "\n{ \"messages\":[ {\"content\":\"\\u00e9 \\/ 1.0e0\"} ]\t, \"big\": 123456789012345678901234567890 }\n"
        )
    }

    @Test("a comma goes with each deleted member, whichever they are")
    func deletions() throws {
        let names = ["a", "b", "c", "d"]
        for mask in 0..<16 {
            let deleted = names.enumerated().filter { mask >> $0.offset & 1 == 1 }.map(\.element)
            let patch = "{" + (deleted.map { "\"\($0)\":null" } + ["\"z\":0"]).joined(separator: ",") + "}"
            let kept = names.filter { !deleted.contains($0) }.map { "\"\($0)\":[]" } + ["\"z\":0"]
            #expect(try patched(#"{"a":[],"b":[],"c":[],"d":[]}"#, patch) == "{" + kept.joined(separator: ",") + "}")
        }
    }

    @Test("nested objects are merged in place, names compare decoded, doubles are all changed")
    func nesting() throws {
        #expect(
            try patched(#"{"stream_options": {"x" : 1}, "a":2}"#, #"{"stream_options":{"include_usage":true}}"#)
                == #"{"stream_options": {"x" : 1,"include_usage":true}, "a":2}"#)
        #expect(try patched(#"{"a":1,"\u0061":2,"b":3}"#, #"{"a":9}"#) == #"{"a":9,"\u0061":9,"b":3}"#)
        #expect(try patched(#"{"a":1,"\u0061":2,"b":3}"#, #"{"a":null}"#) == #"{"b":3}"#)
        #expect(try patched(#"{"a":1}"#, #"{"a":2,"a":3}"#) == #"{"a":3}"#)
        #expect(try patched(" { } ", #"{"a":{"b":null,"c":[null]}}"#) == #" {"a":{"c":[null]} } "#)
        #expect(try patched("{\"\u{e9}\":1}", "{\"e\u{301}\":2}") == "{\"\u{e9}\":1,\"e\u{301}\":2}")
    }

    @Test("a member can be replaced or added alone, also by null")
    func replaceMember() throws {
        func replaced(_ key: String, _ json: String, _ target: String) throws -> String {
            try withText(json) { json in
                try withText(target) {
                    String(decoding: try JSONEdit.replaceMember(key, with: json, in: $0), as: UTF8.self)
                }
            }
        }
        #expect(try replaced("a", " {\"n\":null} ", #"{"a":{"b":1}}"#) == #"{"a":{"n":null}}"#)
        #expect(try replaced("q\"", "null", #"{"a":1}"#) == #"{"a":1,"q\"":null}"#)
        #expect(throws: JSONError.self) { try replaced("a", "nope", "{}") }
        #expect(throws: JSONError.self) { try replaced("a", "1", "[]") }
    }

    @Test("a broken patch or target is refused")
    func refusals() {
        #expect(throws: JSONError.self) { try patched("{}", "{") }
        #expect(throws: JSONError.self) { try patched("{\"a\":[}", "{\"b\":1}") }
    }

    @Test("a long request is patched in linear time and only where it must be")
    func long() throws {
        let message = #"{"role":"user","content":"\#(String(repeating: "lorem ipsum \\n", count: 20_000))"}"#
        let target =
            "{\"messages\":[" + Array(repeating: message, count: 20).joined(separator: ",") + "],\"model\":\"a\"}"
        let result = try patched(target, #"{"model":"b"}"#)
        #expect(result.utf8.count == target.utf8.count)
        #expect(result.hasSuffix(#"],"model":"b"}"#))
    }
}
