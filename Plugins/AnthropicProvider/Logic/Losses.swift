internal import PluginKit

/// What a request could not say to the upstream, or said otherwise. It is told with the reply.
struct Losses: Sendable {
    /// The words under which the host files them.
    enum Kind: String {
        /// There is no equivalent.
        case dropped
        /// Something near it went up.
        case adjusted
    }

    struct Entry: Sendable {
        let kind: Kind
        let path: String
        let reason: StaticString
        var count: Int
    }

    /// Further ones are counted only.
    private static let maxEntries = 64
    /// A client's name of a member, in a note.
    private static let maxName = 48

    private(set) var entries: [Entry] = []
    private var further = 0

    /// One more at that path, such as `messages[*].name`.
    mutating func add(_ path: String, _ reason: StaticString, _ kind: Kind = .dropped) {
        if let known = entries.firstIndex(where: { $0.path == path && $0.kind == kind }) {
            entries[known].count += 1
        } else if entries.count < Self.maxEntries {
            entries.append(Entry(kind: kind, path: path, reason: reason, count: 1))
        } else {
            further += 1
        }
    }

    /// A member that the client gave a name to: `path` and the name, if it is a plain word.
    mutating func add(_ path: String, member name: [UInt8], _ reason: StaticString) {
        let isPlain = !name.isEmpty && name.count <= Self.maxName && name.allSatisfy(Self.isWord)
        add(path + (isPlain ? String(decoding: name, as: UTF8.self) : "*"), reason)
    }

    /// Tells the host, which may not want to know.
    func tell(_ notes: Notes?, _ sink: Sink) {
        guard let notes else { return }
        for entry in entries {
            notes.reply(sink, entry.kind.rawValue, count: entry.count, detail: "\(entry.path): \(entry.reason)")
        }
        notes.reply(sink, Kind.dropped.rawValue, count: further, detail: "further members")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
