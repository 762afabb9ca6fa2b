/// Gives every call of one response an id of its own.
struct CallIDs {
    private var used: [String] = []

    /// `wish`, if it is still free; with a suffix if not; `call_N` if there is none.
    mutating func claim(_ wish: String?) -> String {
        let base = wish.flatMap { $0.isEmpty ? nil : $0 } ?? "call_\(used.count)"
        var id = base
        var copy = 2
        while used.contains(id) {
            id = "\(base)-\(copy)"
            copy += 1
        }
        used.append(id)
        return id
    }
}
