internal import PluginABI
internal import PluginKit

/// The canonical word for an upstream's reason; one that is not known stays as it is.
enum FinishReason {
    static func canonical(_ reason: UnsafeRawBufferPointer) -> kimi_bytes {
        for (word, meaning) in table where reason.matchesIgnoringCase(word) {
            return kimi_bytes(literal: meaning)
        }
        return kimi_bytes(reason)
    }

    /// Upstreams that have nothing to say yet send null, "" or even "null".
    static func isReason(_ reason: UnsafeRawBufferPointer) -> Bool {
        !reason.isEmpty && !reason.matchesIgnoringCase("null")
    }

    private static let table: [(StaticString, StaticString)] = [
        ("stop", "stop"), ("tool_calls", "tool_calls"), ("length", "length"), ("content_filter", "content_filter"),
        ("function_call", "tool_calls"), ("tool_use", "tool_calls"), ("end_turn", "stop"), ("eos", "stop"),
        ("eos_token", "stop"), ("stop_sequence", "stop"), ("completed", "stop"), ("max_tokens", "length"),
        ("max_output_tokens", "length"), ("model_length", "length"), ("safety", "content_filter"),
        ("sensitive", "content_filter"),
    ]
}
