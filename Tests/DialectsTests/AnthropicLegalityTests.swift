import Testing

/// The checker of the other tests finds what it is there for.
@Suite struct AnthropicLegalityTests {
    static let start =
        #"{"type":"message_start","message":{"type":"message","role":"assistant","id":"i","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":\#(usage)}}"#
    static let usage =
        #"{"input_tokens":0,"output_tokens":0,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}"#
    static let open = #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#
    static let delta = #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}"#
    static let close = #"{"type":"content_block_stop","index":0}"#
    static let end =
        #"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":\#(usage)}"#
    static let stop = #"{"type":"message_stop"}"#

    private func problems(_ events: [String]) -> [String] {
        let frames = events.map { data in
            let type = data.split(separator: "\"")[2] == ":" ? data.split(separator: "\"")[3] : ""
            return "event: \(type)\ndata: \(data)\n\n"
        }
        return StreamReader(Array(frames.joined().utf8)).problems
    }

    @Test func `a legal stream`() {
        #expect(problems([Self.start, Self.open, Self.delta, Self.close, Self.end, Self.stop]).isEmpty)
    }

    @Test(arguments: [
        [], [open], [start, end], [start, stop], [start, start, end, stop], [start, end, end, stop],
        [start, open, end, stop], [start, open, open, close, end, stop], [start, delta, end, stop],
        [start, open, close, delta, end, stop], [start, open, close, close, end, stop],
        [start, open, close, open, close, end, stop], [start, end, open, close, stop], [start, end, stop, stop],
        [start, end, stop, delta], [start, #"{"type":"ping""#, end, stop],
    ])
    func `illegal streams`(events: [String]) { #expect(!problems(events).isEmpty) }
}
