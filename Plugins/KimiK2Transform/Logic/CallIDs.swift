/// Gives every call of one response an id of its own.
struct CallIDs {
    private var used: Set<String> = []
    /// The suffix to try next for an id that was wished for more than once.
    private var suffixes: [String: Int] = [:]

    /// `wish`, if it is still free; with a suffix if not; `call_N` if there is none. What looks like markup is no
    /// wish: the id comes back in the next turn's prompt.
    mutating func claim(_ wish: String?) -> String {
        let base = wish.flatMap { $0.isEmpty || $0.utf8.contains(0x3C) ? nil : $0 } ?? "call_\(used.count)"
        if used.insert(base).inserted { return base }
        var suffix = suffixes[base] ?? 2
        while !used.insert("\(base)-\(suffix)").inserted { suffix += 1 }
        suffixes[base] = suffix + 1
        return "\(base)-\(suffix)"
    }
}
