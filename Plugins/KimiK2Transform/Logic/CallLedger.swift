/// Where a call came from.
enum CallSource: Int {
    case content, reasoning, structured
}

/// The calls of one choice that were emitted: numbers, ids, and what is needed to know one that comes twice.
struct CallLedger {
    private struct Record {
        var source: CallSource
        var name: String
        var arguments: [UInt8]
        var isMatched = false
    }

    private var ids: CallIDs
    /// A call that comes twice is not given twice.
    private let dropsRepetitions: Bool
    private var records: [Record] = []
    private var remembered = 0
    /// Records that no repetition was found for, by source.
    private var unmatched = [0, 0, 0]
    /// Calls begun.
    private(set) var count: UInt32 = 0
    private(set) var hasInline = false

    init(_ options: NormaliserOptions) {
        ids = CallIDs(options)
        dropsRepetitions = options.repairs.contains(.duplicates)
    }

    mutating func begin(wish: String?, name: String, inline: Bool) -> (index: UInt32, id: CallIDs.Claim) {
        defer { count += 1 }
        if inline { hasInline = true }
        return (count, ids.claim(wish, name: name, isStructured: !inline, count: Int(count)))
    }

    /// Some servers give a call both as text and structured. Was one from elsewhere seen that this could repeat?
    func mayRepeat(_ source: CallSource) -> Bool {
        dropsRepetitions && unmatched.reduce(0, +) > unmatched[source.rawValue]
    }

    mutating func remember(_ source: CallSource, _ name: String, _ arguments: [UInt8]) {
        guard remembered + arguments.count <= Limits.remembered, records.count < Limits.rememberedCalls else { return }
        remembered += arguments.count
        unmatched[source.rawValue] += 1
        records.append(Record(source: source, name: name, arguments: arguments))
    }

    /// True if a call from another source with this name and these arguments was emitted; each counts once.
    mutating func isRepetition(_ source: CallSource, _ name: String, _ arguments: [UInt8]) -> Bool {
        let found = records.firstIndex {
            $0.source != source && !$0.isMatched && $0.name == name && ArgumentJSON.same($0.arguments, arguments)
        }
        guard let found else { return false }
        records[found].isMatched = true
        unmatched[records[found].source.rawValue] -= 1
        return true
    }
}
