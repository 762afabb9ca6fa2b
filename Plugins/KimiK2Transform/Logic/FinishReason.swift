/// The reason for the end, as the client must see it.
enum FinishReason {
    /// `reason` is canonical or the upstream's own; `calls` counts what was emitted; `cut` tells that a call was
    /// incomplete; `inlineCalls` that some were found in text, which the upstream did not know when it gave a reason.
    static func corrected(_ reason: String, calls: Int, inlineCalls: Bool, cut: Bool) -> String {
        let canonical = canonical(reason)
        switch canonical {
        case "stop" where calls > 0: return "tool_calls"
        case "tool_calls" where calls == 0: return "stop"
        case "length" where inlineCalls && !cut: return "tool_calls"
        default: return canonical
        }
    }

    /// Does the upstream say that the model ended its turn by itself?
    static func isWhole(_ reason: String?) -> Bool {
        guard let reason, !reason.isEmpty else { return false }
        return ["stop", "tool_calls"].contains(canonical(reason))
    }

    /// Does the upstream say that it broke off?
    static func isCut(_ reason: String?) -> Bool { reason.map { canonical($0) == "length" } ?? false }

    private static func canonical(_ reason: String) -> String {
        switch reason.lowercased() {
        case "", "stop", "end_turn", "eos", "eos_token", "stop_sequence", "complete", "completed", "null", "undefined":
            "stop"
        case "tool_calls", "tool_call", "tool_use", "function_call": "tool_calls"
        case "length", "max_tokens", "max_output_tokens", "model_length": "length"
        default: reason
        }
    }
}
