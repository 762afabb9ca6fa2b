import CanonicalModel
import Dialects
import Logging
import PluginHost

/// One finished exchange, as the process log tells of it.
struct ExchangeRow {
    let requestID: String
    let model: String
    let provider: String
    let milliseconds: Int64
    let outcome: HostMetrics.Outcome
    let error: ExchangeError?
    let notes: [NoteBook.Note]
    let tokens: TokenCounts
    /// The name of the client's key, or nothing.
    let client: String
    /// Attempts that came to nothing, in order.
    let failures: [FailedAttempt]
    /// What became of a route's ensuring tool calls, where it took more than one attempt, or none.
    let enforcement: String

    /// A failure is worth a notice, a repair and what an upstream wants to be paid are information; what passed as it
    /// came is for debugging only.
    private var level: Logger.Level {
        switch outcome {
        case .failed: .notice
        case .ok, .cancelled: isPlain ? .debug : .info
        }
    }

    private var isPlain: Bool {
        notes.isEmpty && failures.isEmpty && tokens.cost == nil && enforcement.isEmpty
    }

    /// Writes the line, if lines of its level are written. `masking` hides the plugins' secrets.
    func write(to logger: Logger, masking: (String) -> String) {
        let level = level
        guard level >= logger.logLevel else { return }
        var metadata: Logger.Metadata = [
            "request": "\(LogText.oneLine(masking(requestID)))", "model": "\(model)", "provider": "\(provider)",
            "ms": "\(milliseconds)", LogKeys.event: "\(event)",
        ]
        if !client.isEmpty { metadata["client"] = "\(LogText.oneLine(client))" }
        if let error {
            metadata["status"] = "\(error.httpStatus)"
            metadata["reason"] = "\(LogText.oneLine(masking(error.message)))"
        }
        if tokens.input >= 0 { metadata["input_tokens"] = "\(tokens.input)" }
        if tokens.output >= 0 { metadata["output_tokens"] = "\(tokens.output)" }
        if tokens.cached >= 0 { metadata["cached_tokens"] = "\(tokens.cached)" }
        if let cost = tokens.cost { metadata["cost"] = "\(cost)" }
        if failures.count > (outcome == .failed ? 1 : 0) {
            metadata["attempts"] = "\(LogText.oneLine(masking(attempts)))"
        }
        if !enforcement.isEmpty { metadata["enforcement"] = "\(LogText.oneLine(enforcement))" }
        if !notes.isEmpty { metadata["notes"] = "\(LogText.oneLine(masking(described)))" }
        logger.log(level: level, message, metadata: metadata)
    }

    private var event: String {
        switch outcome {
        case .ok: "exchange_done"
        case .failed: "exchange_failed"
        case .cancelled: "exchange_cancelled"
        }
    }

    private var message: Logger.Message {
        switch outcome {
        case .ok: "exchange done"
        case .failed: "exchange failed"
        case .cancelled: "exchange cancelled"
        }
    }

    /// `openai/kimi-k2 key 2: rate_limited after 12 ms: slow down; …`
    private var attempts: String {
        failures.map { "\($0.place): \($0.category) after \($0.milliseconds) ms: \($0.message)" }
            .joined(separator: "; ")
    }

    /// `kimi-k2: names=1 history_ids=2 (call_a is functions.read:0; …)`, plugin by plugin.
    private var described: String {
        var parts: [String] = []
        var plugin = ""
        for note in notes {
            if note.plugin != plugin { parts.append("\(note.plugin):") }
            plugin = note.plugin
            let details = note.details.isEmpty ? "" : " (\(note.details.joined(separator: "; ")))"
            parts.append("\(note.kind)=\(note.count)\(details)")
        }
        return parts.joined(separator: " ")
    }
}
