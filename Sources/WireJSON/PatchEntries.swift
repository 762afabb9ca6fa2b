/// One member of a merge patch: its decoded name, its value's text and kind.
struct PatchEntry {
    let key: [UInt8]
    let text: UnsafeRawBufferPointer
    let kind: JSONKind
}

/// The members of a merge patch, each name once (the last one counts), and which were found in the target.
struct PatchEntries {
    private(set) var list: [PatchEntry] = []
    private(set) var used: [Bool] = []
    private var numbers: [[UInt8]: Int] = [:]

    init(_ entries: [PatchEntry]) {
        for entry in entries { add(entry) }
    }

    init(reading patch: UnsafeRawBufferPointer) throws(JSONError) {
        var entries: [PatchEntry] = []
        try JSONSpans.scanMembers(of: patch) { key, escaped, value, kind in
            entries.append(
                PatchEntry(
                    key: JSONSpans.decodedKey(patch, key, escaped: escaped),
                    text: UnsafeRawBufferPointer(rebasing: patch[value]), kind: kind))
        }
        self.init(entries)
    }

    private mutating func add(_ entry: PatchEntry) {
        if let number = numbers[entry.key] {
            list[number] = entry
        } else {
            numbers[entry.key] = list.count
            list.append(entry)
            used.append(false)
        }
    }

    /// The entry that names this member of the target, which then counts as found.
    mutating func take(_ target: UnsafeRawBufferPointer, _ span: MemberSpan) -> PatchEntry? {
        guard !list.isEmpty else { return nil }
        guard let number = numbers[JSONSpans.decodedKey(target, span.key, escaped: span.escaped)] else { return nil }
        used[number] = true
        return list[number]
    }
}
