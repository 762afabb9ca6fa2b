import PluginABI
import Testing

@Suite("Requests for Gemini")
struct RequestTests {
    @Test("a conversation with everything, whole")
    func whole() {
        let attempt = Attempt(
            #"""
            {"model":"gemini-2.5-flash","stream":true,"stream_options":{"include_usage":true},
            "temperature":0.50,"top_p":0.9,"top_k":40,"max_tokens":1000,"stop":["END","\n"],"seed":7,"n":2,
            "presence_penalty":0.1,"frequency_penalty":-0.2,"logprobs":true,"top_logprobs":3,
            "messages":[
            {"role":"system","content":"Be kind.\u00e9"},
            {"role":"developer","content":[{"type":"text","text":"Be short."}]},
            {"role":"user","content":[{"type":"text","text":"What is \"this\"?"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0="}},
            {"type":"image_url","image_url":{"url":"https://example.com/a.webp?x=1"}}]},
            {"role":"assistant","content":"I look."},{"role":"user","content":"Go on."}]}
            """#)
        #expect(
            attempt.body
                == #"{"contents":[{"role":"user","parts":[{"text":"What is \"this\"?"},"#
                + #"{"inlineData":{"mimeType":"image/png","data":"iVBORw0="}},"#
                + #"{"fileData":{"mimeType":"image/webp","fileUri":"https://example.com/a.webp?x=1"}}]},"#
                + #"{"role":"model","parts":[{"text":"I look."}]},{"role":"user","parts":[{"text":"Go on."}]}],"#
                + #""systemInstruction":{"parts":[{"text":"Be kind.\u00e9"},{"text":"Be short."}]},"#
                + #""generationConfig":{"temperature":0.50,"topP":0.9,"topK":40,"candidateCount":2,"#
                + #""presencePenalty":0.1,"frequencyPenalty":-0.2,"maxOutputTokens":1000,"seed":7,"#
                + #""stopSequences":["END","\n"],"responseLogprobs":true,"logprobs":3}}"#)
        #expect(
            attempt.plan.first(KIMI_FIELD_URL)
                == "https://aiplatform.googleapis.com/v1/projects/p1/locations/global/publishers/google/models/"
                + "gemini-2.5-flash:streamGenerateContent?alt=sse")
        #expect(attempt.plan.values(KIMI_FIELD_SECRET_HEADER) == ["Authorization: Bearer tok"])
        #expect(
            attempt.plan.values(KIMI_FIELD_HEADER) == [
                "Content-Type: application/json", "Accept: text/event-stream",
            ])
        #expect(attempt.plan.steps.map(\.argument) == [UInt64(KIMI_SEND_STREAM.rawValue)])
    }

    @Test("a request that is not streamed")
    func unary() {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#, stream: false)
        #expect(attempt.plan.first(KIMI_FIELD_URL).hasSuffix(":generateContent"))
        #expect(attempt.plan.steps.map(\.argument) == [0])
        #expect(attempt.body == #"{"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#)
    }

    @Test("system messages alone are asked as the user's")
    func systemOnly() {
        #expect(
            Attempt(#"{"messages":[{"role":"system","content":"x"}]}"#).body
                == #"{"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#)
        #expect(
            Attempt(#"{"messages":[{"role":"system","content":null}]}"#).body
                == #"{"contents":[{"role":"user","parts":[{"text":""}]}]}"#)
    }

    @Test(
        "parts of every kind",
        arguments: [
            (
                #"{"type":"input_audio","input_audio":{"data":"UklG","format":"wav"}}"#,
                #"{"inlineData":{"mimeType":"audio/wav","data":"UklG"}}"#
            ),
            (
                #"{"type":"input_audio","input_audio":{"data":"UklG","format":"mp3"}}"#,
                #"{"inlineData":{"mimeType":"audio/mpeg","data":"UklG"}}"#
            ),
            (
                #"{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBE","filename":"a.pdf"}}"#,
                #"{"inlineData":{"mimeType":"application/pdf","data":"JVBE"}}"#
            ),
            (
                #"{"type":"file","file":{"file_data":"JVBE","filename":"a.csv"}}"#,
                #"{"inlineData":{"mimeType":"text/csv","data":"JVBE"}}"#
            ),
            (
                #"{"type":"file","file":{"file_url":"https://e.com/doc"}}"#,
                #"{"fileData":{"mimeType":"application/pdf","fileUri":"https://e.com/doc"}}"#
            ),
            (
                #"{"type":"file","file":{"file_id":"gs://b/a.mp4"}}"#,
                #"{"fileData":{"mimeType":"video/mp4","fileUri":"gs://b/a.mp4"}}"#
            ),
            (
                #"{"type":"image_url","image_url":"gs://b/x.JPG"}"#,
                #"{"fileData":{"mimeType":"image/jpeg","fileUri":"gs://b/x.JPG"}}"#
            ),
            (
                #"{"type":"image_url","image_url":{"url":"data:image\/svg+xml,%3Csvg%3E"}}"#,
                #"{"inlineData":{"mimeType":"image/svg+xml","data":"PHN2Zz4="}}"#
            ),
            (
                #"{"type":"image_url","image_url":{"url":"data:;base64,AA\/A"}}"#,
                #"{"inlineData":{"mimeType":"image/jpeg","data":"AA/A"}}"#
            ),
            (
                #"{"type":"video_url","video_url":{"url":"https://e.com/v"}}"#,
                #"{"fileData":{"mimeType":"video/mp4","fileUri":"https://e.com/v"}}"#
            ),
        ])
    func parts(part: String, expected: String) {
        let body = Attempt(#"{"messages":[{"role":"user","content":[\#(part)]}]}"#).body
        #expect(body == #"{"contents":[{"role":"user","parts":[\#(expected)]}]}"#)
    }

    @Test("what Gemini cannot be told is dropped, and said")
    func dropped() {
        let attempt = Attempt(
            #"""
            {"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral"}},
            {"type":"native","native":{"type":"container_upload"}},{"type":"file","file":{"file_id":"file-1"}}]},
            {"role":"assistant","content":"y","reasoning_content":"z","thinking_blocks":
            [{"type":"thinking","thinking":"z","signature":"EqQBCg"}]},{"role":"user","content":"x"}],
            "metadata":{"a":"b"},"service_tier":"flex","seed":99999999999,"user":"u","parallel_tool_calls":true,
            "tools":[{"type":"native","native":{"type":"web_search_20250305"}}],"response_format":{"type":"grammar"}}
            """#)
        #expect(
            attempt.body
                == #"{"contents":[{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"text":"y"}]},"#
                + #"{"role":"user","parts":[{"text":"x"}]}]}"#)
        attempt.head()
        attempt.events([#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#])
        #expect(
            attempt.record.notes.sorted() == [
                "dropped 1 messages[*].content[*] (container_upload)", "dropped 1 messages[*].content[*] (file)",
                "dropped 1 messages[*].content[*].cache_control", "dropped 1 messages[*].reasoning_content",
                "dropped 1 metadata", "dropped 1 response_format (grammar)", "dropped 1 seed beyond 32 bits",
                "dropped 1 service_tier", "dropped 1 tools[*] (web_search_20250305)", "dropped 1 user",
            ])
    }

    @Test("configured members go into each request")
    func configured() {
        let config =
            #"{"projectId":"p1","accessToken":"t","labels":{"team":"a"},"thinkingConfig":{"thinkingBudget":5},"#
            + #""safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],"#
            + #""extraBody":{"cachedContent":"c1"},"quotaProject":"q1"}"#
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#, config: config)
        #expect(
            attempt.body
                == #"{"contents":[{"role":"user","parts":[{"text":"x"}]}],"generationConfig":{"thinkingConfig":"#
                + #"{"thinkingBudget":5}},"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"#
                + #""BLOCK_NONE"}],"labels":{"team":"a"},"cachedContent":"c1"}"#)
        #expect(attempt.plan.values(KIMI_FIELD_HEADER).contains("X-Goog-User-Project: q1"))
    }
}
