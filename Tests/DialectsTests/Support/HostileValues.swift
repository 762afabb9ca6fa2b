/// What JSON events may say, and must not be believed.
extension HostileEvents {
    static let names: [[UInt8]] =
        [
            "refusal", "refusal", "logprobs", "annotations", "tool_calls", "function_call", "audio", "images", "role",
            "content", "reasoning_content", "reasoning_details", "thinking_blocks", "tool_call_extras",
            "encrypted_content", "reasoning_items", "stop_sequence", "id", "object", "created", "model", "choices",
            "usage", "error", "index", "delta", "message", "finish_reason", "native_finish_reason", "status", "output",
            "system_fingerprint", "service_tier", "type", "", "a\"b\u{0}", "\u{2028}", "own",
        ].map { Array($0.utf8) } + [[0xFF], Array(repeating: 0x61, count: 300)]

    static let values: [[UInt8]] =
        [
            "", "null", "5", "true", "-1.5e3", #""text""#, "\"\\u00e9\\ud83d\\ude00\"", "[]", "{}", "[1,2]",
            #"{"a":1}"#, "{\n  \"a\": [1,\r\n 2]\n}", "{", "nope", "[1,]", "{}x",
            #"[{"type":"reasoning.encrypted","data":"E"},{}]"#, #"[{"type":"redacted_thinking","data":"RA=="}]"#,
            #"[{"index":0,"id":"c","type":"custom","custom":{"name":"n","input":"i"}}]"#,
            #"[{"index":0,"custom":{"input":"more"}},5]"#, #"[{"index":0,"extra_content":{"google":1}}]"#,
            #"[{"type":"url_citation","url_citation":{"url":"u","title":"t"}}]"#,
            #"{"content":[{"token":"a","logprob":-1,"bytes":null,"top_logprobs":[]}],"refusal":null}"#,
            #"{"type":"image_url","image_url":{"url":"https://x/y.png"}}"#,
            #"{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}"#,
            #"{"type":"server_tool_use","id":"s","name":"web_search","input":{"q":1}}"#,
            #"{"type":"redacted_thinking","data":"RA=="}"#, #"{"type":"text","text":"part"}"#,
            #"{"prompt_tokens":"x","completion_tokens":-5,"total_tokens":1.5,"prompt_tokens_details":7}"#,
            #"{"input_tokens":5,"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"service_tier":"standard"}"#,
            #"{"input_tokens":-5,"cache_read_input_tokens":99999999999999999999}"#,
        ].map { Array($0.utf8) } + [[0x22, 0xFF, 0x22], Array(repeating: 0x5B, count: 600)]
}
