internal import PluginKit

/// What a request said that Gemini cannot be told, and what had to be repaired: counted, told with the reply.
struct RequestLosses {
    /// Different lines that are told.
    static let maxLines = 64

    private struct Line {
        let kind: String
        let detail: String
        var count: Int
    }

    private var lines: [Line] = []
    private var places: [String: Int] = [:]

    /// Something is not sent.
    mutating func drop(_ detail: String) { add("dropped", detail) }

    /// Something is sent in another way than it was said.
    mutating func repair(_ detail: String) { add("repaired", detail) }

    private mutating func add(_ kind: String, _ detail: String) {
        if let place = places[kind + detail] {
            lines[place].count += 1
        } else if lines.count < Self.maxLines {
            places[kind + detail] = lines.count
            lines.append(Line(kind: kind, detail: detail, count: 1))
        }
    }

    func tell(_ notes: Notes?, _ sink: Sink) {
        guard let notes else { return }
        for line in lines { notes.reply(sink, line.kind, count: line.count, detail: line.detail) }
    }
}
