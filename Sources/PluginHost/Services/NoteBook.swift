/// What plugins say they did to one attempt (`kimi.host.notes/1`). Event loop only.
package final class NoteBook {
    /// Different notes that are kept; further ones are counted under `other`.
    package static let maxNotes = 64
    /// Details kept of one kind.
    package static let maxDetails = 8
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

    package init() {}

    /// Files a note; false if `kind` is not what the header asks for.
    func add(plugin: String, kind: UnsafeRawBufferPointer, count: UInt64, detail: UnsafeRawBufferPointer) -> Bool {
        guard Self.isKind(kind) else { return false }
        guard count > 0 else { return true }
        let place = place(plugin, String(decoding: kind, as: UTF8.self))
        notes[place].count = min(Self.maxCount, notes[place].count + Int(min(count, UInt64(Self.maxCount))))
        if !detail.isEmpty, notes[place].details.count < Self.maxDetails {
            notes[place].details.append(String(decoding: detail.prefix(Self.maxDetailBytes), as: UTF8.self))
        }
        return true
    }

    /// Files a note of the host's own.
    package func add(kind: StaticString, detail: String) {
        let place = place("host", "\(kind)")
        notes[place].count += 1
        if notes[place].details.count < Self.maxDetails {
            notes[place].details.append(String(decoding: detail.utf8.prefix(Self.maxDetailBytes), as: UTF8.self))
        }
    }

    /// The plugins begin again: what they said of the attempt before is void. The host's own notes stay.
    package func removePluginNotes() { notes.removeAll { $0.plugin != "host" } }

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
