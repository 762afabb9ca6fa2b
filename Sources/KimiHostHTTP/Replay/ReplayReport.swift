import LogModel
import PluginHost
package import RequestLog
import WireJSON

/// How one exchange fared when it was replayed. A value.
package struct ReplayReport: Sendable {
    package enum Outcome: String, Sendable { case same, different, skipped }

    /// One body as it was and as it is today.
    struct Pair: Sendable {
        var attempt: Int
        var recorded: String
        var replayed: String
    }

    /// Bytes of each text that ``json`` shows.
    private static let maxText = 1 << 20

    package let sequence: Int64
    package let id: String
    package private(set) var outcome = Outcome.skipped
    /// Lines that differ, `- ` as recorded, `+ ` as of today.
    package private(set) var differences: [String] = []
    /// Why it could not be replayed.
    package private(set) var reason: String?
    private var status = (recorded: 0, replayed: 0)
    private var reply: Pair?
    /// Bodies that went up, where they differ.
    private var requests: [Pair] = []
    private var notes: [ExchangeRecord.Note] = []

    /// Replays it; it takes as long as that takes. Throws what makes every replay impossible, such as a broken
    /// configuration.
    package init(_ row: LogRow, _ reader: LogReader, _ replayer: Replayer) throws {
        (sequence, id) = (row.sequence, row.id)
        do {
            let recorded = try RecordedExchange(row, bodies: try reader.bodies(of: row))
            compare(recorded, try replayer.replay(recorded))
        } catch let error as ReplayFailure {
            reason = error.description
        } catch let error as LogError {
            reason = "\(error)"
        }
    }

    private mutating func compare(_ recorded: RecordedExchange, _ replay: Replay) {
        differences = ReplayComparison.differences(
            recorded: recorded.reply, today: replay.reply, dropsTail: recorded.outcome == .cancelled)
        if recorded.status != replay.status {
            differences.insert("- status \(recorded.status)\n+ status \(replay.status)", at: 0)
        }
        outcome = differences.isEmpty ? .same : .different
        status = (recorded.status, replay.status)
        notes = replay.notes
        if outcome == .different {
            reply = Pair(
                attempt: 0, recorded: Self.text(recorded.reply), replayed: Self.text(replay.reply))
        }
        for (index, (old, new)) in zip(recorded.attempts, replay.upstreamRequests).enumerated() {
            guard !old.request.isEmpty,
                !ReplayComparison.differences(recorded: old.request, today: new).isEmpty
            else { continue }
            requests.append(
                Pair(
                    attempt: index + 1, recorded: String(decoding: old.request, as: UTF8.self),
                    replayed: String(decoding: new, as: UTF8.self)))
        }
    }

    /// In the lines that are compared.
    private static func text(_ reply: [UInt8]) -> String {
        ReplayComparison.lines(reply).joined(separator: "\n")
    }

    /// One line, as `replay --json` prints it and docs/dashboard-api.md tells it.
    package var json: [UInt8] {
        let object = JSONObjectWriter()
        object.number("sequence", sequence)
        object.text("id", id)
        object.text("result", outcome.rawValue)
        if let reason {
            object.object("error") { object in
                object.text("code", "not_replayable")
                object.text("message", reason)
            }
            return object.end()
        }
        object.flag("same", outcome == .same)
        object.number("recorded_status", Int64(status.recorded))
        object.number("replayed_status", Int64(status.replayed))
        if let reply { Self.write(reply, object) }
        object.array("requests", requests) { pair, object in
            object.number("attempt", Int64(pair.attempt))
            Self.write(pair, object)
        }
        object.array("notes", notes) { note, object in
            object.text("plugin", note.plugin)
            object.text("kind", note.kind)
            object.number("count", Int64(note.count))
            if !note.details.isEmpty { object.texts("details", note.details) }
        }
        return object.end()
    }

    private static func write(_ pair: Pair, _ object: JSONObjectWriter) {
        let isCut = pair.recorded.utf8.count > maxText || pair.replayed.utf8.count > maxText
        object.text("recorded", cut(pair.recorded))
        object.text("replayed", cut(pair.replayed))
        if isCut { object.flag("cut", true) }
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count <= maxText ? text : String(decoding: text.utf8.prefix(maxText), as: UTF8.self)
    }
}
