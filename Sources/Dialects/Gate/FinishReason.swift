import CanonicalModel
import PluginABI
import WireJSON

/// The canonical reasons of FINISH events: `stop`, `length`, `tool_calls`, `content_filter`.
package enum FinishReason {
    /// Hands on `event` with a canonical reason in slice a; slice b is the upstream's own word.
    ///
    /// `hasCalls`: false makes `tool_calls` a `stop`, because clients look for calls then.
    static func canonical(
        _ event: CanonicalEvent, hasCalls: Bool, _ repairs: Repairs, _ pass: (CanonicalEvent) -> Void
    ) {
        var word = word(event.a.buffer)
        if word == nil {
            let said = LogText.oneLine(event.a.text)
            repairs.add(.content, said.isEmpty ? "a choice was finished without a reason" : "finish reason '\(said)'")
        }
        if let known = word, same(known, "tool_calls"), !hasCalls {
            repairs.add(.content, "a choice was finished for tool calls and had none")
            word = "stop"
        }
        var event = event
        if event.b.len == 0 { event.b = event.a }
        let reason = word ?? "stop"
        event.a = kimi_bytes(UnsafeRawBufferPointer(start: reason.utf8Start, count: reason.utf8CodeUnitCount))
        pass(event)
    }

    /// The canonical word for one of any upstream's, or nil.
    package static func word(_ said: UnsafeRawBufferPointer) -> StaticString? {
        for (word, meaning) in table where matchesIgnoringCase(said, word) { return meaning }
        return nil
    }

    private static let table: [(StaticString, StaticString)] = [
        ("stop", "stop"), ("tool_calls", "tool_calls"), ("length", "length"), ("content_filter", "content_filter"),
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("pause_turn", "stop"), ("compaction", "stop"),
        ("eos", "stop"), ("eos_token", "stop"), ("completed", "stop"), ("complete", "stop"), ("end", "stop"),
        ("function_call", "tool_calls"), ("tool_call", "tool_calls"), ("tool_use", "tool_calls"),
        ("max_tokens", "length"), ("max_output_tokens", "length"), ("model_length", "length"),
        ("model_context_window_exceeded", "length"), ("incomplete", "length"),
        ("refusal", "content_filter"), ("safety", "content_filter"), ("sensitive", "content_filter"),
        ("recitation", "content_filter"), ("blocklist", "content_filter"), ("prohibited_content", "content_filter"),
        ("spii", "content_filter"), ("image_safety", "content_filter"), ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
    ]

    private static func same(_ a: StaticString, _ b: StaticString) -> Bool {
        UnsafeRawBufferPointer(start: a.utf8Start, count: a.utf8CodeUnitCount).matches(b)
    }

    private static func matchesIgnoringCase(_ said: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard said.count == word.utf8CodeUnitCount else { return false }
        return said.indices.allSatisfy { index in
            let byte = said[index]
            return ((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) == word.utf8Start[index]
        }
    }
}
