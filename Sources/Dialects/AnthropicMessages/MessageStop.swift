import CanonicalModel
import PluginABI
import WireJSON

/// Why a message ended, in Anthropic's words.
struct MessageStop {
    var hasCalls = false
    var isRefusal = false
    private var reason: StaticString?
    /// The text that stopped the model, as JSON.
    private var sequence: [UInt8]?

    mutating func setSequence(_ json: UnsafeRawBufferPointer) {
        let value = try? JSONSpans.value(of: json)
        sequence = value?.kind == .string ? value.map { Array(json[$0.valueRange]) } : nil
    }

    mutating func finish(_ event: CanonicalEvent) {
        reason = Self.word(event.b.buffer) ?? Self.word(event.a.buffer) ?? Self.translated(event.a.buffer)
    }

    /// `"stop_reason":…,"stop_sequence":…`. Many upstreams end a turn with calls by "stop", and some one without any by
    /// "tool_calls": what the message holds decides.
    func write(to out: ByteWriter) {
        let word = self.word
        out.append(#""stop_reason":""#)
        out.append(word)
        out.append(#"","stop_sequence":"#)
        if let sequence, Self.same(word, "stop_sequence") { out.append(bytes: sequence) } else { out.append("null") }
    }

    private var word: StaticString {
        let word = reason ?? "end_turn"
        guard Self.same(word, "end_turn") || Self.same(word, "tool_use") else { return word }
        if hasCalls { return "tool_use" }
        if isRefusal { return "refusal" }
        return sequence == nil ? "end_turn" : "stop_sequence"
    }

    /// Words of Anthropic's own, as an Anthropic upstream sends them.
    private static func word(_ text: UnsafeRawBufferPointer) -> StaticString? { words.first { text.matches($0) } }

    private static let words: [StaticString] = [
        "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal",
        "model_context_window_exceeded", "compaction",
    ]

    private static func translated(_ reason: UnsafeRawBufferPointer) -> StaticString {
        if reason.matches("length") { return "max_tokens" }
        if reason.matches("tool_calls") || reason.matches("function_call") { return "tool_use" }
        return reason.matches("content_filter") ? "refusal" : "end_turn"
    }

    private static func same(_ a: StaticString, _ b: StaticString) -> Bool {
        UnsafeRawBufferPointer(start: a.utf8Start, count: a.utf8CodeUnitCount).matches(b)
    }
}
