import CanonicalModel
import Dialects
import Testing
import WireJSON

@Suite("Which conversation a request belongs to") struct ConversationHintTests {
    private func text(
        _ json: String, name: String? = nil, session: String? = nil, client: String? = nil
    ) throws -> String {
        let parser = JSONParser()
        defer { withExtendedLifetime(parser) {} }  // The values are its own.
        return try Array(json.utf8).withBytes { bytes in
            ConversationHint(try parser.parse(bytes)).text(name: name, session: session, client: client)
        }
    }

    private func chat(_ first: String, _ more: String = "", turns: Int = 1) -> String {
        let rest = String(
            repeating: #",{"role":"assistant","content":"a"},{"role":"user","content":"b"}"#, count: turns)
        return #"{"messages":[{"role":"system","content":"s"},{"role":"user","content":\#(first)}\#(rest)]\#(more)}"#
    }

    @Test func `all turns of a conversation have one name`() throws {
        let name = try text(chat("\"hi\""))
        #expect(name.utf8.count == 16)
        #expect(try text(chat("\"hi\"", turns: 9)) == name)
        #expect(try text(chat(#"[{"type":"text","text":"h","cache_control":{}},{"type":"text","text":"i"}]"#)) == name)
        #expect(try text(chat("\"hi\"", #","temperature":1,"stream":true"#)) == name)
    }

    @Test func `another first message, user, session, key or client is another conversation`() throws {
        let long = String(repeating: "x", count: 5000)
        let all = [
            try text(chat("\"hi\"")), try text(chat("\"ho\"")), try text(chat("\"\(long)\"")),
            try text(chat("\"\(long)y\"")), try text(chat("null")), try text(chat("\"hi\"", #","user":"u""#)),
            try text(chat("\"hi\"", #","prompt_cache_key":"u""#)), try text(chat("\"hi\"", #","session_id":"u""#)),
            try text(chat("\"hi\"", #","safety_identifier":"u""#)),
            try text(chat("\"hi\"", #","metadata":{"session_id":"u"}"#)),
            try text(chat("\"hi\"", #","metadata":{"user_id":"u"}"#)), try text(chat("\"hi\""), session: "u"),
            try text(chat("\"hi\""), client: "u"), try text(chat("\"hi\""), name: "u"),
        ]
        #expect(Set(all).count == all.count)
    }

    @Test func `a conversation's own name is enough, but not for another client`() throws {
        let name = try text(chat("\"hi\"", #","conversation_id":"c""#), client: "a")
        #expect(try text(chat("\"compacted\"", #","metadata":{"conversation_id":"c"}"#), client: "a") == name)
        #expect(try text(chat("\"hi\"", #","conversation_id":"d""#), name: "c", client: "a") == name)
        #expect(try text(chat("\"hi\"", #","conversation_id":"c""#), client: "b") != name)
        #expect(try text(chat("\"hi\"", #","conversation_id":"""#)) == text(chat("\"hi\"")))
    }

    @Test(arguments: [
        "{}", "[]", #"{"messages":[]}"#, #"{"messages":[5]}"#,
        #"{"messages":[{"role":"user","content":[5,{"text":5}]}]}"#,
        #"{"messages":[{"role":"tool"}],"metadata":5,"user":{},"prompt_cache_key":7}"#,
    ])
    func `anything else has a name as well`(json: String) throws {
        #expect(try text(json).utf8.count == 16)
    }

    @Test func `the stable name is the same in every process and knows no client`() throws {
        let parser = JSONParser()
        defer { withExtendedLifetime(parser) {} }
        func stable(_ json: String, name: String? = nil, session: String? = nil) throws -> UInt64 {
            try Array(json.utf8).withBytes {
                ConversationHint(try parser.parse($0)).stable(name: name, session: session)
            }
        }
        let one = try stable(chat("\"hi\""))
        #expect(one == 0x59F7104EBEC4528E)
        #expect(try stable(chat("\"hi\"", turns: 9)) == one)
        #expect(try stable(chat(#"[{"type":"text","text":"h"},{"type":"text","text":"i"}]"#)) == one)
        // Wherever a text is cut into parts, within and beyond what is looked at.
        let long = String(repeating: "0123456789", count: 420)
        let whole = try stable(chat("\"\(long)\""))
        for cut in [1, 7, 8, 9, 2_000, 4_095, 4_096, 4_097, 4_199] {
            let parts =
                #"[{"type":"text","text":"\#(long.prefix(cut))"},{"type":"text","text":"\#(long.dropFirst(cut))"}]"#
            #expect(try stable(chat(parts)) == whole, "\(cut)")
            #expect(try text(chat(parts)) == text(chat("\"\(long)\"")), "\(cut)")
        }
        let others = [
            try stable(chat("\"ho\"")), try stable(chat("\"hi\"", #","user":"u""#)),
            try stable(chat("\"hi\""), session: "u"),
            try stable(chat("\"hi\""), name: "u"),
        ]
        #expect(Set(others + [one]).count == others.count + 1)
        #expect(try stable(#"{"input":"hi"}"#) == one)
        #expect(try stable(chat("\"hi\""), name: "n") == stable(chat("\"other\""), name: "n"))
    }
}
