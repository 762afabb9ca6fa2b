import PluginABI
import Testing

@Suite("Answers of Gemini")
struct AnswerTests {
    @Test("transcripts, at every chunking of their events", arguments: Transcript.all)
    func transcripts(transcript: Transcript) {
        let count = transcript.frames.count
        for mask in 0..<(1 << min(count - 1, 6)) {
            let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#, stream: transcript.isStream)
            if transcript.isStream {
                attempt.head()
                var batch: [String] = []
                for (place, frame) in transcript.frames.enumerated() {
                    batch.append(frame)
                    // Each bit says whether a network read ends after that event.
                    if place == count - 1 || mask & (1 << place) != 0 {
                        #expect(attempt.events(batch) >= 0)
                        batch = []
                    }
                }
                if attempt.status != KIMI_DONE.rawValue { attempt.flush() }
            } else {
                attempt.head(200, [("content-type", "application/json; charset=UTF-8")])
                attempt.body(transcript.frames[0])
            }
            #expect(attempt.record.lines == transcript.expected, "\(attempt.failure.message)")
            #expect(attempt.record.violations.isEmpty)
        }
    }

    @Test("there are transcripts")
    func some() { #expect(Transcript.all.count >= 8) }

    @Test(
        "reasons to end",
        arguments: [
            ("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter"),
            ("BLOCKLIST", "content_filter"), ("PROHIBITED_CONTENT", "content_filter"), ("SPII", "content_filter"),
            ("MODEL_ARMOR", "content_filter"), ("IMAGE_SAFETY", "content_filter"), ("OTHER", "stop"),
            ("NEW_ONE", "stop"),
            ("MALFORMED_FUNCTION_CALL", "stop"),
        ])
    func finish(reason: String, canonical: String) {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        attempt.head()
        attempt.events([#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"\#(reason)"}]}"#])
        attempt.flush()
        #expect(attempt.record.lines.last == "FINISH 0 \(canonical) (\(reason))")
        let calls = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        calls.head()
        calls.events([
            #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"\#(reason)"}]}"#
        ])
        calls.flush()
        let expected = canonical == "stop" ? "tool_calls" : canonical
        #expect(calls.record.lines.last == "FINISH 0 \(expected) (\(reason))")
    }

    @Test("a model that fails with nothing to show is an error that can be tried again")
    func failed() {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        attempt.head()
        attempt.events([
            #"{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL","finishMessage":"Malformed: f("}],"usageMetadata":{}}"#
        ])
        attempt.flush()
        #expect(
            attempt.record.lines == [
                "START   0", "ERROR 7 0 -1 [MALFORMED_FUNCTION_CALL] MALFORMED_FUNCTION_CALL: Malformed: f(",
            ])
    }

    @Test(
        "streams that end too early",
        arguments: [
            ([#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#], KIMI_WHY_END, KIMI_CAT_PROTOCOL),
            ([#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}"#], KIMI_WHY_TRUNCATED, KIMI_CAT_NETWORK),
            ([], KIMI_WHY_END, KIMI_CAT_PROTOCOL),
            ([#"{"usageMetadata":{"promptTokenCount":1}}"#], KIMI_WHY_END, KIMI_CAT_PROTOCOL),
        ])
    func early(frames: [String], why: kimi_why, category: kimi_category) {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        attempt.head()
        attempt.events(frames)
        #expect(attempt.flush(why) < 0)
        #expect(attempt.failure.category == category.rawValue)
    }

    @Test("after finishReason a broken connection loses nothing")
    func finishedThenBroken() {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        attempt.head()
        attempt.events([#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#])
        #expect(attempt.flush(KIMI_WHY_TRUNCATED) == 0)
        #expect(attempt.record.lines.last == "FINISH 0 stop (STOP)")
    }

    @Test("the client's names of functions come back")
    func names() {
        let attempt = Attempt(
            #"{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"a/b"}}]}"#)
        attempt.head()
        attempt.events([#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"a_b","id":"i"}}]}}]}"#])
        #expect(attempt.record.lines.contains("BEGIN 0.0 i a/b"))
    }

    @Test(
        "errors, by status and details",
        arguments: [
            (
                UInt32(429),
                #"{"error":{"code":429,"message":"Resource exhausted.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}"#,
                "ERROR 2 429 34500 [RESOURCE_EXHAUSTED] Resource exhausted."
            ),
            (
                400,
                #"[{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8).","status":"INVALID_ARGUMENT"}}]"#,
                "ERROR 4 400 -1 [INVALID_ARGUMENT] The input token count (9) exceeds the maximum number of tokens allowed (8)."
            ),
            (
                400, #"{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT"}}"#,
                "ERROR 6 400 -1 [INVALID_ARGUMENT] Bad."
            ),
            (
                401, #"{"error":{"code":401,"message":"m","status":"UNAUTHENTICATED"}}"#,
                "ERROR 1 401 -1 [UNAUTHENTICATED] m"
            ),
            (
                403, #"{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED"}}"#,
                "ERROR 12 403 -1 [PERMISSION_DENIED] m"
            ),
            (
                403,
                #"{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED","details":[{"reason":"BILLING_DISABLED"}]}}"#,
                "ERROR 13 403 -1 [PERMISSION_DENIED] m"
            ),
            (404, #"{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}"#, "ERROR 11 404 -1 [NOT_FOUND] m"),
            (503, #"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#, "ERROR 3 503 -1 [UNAVAILABLE] m"),
            (
                504, #"{"error":{"code":504,"message":"m","status":"DEADLINE_EXCEEDED"}}"#,
                "ERROR 14 504 -1 [DEADLINE_EXCEEDED] m"
            ),
            (500, "<html>Oops</html>", "ERROR 7 500 -1 [] Vertex AI answered 500: <html>Oops</html>"),
            (502, "", "ERROR 7 502 -1 [] Vertex AI answered 502: (empty)"),
        ])
    func errors(http: UInt32, body: String, expected: String) {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        attempt.head(http, [("Content-Type", "application/json")])
        attempt.errorBody(body)
        #expect(attempt.record.lines == [expected])
        #expect(attempt.flush() == 0)
    }

    @Test("an error's head can say how long to wait")
    func retryAfter() {
        let attempt = Attempt(#"{"messages":[{"role":"user","content":"x"}]}"#)
        attempt.head(429, [("Retry-After", "3")])
        attempt.errorBody("busy")
        #expect(attempt.record.lines == ["ERROR 2 429 3000 [] Vertex AI answered 429: busy"])
    }
}
