import CanonicalModel
import Dialects
import Testing
import WireJSON

@Suite struct AnthropicMessagesTests {
    private func user(_ blocks: String) throws -> String {
        try canonicalMessages(#"{"role":"user","content":[\#(blocks)]}"#)
    }

    private func parts(_ blocks: String) throws -> String {
        let text = try user(blocks + #",{"type":"text","text":"end"}"#)
        let head = #"{"role":"user","content":["#
        let tail = #",{"type":"text","text":"end"}]}"#
        #expect(text.hasPrefix(head) && text.hasSuffix(tail))
        return String(text.dropFirst(head.count).dropLast(tail.count))
    }

    @Test(arguments: [
        (#""be kind""#, #"{"role":"system","content":"be kind"},"#),
        (#"[{"type":"text","text":"a\u00e9"}]"#, #"{"role":"system","content":"a\u00e9"},"#),
        (
            #"[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]"#,
            #"{"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}]},"#
        ),
        (#""""#, ""), ("[]", ""), ("null", ""),
    ])
    func `system prompts`(system: String, wanted: String) throws {
        let request = try decodeMessages(
            #"{"system":\#(system),"model":"m","messages":[{"role":"user","content":"x"}]}"#)
        #expect(
            String(decoding: request.json, as: UTF8.self)
                == #"{"model":"m","messages":[\#(wanted){"role":"user","content":"x"}]}"#)
    }

    @Test func `plain turns, consecutive roles, a prefill and a system message in the middle`() throws {
        let given =
            #"{"role":"user","content":"a"},{"role":"user","content":"b\/"},{"role":"system","content":"now"},{"role":"assistant","content":"{"}"#
        #expect(try canonicalMessages(given) == given)
        #expect(
            try canonicalMessages(#"{"role":"system","content":[{"type":"text","text":"now"}]}"#)
                == #"{"role":"system","content":"now"}"#)
        #expect(try user("") == #"{"role":"user","content":""}"#)
        #expect(
            try canonicalMessages(#"{"role":"user","content":"a","cache_control":{"type":"ephemeral"}}"#)
                == #"{"role":"user","content":"a","cache_control":{"type":"ephemeral"}}"#)
    }

    @Test func `text`() throws {
        #expect(try user(#"{"type":"text","text":"one"}"#) == #"{"role":"user","content":"one"}"#)
        #expect(
            try user(#"{"type":"text","text":"one","citations":null}"#) == #"{"role":"user","content":"one"}"#)
        #expect(
            try user(#"{"text":"one","citations":[{"type":"x"}],"type":"text"}"#)
                == #"{"role":"user","content":[{"type":"text","text":"one","citations":[{"type":"x"}]}]}"#)
    }

    @Test func `images`() throws {
        #expect(
            try parts(
                #"{"type":"image","source":{"type":"base64","media_type":"image\/png","data":"iVBO\/w=="},"cache_control":{"type":"ephemeral","ttl":"1h"}}"#
            )
                == #"{"type":"image_url","image_url":{"url":"data:image\/png;base64,iVBO\/w=="},"cache_control":{"type":"ephemeral","ttl":"1h"}}"#
        )
        #expect(
            try parts(#"{"type":"image","source":{"type":"url","url":"https://x/y.png"}}"#)
                == #"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#)
        let file = #"{"type":"image","source":{"type":"file","file_id":"f"}}"#
        #expect(try parts(file) == #"{"type":"native","native":\#(file)}"#)
    }

    @Test func `files`() throws {
        #expect(
            try parts(
                #"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"title":"T","context":"C","citations":{"enabled":true}}"#
            )
                == #"{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBE","filename":"T"},"title":"T","context":"C","citations":{"enabled":true}}"#
        )
        #expect(
            try parts(
                #"{"type":"document","source":{"type":"url","url":"https://x/y.pdf"},"cache_control":{"type":"ephemeral"}}"#
            )
                == #"{"type":"file","file":{"file_url":"https://x/y.pdf"},"cache_control":{"type":"ephemeral"}}"#)
        #expect(
            try parts(#"{"type":"document","source":{"type":"file","file_id":"f1"},"title":null}"#)
                == #"{"type":"file","file":{"file_id":"f1"}}"#)
        let new = #"{"type":"document","source":{"type":"hologram"}}"#
        #expect(try parts(new) == #"{"type":"native","native":\#(new)}"#)
    }

    @Test func `documents of text`() throws {
        #expect(
            try parts(
                #"{"type":"document","source":{"type":"text","media_type":"text/plain","data":"abc"},"title":"T","context":"C","citations":{"enabled":true},"cache_control":{"type":"ephemeral"}}"#
            )
                == #"{"type":"text","text":"abc","document":{"media_type":"text/plain","title":"T","context":"C","citations":{"enabled":true}},"cache_control":{"type":"ephemeral"}}"#
        )
        #expect(
            try parts(
                #"{"type":"document","source":{"type":"content","content":[{"type":"text","text":"a"},{"type":"image","source":{"type":"url","url":"u"}},{"type":"text","text":"b"}]},"cache_control":{"type":"ephemeral"}}"#
            )
                == #"{"type":"text","text":"a","document":{"media_type":"text/plain"}},{"type":"image_url","image_url":{"url":"u"}},"#
                + #"{"type":"text","text":"b","document":{"media_type":"text/plain"},"cache_control":{"type":"ephemeral"}}"#
        )
        #expect(
            try parts(#"{"type":"document","source":{"type":"content","content":"all"},"title":"T"}"#)
                == #"{"type":"text","text":"all","document":{"media_type":"text/plain","title":"T"}}"#)
        #expect(
            try user(#"{"type":"document","source":{"type":"content","content":[]}}"#)
                == #"{"role":"user","content":""}"#)
    }

    @Test func `search results`() throws {
        #expect(
            try parts(
                #"{"type":"search_result","source":"https://s","title":"T","content":[{"type":"text","text":"a"}],"citations":{"enabled":false}}"#
            )
                == #"{"type":"text","text":"a","search_result":{"source":"https://s","title":"T","citations":{"enabled":false}}}"#
        )
    }

    @Test(arguments: [
        #"{"type":"server_tool_use","id":"s","name":"web_search","input":{"query": "x"}}"#,
        #"{"type":"web_search_tool_result","tool_use_id":"s","content":[]}"#,
        #"{"type":"container_upload","file_id":"f"}"#, #"{"type":"mcp_tool_result","tool_use_id":"t"}"#,
        #"{"type":"compaction","content":"x"}"#, #"{"type":"from_the_future","a":[1, 2]}"#,
    ])
    func `all other blocks ride along as they are`(block: String) throws {
        #expect(
            try canonicalMessages(#"{"role":"assistant","content":[\#(block)]}"#)
                == #"{"role":"assistant","content":[{"type":"native","native":\#(block)}]}"#)
    }

    @Test func `results of tools first, then the rest, in order`() throws {
        #expect(
            try user(
                #"{"type":"text","text":"before"},{"type":"tool_result","tool_use_id":"t1","content":"ok"},{"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"bad"}],"is_error":true},{"type":"text","text":"after"}"#
            )
                == #"{"role":"tool","tool_call_id":"t1","content":"ok"},{"role":"tool","tool_call_id":"t2","content":"bad","is_error":true},"#
                + #"{"role":"user","content":[{"type":"text","text":"before"},{"type":"text","text":"after"}]}"#)
    }

    @Test func `tool results of all kinds`() throws {
        #expect(
            try user(#"{"type":"tool_result","tool_use_id":"t"}"#)
                == #"{"role":"tool","tool_call_id":"t","content":""}"#)
        #expect(
            try user(#"{"type":"tool_result","tool_use_id":"t","content":null,"is_error":false}"#)
                == #"{"role":"tool","tool_call_id":"t","content":""}"#)
        #expect(
            try user(
                #"{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}},{"type":"document","source":{"type":"url","url":"u"}},{"type":"tool_reference","tool_name":"n"}],"cache_control":{"type":"ephemeral"}}"#
            )
                == #"{"role":"tool","tool_call_id":"t","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}},"#
                + #"{"type":"file","file":{"file_url":"u"}},{"type":"native","native":{"type":"tool_reference","tool_name":"n"}}],"cache_control":{"type":"ephemeral"}}"#
        )
    }

    @Test func `thinking, text and calls of the assistant`() throws {
        #expect(
            try canonicalMessages(
                #"{"role":"assistant","content":[{"type":"thinking","thinking":"hm\n","signature":"S=="},{"type":"redacted_thinking","data":"D"},{"type":"thinking","thinking":"so","signature":""},{"type":"text","text":"Hi"},{"type":"tool_use","id":"t1","name":"f","input":{"b": 1.0, "a":"\u00e9\""},"caller":{"type":"direct"}},{"type":"tool_use","id":"t2","name":"g","input":{},"cache_control":{"type":"ephemeral"}}]}"#
            )
                == #"{"role":"assistant","content":"Hi","reasoning_content":"hm\n\n\nso","#
                + #""thinking_blocks":[{"type":"thinking","thinking":"hm\n","signature":"S=="},{"type":"redacted_thinking","data":"D"},{"type":"thinking","thinking":"so","signature":""}],"#
                + #""tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"b\": 1.0, \"a\":\"\\u00e9\\\"\"}"}},"#
                + #"{"id":"t2","type":"function","function":{"name":"g","arguments":"{}"},"cache_control":{"type":"ephemeral"}}]}"#
        )
    }

    @Test func `calls or thoughts alone`() throws {
        #expect(
            try canonicalMessages(#"{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f"}]}"#)
                == #"{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]}"#
        )
        #expect(
            try canonicalMessages(
                #"{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"S"}]}"#)
                == #"{"role":"assistant","content":"","thinking_blocks":[{"type":"thinking","thinking":"","signature":"S"}]}"#
        )
    }

    @Test func `ids of calls find back to the upstream's own`() throws {
        #expect(
            try canonicalMessages(
                #"{"role":"assistant","content":[{"type":"tool_use","id":"k1_functions_2esearch_3a0","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"k1_functions_2esearch_3a0"}]}"#
            )
                == #"{"role":"assistant","content":null,"tool_calls":[{"id":"functions.search:0","type":"function","function":{"name":"f","arguments":"{}"}}]},"#
                + #"{"role":"tool","tool_call_id":"functions.search:0","content":""}"#)
        for id in ["k1_", "k1_x_", "k1_x_9", "k1_x_zz", "toolu_01", "k1"] {
            #expect(
                try user(#"{"type":"tool_result","tool_use_id":"\#(id)"}"#)
                    == #"{"role":"tool","tool_call_id":"\#(id)","content":""}"#)
        }
    }
}
