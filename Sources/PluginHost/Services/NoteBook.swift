import PluginABI

/// What plugins say they did to one attempt (`kimi.host.notes/1`). Event loop only.
package final class NoteBook {
    /// Different notes that are kept; further ones are counted under `other`.
    package static let maxNotes = 64
    /// Details kept of one kind, and of `dropped`, which clients are told in full.
    package static let maxDetails = 8
    package static let maxDropped = 64
    /// A detail's length in bytes; longer ones are cut.
    package static let maxDetailBytes = 256
    package static let maxKindBytes = 64
    /// The most that one note counts: sums of these never overflow.
    package static let maxCount = 1 << 32

    package struct Note: Sendable, Equatable {
        package let plugin: String
        package let kind: String
        package var count: Int
        /// Free words about single changes, one line each, secrets not yet masked.
        package var details: [String] = []
    }

    /// In order of first appearance.
    package private(set) var notes: [Note] = []

    /// The newest counts of the reply's tokens; they grow, so what is known replaces what was.
    private var inputTokens = 0
    private var outputTokens = 0

    /// Tokens that the reply has cost so far, as the upstream says: those it has read and those it has written.
    package var tokens: Int { inputTokens + outputTokens }

    package init() {}

    /// Another attempt begins to count.
    package func forgetTokens() { (inputTokens, outputTokens) = (0, 0) }

    /// Takes a USAGE event.
    func note(_ usage: kimi_event) {
        if usage.i0 >= 0 { inputTokens = Int(min(usage.i0, Int64(Self.maxCount))) }
        if usage.i1 >= 0 { outputTokens = Int(min(usage.i1, Int64(Self.maxCount))) }
    }

    /// Files a note; false if `kind` is not what the header asks for.
    func add(plugin: String, kind: UnsafeRawBufferPointer, count: UInt64, detail: UnsafeRawBufferPointer) -> Bool {
        guard Self.isKind(kind) else { return false }
        guard count > 0 else { return true }
        let place = place(plugin, String(decoding: kind, as: UTF8.self))
        notes[place].count = min(Self.maxCount, notes[place].count + Int(min(count, UInt64(Self.maxCount))))
        if !detail.isEmpty { add(String(decoding: detail.prefix(Self.maxDetailBytes), as: UTF8.self), at: place) }
        return true
    }

    /// Files a note of the host's own. `kind`: of a fixed set, as the header asks of plugins.
    package func add(kind: String, detail: String, count: Int = 1) {
        let place = place(Self.host, kind)
        notes[place].count = min(Self.maxCount, notes[place].count + min(count, Self.maxCount))
        add(String(decoding: detail.utf8.prefix(Self.maxDetailBytes), as: UTF8.self), at: place)
    }

    private func add(_ detail: String, at place: Int) {
        guard notes[place].details.count < room(notes[place]) else { return }
        // A field is left out in each attempt of a reply, and is told of once.
        if notes[place].kind == "dropped", notes[place].details.contains(detail) { return }
        notes[place].details.append(detail)
    }

    /// What plugins have left out of the request, `PATH: reason` each.
    package var droppedByPlugins: [String] {
        notes.filter { $0.kind == "dropped" && $0.plugin != Self.host }.flatMap(\.details)
    }

    /// The request begins again: what was said of the attempt before is void.
    package func removeAll() { notes = [] }

    private static let host = "host"

    private func room(_ note: Note) -> Int { note.kind == "dropped" ? Self.maxDropped : Self.maxDetails }

    private func place(_ plugin: String, _ kind: String) -> Int {
        if let place = find(plugin, kind) { return place }
        if notes.count < Self.maxNotes {
            notes.append(Note(plugin: plugin, kind: kind, count: 0))
        } else if let place = find(plugin, "other") {
            return place
        } else {
            notes.append(Note(plugin: plugin, kind: "other", count: 0))
        }
        return notes.count - 1
    }

    private func find(_ plugin: String, _ kind: String) -> Int? {
        notes.firstIndex { $0.kind == kind && $0.plugin == plugin }
    }

    private static func isKind(_ kind: UnsafeRawBufferPointer) -> Bool {
        !kind.isEmpty && kind.count <= maxKindBytes
            && kind.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
            }
    }
}
