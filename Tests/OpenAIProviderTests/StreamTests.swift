import PluginABI
import Testing

@Suite("Streamed answers")
struct StreamTests {
    /// Runs a stream in every batching: all at once, one by one, and cut in two at each place. All must agree.
    private func lines(_ data: [String], done: Bool = true, sourceLocation: SourceLocation = #_sourceLocation)
        -> [String]
    {
        let data = done ? data + ["[DONE]"] : data
        func run(_ batches: [ArraySlice<String>]) -> [String] {
            let attempt = Attempt()
            attempt.head(200, [("Content-Type", "text/event-stream")])
            for batch in batches where !batch.isEmpty && attempt.status == 0 { attempt.events(Array(batch)) }
            if attempt.status == 0 { attempt.flush() }
            #expect(attempt.status >= 0, "\(attempt.failure.message)", sourceLocation: sourceLocation)
            #expect(attempt.record.violations.isEmpty, sourceLocation: sourceLocation)
            return attempt.record.lines
        }
        let whole = run([data[...]])
        #expect(run(data.indices.map { data[$0...$0] }) == whole, sourceLocation: sourceLocation)
        for cut in data.indices {
            #expect(run([data[..<cut], data[cut...]]) == whole, sourceLocation: sourceLocation)
        }
        return whole
    }

    private let start = "START c1 kimi-k2 1700000000"

    @Test("text, thinking, finish and usage come in order, as they arrive")
    func plain() {
        let result = lines([
            chunk(#"{"role":"assistant","content":""}"#), chunk(#"{"reasoning_content":"Hm"}"#),
            chunk(#"{"content":"He\nllo"}"#),
            chunk(#"{"content":" 世界😀"}"#), chunk("{}", finish: "stop"),
            #"{"id":"c1","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":3}}}"#,
        ])
        #expect(
            result == [
                start, "REASONING 0 Hm", "TEXT 0 He\nllo", "TEXT 0  世界😀", "FINISH 0 stop (stop)",
                #"USAGE 5 7 2 3 {"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":3}}"#,
            ])
    }

    @Test("a stream of more frames than a batch of parsers holds is complete and in order")
    func long() {
        let data = (0..<100).map { chunk(#"{"content":"\#($0) "}"#) } + [chunk("{}", finish: "stop")]
        let attempt = Attempt()
        attempt.events(data + ["[DONE]"])
        #expect(attempt.status == KIMI_DONE.rawValue)
        #expect(attempt.record.joined[1] == "TEXT 0 " + (0..<100).map { "\($0) " }.joined())
        #expect(attempt.record.batches == 13)
    }

    @Test(
        "thinking in several members is told once",
        arguments: [
            (
                #"{"reasoning_content":"a","reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a"}]}"#,
                ["REASONING 0 a"]
            ),
            (#"{"reasoning_content":"","reasoning":"b"}"#, ["REASONING 0 b"]),
            (
                #"{"reasoning":null,"reasoning_details":[{"type":"reasoning.text","text":"c"},{"type":"reasoning.summary","summary":"d"}]}"#,
                ["REASONING 0 c", "REASONING 0 d"]
            ),
            (
                #"{"reasoning":"e","reasoning_details":[{"text":"e","signature":"s"}]}"#,
                ["REASONING 0 e", "REASONING 0  signed «s»"]
            ),
            (
                #"{"reasoning":"f","reasoning_details":[{"text":"f"},{"type":"reasoning.encrypted","data":"x"}]}"#,
                ["REASONING 0 f", #"JSON 2 0 reasoning_details=[{"type":"reasoning.encrypted","data":"x"}]"#]
            ),
            (
                #"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"g"}]},{"type":"text","text":"h"},"i"]}"#,
                ["REASONING 0 g", "TEXT 0 h", "TEXT 0 i"]
            ),
            (
                #"{"content":[{"type":"image_url","image_url":{"url":"u"}}]}"#,
                [#"PART 0 {"type":"image_url","image_url":{"url":"u"}}"#]
            ),
        ])
    func reasoning(delta: String, expected: [String]) {
        #expect(lines([chunk(delta), chunk("{}", finish: "stop")]) == [start] + expected + ["FINISH 0 stop (stop)"])
    }

    @Test(
        "each word for the end has its canonical meaning",
        arguments: [
            ("stop", "stop"), ("length", "length"), ("tool_calls", "tool_calls"), ("content_filter", "content_filter"),
            ("function_call", "tool_calls"), ("end_turn", "stop"), ("eos", "stop"), ("max_tokens", "length"),
            ("STOP", "stop"),
            ("MAX_TOKENS", "length"), ("new_reason", "new_reason"),
        ])
    func finish(raw: String, canonical: String) {
        #expect(lines([chunk(#"{"content":"x"}"#), chunk("{}", finish: raw)]).last == "FINISH 0 \(canonical) (\(raw))")
    }

    @Test("several choices keep apart, and each finishes once")
    func choices() {
        func choice(_ index: Int, _ delta: String, _ finish: String = "null") -> String {
            #"{"id":"c1","model":"m","choices":[{"index":\#(index),"delta":\#(delta),"finish_reason":\#(finish)}]}"#
        }
        let result = lines([
            choice(1, #"{"content":"b"}"#), choice(0, #"{"content":"a"}"#), choice(1, "{}", "\"stop\""),
            choice(0, "{}", "\"length\""), choice(0, "{}", "\"length\""),
        ])
        #expect(result == ["START c1 m 0", "TEXT 1 b", "TEXT 0 a", "FINISH 1 stop (stop)", "FINISH 0 length (length)"])
    }

    @Test("members without an event of their own ride along, once while they stay the same")
    func extras() {
        let more = #","system_fingerprint":"fp","service_tier":null,"provider":"X""#
        let result = lines([
            chunk(#"{"content":"a","refusal":null}"#, more: more), chunk(#"{"refusal":"no"}"#, more: more),
            #"{"id":"c1","system_fingerprint":"fp2","choices":[{"index":0,"delta":{},"finish_reason":"stop","logprobs":{"content":[]},"native_finish_reason":"eos"}]}"#,
        ])
        #expect(
            result == [
                start, "JSON 0 0 system_fingerprint=\"fp\"", "JSON 0 0 provider=\"X\"", "TEXT 0 a",
                "JSON 2 0 refusal=\"no\"",
                "JSON 0 0 system_fingerprint=\"fp2\"", "JSON 1 0 logprobs={\"content\":[]}",
                "JSON 1 0 native_finish_reason=\"eos\"",
                "FINISH 0 stop (stop)",
            ])
    }

    @Test("usage is found in the choice, with every chunk, and in other words")
    func usage() {
        let inChoice =
            #"{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop","usage":{"prompt_tokens":1,"completion_tokens":2,"cached_tokens":3}}]}"#
        #expect(
            lines([inChoice]).last == #"USAGE 1 2 3 -1 {"prompt_tokens":1,"completion_tokens":2,"cached_tokens":3}"#)
        let each = (1...3).map {
            chunk(#"{"content":"x"}"#, finish: $0 == 3 ? "stop" : nil, more: #","usage":{"completion_tokens":\#($0)}"#)
        }
        #expect(lines(each).filter { $0.hasPrefix("USAGE") } == [#"USAGE -1 3 -1 -1 {"completion_tokens":3}"#])
    }

    @Test("half a surrogate pair does not lose the event")
    func surrogate() {
        #expect(lines([chunk(#"{"content":"a\ud83d"}"#, finish: "stop")])[1] == "TEXT 0 a\u{FFFD}")
    }

    @Test("[DONE] without a finish is finished by what was said")
    func unsaid() {
        #expect(lines([chunk(#"{"content":"x"}"#)]).last == "FINISH 0 stop ()")
        let call = chunk(#"{"tool_calls":[{"index":0,"id":"i","function":{"name":"f","arguments":"{}"}}]}"#)
        #expect(lines([call]).suffix(2) == ["END 0.0", "FINISH 0 tool_calls ()"])
    }

    @Test("a finish without [DONE] is complete; neither of them is not")
    func undone() {
        #expect(lines([chunk(#"{"content":"x"}"#, finish: "stop")], done: false).last == "FINISH 0 stop (stop)")
        let attempt = Attempt()
        attempt.events([chunk(#"{"content":"x"}"#)])
        #expect(attempt.flush() == KIMI_E_PROTOCOL.rawValue)
        #expect(attempt.failure.message == "The upstream ended its answer without finish_reason and without [DONE].")
    }

    @Test(
        "an end without any answer is a failure",
        arguments: [[], ["[DONE]"], [chunk(#"{"role":"assistant","content":""}"#)]])
    func nothing(data: [String]) {
        let attempt = Attempt()
        if !data.isEmpty { attempt.events(data) }
        if attempt.status == 0 { attempt.flush() }
        #expect(attempt.status == KIMI_E_PROTOCOL.rawValue)
        #expect(attempt.failure.category == KIMI_CAT_PROTOCOL.rawValue)
        #expect(attempt.failure.message == "The upstream ended the stream without an answer.")
    }

    @Test("a break in the middle is a network failure until each choice has finished")
    func truncated() {
        let data = [
            chunk(#"{"content":"x"}"#), chunk(#"{"content":"y"}"#), chunk("{}", finish: "stop"),
            #"{"id":"c1","choices":[]}"#,
        ]
        for cut in 0...data.count {
            let attempt = Attempt()
            if cut > 0 { attempt.events(Array(data[..<cut])) }
            attempt.flush(KIMI_WHY_TRUNCATED)
            #expect(attempt.status == (cut >= 3 ? 0 : KIMI_E_UPSTREAM.rawValue))
            if cut < 3 { #expect(attempt.failure.category == KIMI_CAT_NETWORK.rawValue) }
        }
    }

    @Test(
        "what is no chunk is a failure with an excerpt, after what came before it",
        arguments: [
            ("<html><body>Bad gateway</body></html>", "Bad gateway"), ("{\"id\":", "{\"id\":"),
            ("[1]", "not a JSON object"), ("ping", "ping"),
        ])
    func malformed(data: String, excerpt: String) {
        let attempt = Attempt()
        attempt.events([chunk(#"{"content":"x"}"#), data])
        #expect(attempt.status == KIMI_E_PROTOCOL.rawValue)
        #expect(attempt.record.lines.last == "TEXT 0 x")
        #expect(attempt.failure.message.contains(excerpt), "\(attempt.failure.message)")
    }

    @Test(
        "an error in the stream is an ERROR event and ends it",
        arguments: [
            (
                #"{"error":{"message":"slow down","type":"rate_limit_error","code":null}}"#,
                "ERROR 2 0 -1 [rate_limit_error] slow down"
            ),
            (#"{"error":{"message":"gone","code":502},"id":"c1","choices":[]}"#, "ERROR 7 502 -1 [502] gone"),
            (#"{"error":"boom"}"#, "ERROR 7 0 -1 [] boom"),
            (
                #"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"code":429,"message":"m","metadata":{"raw":"r","provider_name":"P"}}}]}"#,
                "ERROR 2 429 -1 [429] m (P: r)"
            ),
            (#"{"detail":"Internal"}"#, "ERROR 7 0 -1 [] Internal"),
        ])
    func errors(data: String, expected: String) {
        let attempt = Attempt()
        attempt.events([chunk(#"{"content":"x"}"#), data, chunk(#"{"content":"never"}"#)])
        #expect(attempt.status == KIMI_DONE.rawValue)
        #expect(attempt.record.lines.last == expected)
        #expect(attempt.record.violations.isEmpty)
    }

    @Test("an event named error is an error even in words of its own")
    func namedError() {
        let attempt = Attempt()
        attempt.events([#"{"type":"overloaded_error","message":"busy"}"#], name: "error")
        #expect(attempt.record.lines == ["ERROR 3 0 -1 [overloaded_error] busy"])
    }

    @Test("when the host wants no more the call ends as cancelled")
    func stop() {
        let attempt = Attempt()
        attempt.record.stopAfter = 1
        attempt.events([chunk(#"{"content":"x"}"#)])
        #expect(attempt.status == KIMI_E_CANCELLED.rawValue)
    }

    @Test("cancelling and timing out flush nothing")
    func otherFlushes() {
        for why in [KIMI_WHY_CANCELLED, KIMI_WHY_TIMEOUT, KIMI_WHY_FAILED] {
            let attempt = Attempt()
            attempt.events([chunk(#"{"content":"x"}"#)])
            #expect(attempt.flush(why) == 0)
            #expect(attempt.record.lines.count == 2)
        }
    }
}
