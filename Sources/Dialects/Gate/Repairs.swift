/// What an encoder put right in the events of one reply, or left out of them. Event loop only; bounded.
package final class Repairs {
    /// Different repairs that are kept; further ones are counted under `other` of their kind.
    package static let maxEntries = 32
    /// A detail's length in bytes; longer ones are cut.
    package static let maxDetailBytes = 200

    /// What kind of repair it is; the names stand in the log and in /metrics.
    package enum Kind: String, Sendable, CaseIterable {
        /// Events in an order that rule S11 of kimi_plugin.h forbids.
        case order = "stream_order"
        /// A value that the client's API does not allow, such as JSON that is none or an unknown finish reason.
        case content = "stream_content"
        /// What the client's API has no place for; the client does not get it.
        case dropped = "stream_dropped"
        /// Arguments of a call that are no JSON object, where the client's API demands one.
        case arguments = "call_arguments"
    }

    /// One repair, and how often it was made.
    package struct Entry: Sendable, Equatable {
        package let kind: Kind
        /// One clause for the log: what was wrong and what became of it. Foreign text in it is fit for one line.
        package let detail: String
        package internal(set) var count: Int

        package init(kind: Kind, detail: String, count: Int) {
            (self.kind, self.detail, self.count) = (kind, detail, count)
        }
    }

    /// In order of first appearance.
    package private(set) var entries: [Entry] = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    /// How many repairs of that kind.
    package func count(_ kind: Kind) -> Int { entries.reduce(0) { $1.kind == kind ? $0 + $1.count : $0 } }

    func add(_ kind: Kind, _ detail: String) {
        if count(again: kind, detail) { return }
        if entries.count < Self.maxEntries {
            let cut = String(decoding: detail.utf8.prefix(Self.maxDetailBytes), as: UTF8.self)
            if cut != detail, count(again: kind, cut) { return }
            return entries.append(Entry(kind: kind, detail: cut, count: 1))
        }
        if !count(again: kind, "other") { entries.append(Entry(kind: kind, detail: "other", count: 1)) }
    }

    private func count(again kind: Kind, _ detail: String) -> Bool {
        guard let place = entries.firstIndex(where: { $0.kind == kind && $0.detail == detail }) else { return false }
        entries[place].count += 1
        return true
    }
}
