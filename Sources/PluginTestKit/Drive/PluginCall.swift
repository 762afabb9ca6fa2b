import CanonicalModel
import PluginABI

/// One call into a plugin: lends memory and an error object, and takes both back.
final class PluginCall {
    let run: KitRun
    let lending: Lending
    private let note: ErrorNote
    private var function = ""

    init(_ run: KitRun, _ mode: LendingMode) {
        self.run = run
        lending = Lending(mode)
        note = ErrorNote(run: run)
    }

    /// Makes the call. The error object dies with it, and so does everything that was lent.
    func make(_ function: StaticString, _ body: (OpaquePointer?) -> kimi_status) -> kimi_status {
        self.function = "\(function)"
        let handle = Handles.lend(note)
        defer {
            Handles.revoke(handle)
            lending.revoke()
        }
        return run.call(function) { body(handle) }
    }

    /// The failure of a negative result; a breach is noted if nothing was said about it.
    func failure(_ status: kimi_status) -> CallFailure? {
        guard status < 0 else { return nil }
        if note.message.isEmpty {
            run.breach(.reason, "\(function) returned \(status) without a reason: call host->fail first")
        } else if !note.message.withUnsafeBytes(EventValues.isUTF8) {
            run.breach(.value, "the reason given by \(function) is not UTF-8")
        }
        if let said = note.status, said != status {
            run.breach(.reason, "\(function) returned \(status) after host->fail said \(said)")
        }
        if note.category > KIMI_CAT_NETWORK.rawValue {
            run.breach(.reason, "\(function) failed with category \(note.category), which is none of the header's")
        }
        return CallFailure(
            function: function, status: status, category: note.category, retryAfterMs: note.retryAfterMs,
            message: String(decoding: note.message, as: UTF8.self))
    }
}
