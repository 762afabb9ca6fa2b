import PluginABI
import Testing

@Suite("What other dialects' requests lose")
struct CanonicalNoteTests {
    private func notes(_ members: String, _ upstream: Canonical.Upstream = .compatible) -> [String] {
        let request = Canonical("{\(members)}", upstream)
        #expect(request.notes.allSatisfy { $0.hasPrefix("dropped ") && $0.contains(": ") && $0.utf8.count < 256 })
        return request.notes.map { String($0.dropFirst(8).prefix { $0 != ":" }) }
    }

    @Test("is told with its place and number, the gravest first")
    func told() {
        let native = #"{"type":"native","native":{"type":"server_tool_use"}}"#
        let odd = #"{"type":"native","native":{"type":"a\nb"}}"#
        #expect(
            notes(
                #"""
                "cache_control":{},"messages":[{"role":"user","cache_control":{},"content":[\#(native),\#(native),\#(odd),
                {"type":"text","text":"a","cache_control":{},"citations":[]}]},
                {"role":"assistant","tool_calls":[{"id":"c","cache_control":{}}],"reasoning_items":[{}]}],
                "tools":[{"type":"native","native":{"type":"bash_20250124"}},{"type":"function","cache_control":{}}],
                "anthropic_beta":["x"],"metadata":{"a":1},"thinking":{"type":"enabled","budget_tokens":1}
                """#) == [
                    "3 messages[*].content[*] (server_tool_use)", "1 tools[*] (bash_20250124)", "1 thinking",
                    "1 messages[*].reasoning_items", "1 messages[*].content[*].citations", "1 metadata",
                    "1 anthropic_beta", "1 cache_control", "1 tools[*].cache_control", "1 messages[*].cache_control",
                    "1 messages[*].content[*].cache_control", "1 messages[*].tool_calls[*].cache_control",
                ])
        #expect(
            notes(
                #""top_k":1,"messages":[{"role":"assistant","reasoning_content":"a","content":[{"type":"file","file":{"file_url":"u"},"title":"t","context":"c","document":{},"search_result":{},"detail":"low"}],"tool_calls":[{"extra_content":1}]}]"#,
                .openAI) == [
                    "1 messages[*].content[*]", "1 top_k", "1 messages[*].reasoning_content",
                    "1 messages[*].tool_calls[*].extra_content", "1 messages[*].content[*].document",
                    "1 messages[*].content[*].search_result", "1 messages[*].content[*].title",
                    "1 messages[*].content[*].context", "1 messages[*].content[*].detail",
                ])
    }

    @Test("what has an equivalent, and what says nothing, is not told")
    func untold() {
        #expect(
            notes(
                #"""
                "max_tokens":1,"thinking":{"type":"enabled","budget_tokens":1},"anthropic_beta":null,"messages":[
                {"role":"tool","content":"a","is_error":true,"cache_control":null},
                {"role":"assistant","content":"","thinking_blocks":[{"type":"thinking","thinking":"a","signature":""}]}]
                """#, .openAI
            ).isEmpty)
        #expect(notes(#""thinking":{"type":"adaptive"}"#).isEmpty)
    }

    @Test("signatures, hidden thoughts, failures without text, and choices of nothing are")
    func secrets() {
        for block in [#"{"type":"thinking","signature":"s"}"#, #"{"type":"redacted_thinking","data":"d"}"#] {
            #expect(
                notes(#""messages":[{"role":"assistant","thinking_blocks":[\#(block)]}]"#) == [
                    "1 messages[*].thinking_blocks"
                ])
        }
        #expect(
            notes(#""messages":[{"role":"tool","content":null,"is_error":true}]"#) == ["1 messages[*].is_error"])
        #expect(
            notes(#""tools":[{"type":"native","native":{}}],"tool_choice":"required""#) == [
                "1 tools[*]", "1 tool_choice",
            ])
        #expect(notes(#""tools":[{"type":"native","native":{}}],"tool_choice":"auto""#) == ["1 tools[*]"])
    }

    @Test("it is told once, also if the reply is an error or nothing")
    func once() {
        let json = #"{"cache_control":{}}"#
        let attempt = Attempt(dialect: "anthropic.messages", json: json)
        attempt.events([chunk(#"{"content":"a"}"#)])
        attempt.events([chunk("{}", finish: "stop"), "[DONE]"])
        attempt.flush()
        #expect(attempt.record.notes.count == 1)
        let failed = Attempt(dialect: "anthropic.messages", json: json)
        failed.head(400)
        failed.errorBody("{}")
        #expect(failed.record.notes == attempt.record.notes)
        let empty = Attempt(dialect: "anthropic.messages", json: json)
        empty.flush()
        #expect(empty.record.notes == attempt.record.notes)
    }
}
