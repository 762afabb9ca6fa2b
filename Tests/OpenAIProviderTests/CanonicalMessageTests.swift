import PluginABI
import Testing

@Suite("Messages of other dialects' clients")
struct CanonicalMessageTests {
    @Test("additions go, all else keeps its bytes, wherever the additions stand", arguments: ["\"a\" : 1", ""])
    func additions(between: String) {
        let comma = between.isEmpty ? "" : ", "
        for name in ["thinking_blocks", "reasoning_items", "cache_control", "is_error"] {
            let member = "\"\(name)\": [{\"x\":[1,{}]}]"
            let kept = #""role":"assistant", "content" :"h\u00e9", "refusal":"r", "reasoning_content":"t""#
            #expect(
                Canonical.messages("{ \(member),\(between)\(comma)\(kept) }") == "{ \(between)\(comma)\(kept) }")
            #expect(Canonical.messages("{ \(kept)\(comma)\(between) , \(member) }") == "{ \(kept)\(comma)\(between) }")
            #expect(
                Canonical.messages("{\(kept), \(member), \(member)\(comma)\(between)}") == "{\(kept)\(comma)\(between)}"
            )
            #expect(Canonical.messages("{\(member),\(member)}") == "{}")
        }
    }

    @Test("the name of an addition may be written with escapes")
    func escapedName() {
        #expect(
            Canonical.messages(#"{"role":"user","cache\u005fcontrol":{},"content":"a"}"#)
                == #"{"role":"user","content":"a"}"#)
    }

    @Test("parts lose what Chat does not have")
    func parts() {
        let labels = #""document":{"media_type":"t"},"title":"a","context":"b","citations":{"enabled":true},"#
        let list = #"""
            {"role":"user","content":[{\#(labels)"type":"text","text":"x","cache_control":{"type":"ephemeral"}},
             {"type":"file","file":{"file_data":"data:application/pdf;base64,AA=="},"detail":"low"},
             {"type":"image_url","image_url":{"url":"u","detail":"low"},"search_result":{}}]}
            """#
        #expect(
            Canonical.messages(list) == #"""
                {"role":"user","content":[{"type":"text","text":"x"},
                 {"type":"file","file":{"file_data":"data:application/pdf;base64,AA=="}},
                 {"type":"image_url","image_url":{"url":"u","detail":"low"}}]}
                """#)
    }

    @Test("native parts are left out; a message of nothing else is an empty text")
    func native() {
        let native = #"{"type":"native","native":{"type":"container_upload"}}"#
        let text = #"{"type":"text","text":"a"}"#
        func user(_ parts: String) -> String { Canonical.messages(#"{"role":"user","content":\#(parts)}"#) }
        #expect(user("[\(native),\(text)]") == #"{"role":"user","content":[\#(text)]}"#)
        #expect(user("[\(text), \(native) ,\(native)]") == #"{"role":"user","content":[\#(text)]}"#)
        #expect(user("[\(native),\(text),\(native)]") == #"{"role":"user","content":[\#(text)]}"#)
        #expect(user("[\(native),\(native)]") == #"{"role":"user","content":""}"#)
        #expect(user("[]") == #"{"role":"user","content":[]}"#)
        #expect(
            Canonical.messages(#"{"role":"assistant","content":[\#(native)],"tool_calls":[{"id":"c"}]}"#)
                == #"{"role":"assistant","content":null,"tool_calls":[{"id":"c"}]}"#)
    }

    @Test("the role developer is OpenAI's own")
    func developer() {
        let message = #"{"role":"developer","content":"a"}"#
        #expect(Canonical.messages(message, .openAI) == message)
        #expect(Canonical.messages(message, .compatible) == #"{"role":"system","content":"a"}"#)
        #expect(Canonical.messages(message, .openRouter) == #"{"role":"system","content":"a"}"#)
    }

    @Test("OpenAI takes no thoughts back")
    func reasoning() {
        let message =
            #"{"role":"assistant","content":"a","reasoning_content":"t","reasoning_details":[1],"tool_calls":[{"id":"c","extra_content":{},"cache_control":{}}]}"#
        #expect(
            Canonical.messages(message, .openAI) == #"{"role":"assistant","content":"a","tool_calls":[{"id":"c"}]}"#)
        let kept =
            #"{"role":"assistant","content":"a","reasoning_content":"t","reasoning_details":[1],"tool_calls":[{"id":"c","extra_content":{}}]}"#
        #expect(Canonical.messages(message) == kept)
    }

    @Test("messages of one role may follow each other")
    func neighbours() {
        let list =
            #"{"role":"assistant","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}"#
        #expect(Canonical.messages(list) == list)
    }

    @Test(
        "OpenRouter keeps cache_control on messages and parts, where its clients put it",
        arguments: [
            #"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}"#,
            #"{"role":"tool","tool_call_id":"c","content":"a","cache_control":{"type":"ephemeral"}}"#,
        ])
    func openRouter(message: String) {
        #expect(Canonical.messages(message, .openRouter) == message)
    }

    @Test("documents by URL: a text, or what OpenRouter fetches")
    func documentURL() {
        func user(_ part: String, _ upstream: Canonical.Upstream) -> String {
            Canonical.messages(#"{"role":"user","content":[\#(part)]}"#, upstream)
        }
        let part =
            #"{"type":"file","title":"T","file":{"file_url":"https://h/\u0061.pdf","filename":"a \"b\".pdf"},"cache_control":{}}"#
        for upstream in [Canonical.Upstream.openAI, .compatible] {
            #expect(
                user(part, upstream)
                    == #"{"role":"user","content":[{"type":"text","text":"Document \"a \"b\".pdf\": https://h/\u0061.pdf"}]}"#
            )
        }
        #expect(
            user(part, .openRouter)
                == #"{"role":"user","content":[{"type":"file","file":{"file_data":"https://h/\u0061.pdf","filename":"a \"b\".pdf"},"cache_control":{}}]}"#
        )
        #expect(
            user(#"{"type":"file","file":{"file_data":null,"file_url":"u"}}"#, .openRouter)
                == #"{"role":"user","content":[{"type":"file","file":{"file_data":"u"}}]}"#)
        #expect(
            user(#"{"type":"file","file":{"file_url":"u"}}"#, .openAI)
                == #"{"role":"user","content":[{"type":"text","text":"Document: u"}]}"#)
        let both = #"{"role":"user","content":[{"type":"file","file":{"file_url":"u","file_id":"f"}}]}"#
        #expect(Canonical.messages(both) == both)
    }
}

@Suite("Tool messages of other dialects' clients")
struct CanonicalToolMessageTests {
    private func tool(_ content: String, more: String = "", _ upstream: Canonical.Upstream = .compatible) -> String {
        let head = #"{"role":"tool","tool_call_id":"c1","content":"#
        let result = Canonical.messages("\(head)\(content)\(more)}", upstream)
        return result.hasPrefix(head) ? String(result.dropFirst(head.count).dropLast()) : "not kept: " + result
    }

    @Test(
        "a failure is told in the text, once",
        arguments: [
            (#""no such file""#, #""Error: no such file""#), (#""ERROR: x""#, #""ERROR: x""#),
            (#""erroR""#, #""erroR""#),
            (#""\u0045rror: x""#, #""\u0045rror: x""#), (#""Erro""#, #""Error: Erro""#), (#""""#, #""Error: ""#),
            (#""\n\"q\"""#, #""Error: \n\"q\"""#),
            (#"[{"type":"text","text":"a"},{"type":"text","text":"error"}]"#, #""Error: a\nerror""#),
            (#"[{"type":"text","text":""},{"type":"text","text":"Error"}]"#, #""\nError""#),
        ])
    func failure(content: String, expected: String) {
        #expect(tool(content, more: #","is_error":true"#) == expected)
        for value in ["false", "null", "\"true\""] where content.hasPrefix("\"") {
            #expect(tool(content, more: #","is_error":\#(value)"#) == content)
        }
    }

    @Test(
        "texts become one",
        arguments: [
            (#"[{"type":"text","text":"a\t"}]"#, #""a\t""#),
            (#"[{"type":"text","text":"a","cache_control":{}}, {"text":"\"b\"","type":"text"}]"#, #""a\n\"b\"""#),
            (#"[{"type":"native","native":{}}]"#, #""""#), ("\"a\"", "\"a\""), ("[]", "[]"), ("null", "null"),
        ])
    func texts(content: String, expected: String) {
        #expect(tool(content) == expected)
    }

    @Test("parts of unknown kinds leave the content as it is", arguments: ["1", "{}", #"{"type":"text"}"#, "[]"])
    func unknown(part: String) {
        let content = #"[{"type":"text","text":"a"},\#(part)]"#
        #expect(tool(content) == content)
    }

    @Test("OpenRouter gets a text's cache_control on the message, unless there is one")
    func cacheControl() {
        let content = #"[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#
        #expect(tool(content, .openRouter) == #""a","cache_control":{"type":"ephemeral","ttl":"1h"}"#)
        #expect(tool(content, more: #","cache_control":{}"#, .openRouter) == #""a","cache_control":{}"#)
        #expect(
            tool(content, more: #","cache_control":null"#, .openRouter)
                == #""a","cache_control":{"type":"ephemeral","ttl":"1h"}"#)
        #expect(tool(content, .openAI) == #""a""#)
    }

    private let image = #"{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}"#

    private func answer(_ id: String, _ content: String) -> String {
        #"{"role":"tool","tool_call_id":"\#(id)","content":\#(content)}"#
    }

    private func moved(_ parts: (id: String, parts: String)...) -> String {
        let list = parts.map { #"{"type":"text","text":"Content of tool result \#($0.id):"},\#($0.parts)"# }
        return #"{"role":"user","content":[\#(list.joined(separator: ","))]}"#
    }

    @Test("images and documents follow the run of tool messages in one user message")
    func images() {
        let file = #"{"type":"file","file":{"file_data":"data:application/pdf;base64,AA=="}}"#
        let marked = #"{"type":"file","title":"T","file":{"file_data":"data:application/pdf;base64,AA=="}}"#
        let text = #"{"type":"text","text":"a"}"#
        let user = #"{"role":"user","content":"go on"}"#
        let list = [
            answer("a", "[\(text),\(image),\(text)]"), answer("b", "\"plain\""),
            answer(#"f.x:0"#, "[\(image),\(marked)]"),
            user, answer("d", "[\(image)]"),
        ]
        #expect(
            Canonical.messages(list.joined(separator: ", "))
                == [
                    answer("a", #""a\na""#), answer("b", "\"plain\""),
                    answer("f.x:0", "\"\"") + "," + moved(("a", image), ("f.x:0", "\(image),\(file)")), user,
                    answer("d", "\"\"") + "," + moved(("d", image)),
                ].joined(separator: ", "))
    }

    @Test("a failed call's image, a document by URL and an id that is none")
    func odd() {
        #expect(
            Canonical.messages(
                #"{"role":"tool","is_error":true,"content":[{"type":"file","file":{"file_url":"u"}}]}"#)
                == #"{"role":"tool","content":"Error: "},{"role":"user","content":[{"type":"text","text":"Content of tool result:"},{"type":"text","text":"Document: u"}]}"#
        )
    }
}
